# SPDX-License-Identifier: MIT
"""Registries by name: are they there, do they let us in, which tags do they have, what is left of their budgets; and
the passwords of Amazon's, which have to be asked for."""
import http.server
import json
import re
import threading

import pytest

from bed.fake_ecr import FakeEcr
from bed.http_server import CuttingServer
from bed.image import push_app
from bed.ports import free_port
from bed.registry import Registry
from bed.scene import Scene
from bed.wait import wait_for

STAGE = 'tags: "v*", domains: [{name}.localhost]'


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("registries")) as scene:
        yield scene


def configure(app, address, **keys):
    """Another registry in the app's configuration, instead of the scene's."""
    text = re.sub(r'  "[^"]*": \{"?insecure.*\}\n', "", app.config_file.read_text("utf-8"))
    entry = json.dumps({"insecure": True, **keys})
    text = text.replace("registries:\n", f'registries:\n  "{address}": {entry}\n')
    text = re.sub(r"image: [^/]*/", f"image: {address}/", text)
    app.config_file.write_text(text, "utf-8")
    done = app.run("apply", str(app.config_file))
    assert done.returncode == 0, done.stderr


def test_a_login_is_tried(scene, tmp_path):
    """In the words of what is wrong, by kind; the exit code says whether it is well."""
    password = tmp_path / "password"
    with Registry(tmp_path / "registry", "basic") as registry, scene.app(stage=STAGE, edge=False) as app:
        done = app.run("registry", "test", scene.registry.address)
        assert done.returncode == 0 and "asks for no login" in done.stdout
        configure(app, registry.address, kind="harbor")
        done = app.run("registry", "test", registry.address)
        assert done.returncode == 1 and "asks for a login" in done.stderr and "robot$project+name" in done.stderr
        password.write_text("wrong", "utf-8")
        configure(app, registry.address, kind="harbor", username=registry.username, password_file=str(password))
        done = app.run("registry", "test", registry.address)
        assert done.returncode == 1 and f"refused the user '{registry.username}'" in done.stderr
        assert "robot$project+name" in done.stderr
        password.write_text(registry.password, "utf-8")
        done = app.run("registry", "test", registry.address)
        assert done.returncode == 0 and "takes the login" in done.stdout, done.stderr
        shown = app.post(f"/api/v1/registries/{registry.address}/test")
        assert shown["ok"] and shown["kind"] == "harbor" and shown["username"] == registry.username
        done = app.run("registry", "test", f"{registry.address}/no/where")
        assert done.returncode == 1 and "no repository 'no/where'" in done.stderr
        nobody = f"127.0.0.1:{free_port()}"
        done = app.run("registry", "test", nobody)
        assert done.returncode == 1 and f"cannot reach the registry {nobody}" in done.stderr
        assert registry.password not in app.log.read_text("utf-8")
        for bad in ("A B", "nodot", "registry.example.org/shop:v1"):
            assert app.run("registry", "test", bad).returncode in (2, 7), bad


def test_a_login_by_tokens_is_tried(scene, tmp_path):
    """A token of the registry as a whole, and one of a repository."""
    password = tmp_path / "password"
    with Registry(tmp_path / "registry", "token") as registry, scene.app(stage=STAGE, edge=False) as app:
        password.write_text(registry.password, "utf-8")
        push_app(registry, app.repository, "v1")
        configure(app, registry.address, username=registry.username, password_file=str(password))
        done = app.run("registry", "test", registry.address)
        assert done.returncode == 0 and "takes the login" in done.stdout, done.stderr
        assert app.run("registry", "test", f"{registry.address}/{app.repository}").returncode == 0
        assert app.run("registry", "tags", f"{registry.address}/{app.repository}").stdout == "v1\n"


def test_tags_are_told_page_by_page(scene):
    """Each page leads to the next one, though this registry gives all of its tags at once, in no order."""
    with scene.app(stage=STAGE, edge=False) as app:
        scene.push(app, "v0")
        wanted = [f"v{i}" for i in range(7)]
        for tag in wanted[1:]:
            scene.registry.retag(app.repository, "v0", tag)
        path = f"/api/v1/registries/{scene.registry.address}/tags?repository={app.repository}"
        assert sorted(app.get(path)["items"]) == wanted and app.get(path)["next"] is None
        found, after = [], ""
        for _ in range(10):
            page = app.get(f"{path}&limit=3&after={after}")
            assert len(page["items"]) <= 3
            found += page["items"]
            after = page["next"]
            if not after:
                break
        assert found == wanted
        done = app.run("registry", "tags", f"{scene.registry.address}/{app.repository}", "--limit", "3")
        assert done.stdout.split() == wanted[:3] and "--after v2" in done.stderr
        assert app.run("registry", "tags", f"{scene.registry.address}/no/where").returncode != 0
        for query in ("", "?repository=", "?repository=A%20B", "?repository=a/b:v1", "?repository=a&limit=x"):
            status = app.call("GET", f"/api/v1/registries/{scene.registry.address}/tags{query}")[0]
            assert status == 400, query


class _Limited(http.server.BaseHTTPRequestHandler):
    """A registry that counts what it gives, and then asks for patience."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        """The same for every path."""
        self.server.left -= 1
        is_over = self.server.left < 0
        self.send_response(429 if is_over else 200)
        self.send_header("RateLimit-Limit", "100;w=21600")
        self.send_header("RateLimit-Remaining", f"{max(self.server.left, 0)};w=21600")
        if is_over:
            self.send_header("Retry-After", "120")
        body = b'{"tags":[]}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_budgets_are_shown(scene):
    """What is left, that polls wait for the rest, and how long the registry wants to be left alone."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    server = CuttingServer(port, _Limited)
    server.left = 51
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with scene.app(stage=STAGE, edge=False) as app:
            configure(app, address)
            found = {item["host"]: item for item in app.get("/api/v1/registries")["items"]}
            assert found[address]["budget"]["remaining"] == -1 and found[address]["ok_ms"] == 0
            assert "not asked yet" in app.run("registry", "list").stdout
            assert app.run("registry", "test", address).returncode == 0
            assert re.search(rf"^{address} .* 50 of 100 left  .*answered", app.run("registry", "list").stdout, re.M)
            server.left = 5
            app.run("registry", "test", address)
            assert "4 of 100 left, kept for deploys" in app.run("registry", "list").stdout
            server.left = 0
            assert app.run("registry", "test", address).returncode == 1
            shown = app.run("registry", "list").stdout
            assert re.search(r"left alone for (2m|1m|119s|120s): .*rate limit", shown), shown
            assert "left alone for another" in app.run("registry", "test", address).stderr
    finally:
        server.shutdown()
        server.close_connections()
        server.server_close()


def test_passwords_of_ecr(scene, tmp_path):
    """An access key is turned into the registry's password, for the digest, the pull and after a restart; a password
    that ends is followed by the next one, and a wrong secret is told in words."""
    secret = tmp_path / "secret"
    with (Registry(tmp_path / "registry", "basic", username="AWS", password="a-password-of-today") as registry,
          FakeEcr("a-password-of-today") as ecr, scene.app(stage='tags: "v*"', edge=False) as app):
        keys = {"kind": "ecr", "username": ecr.key_id, "password_file": str(secret), "token_url": ecr.url}
        secret.write_text("not the secret", "utf-8")
        configure(app, registry.address, **keys)
        done = app.run("registry", "test", registry.address)
        assert done.returncode == 1 and "InvalidSignatureException" in done.stderr, done.stderr
        assert "GetAuthorizationToken" in done.stderr
        secret.write_text(ecr.secret, "utf-8")
        wait_for(lambda: app.run("registry", "test", registry.address).returncode == 0, 30, "the login to be taken")
        push_app(registry, app.repository, "v1")
        app.live("v1")
        assert ecr.asked == 1  # one password for everything
        push_app(registry, app.repository, "v2")
        app.kill()
        app.start()
        app.live("v2")
        assert ecr.asked == 2
        ecr.life_s = 601  # ten minutes before its end it counts as over
        app.kill()
        app.start()
        assert app.run("registry", "test", registry.address).returncode == 0
        asked = ecr.asked
        wait_for(lambda: app.run("registry", "test", registry.address).returncode == 0 and ecr.asked > asked, 20,
                 "the next password")
        log = app.log.read_text("utf-8")
        assert ecr.secret not in log and ecr.password not in log
