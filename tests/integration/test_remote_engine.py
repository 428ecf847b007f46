# SPDX-License-Identifier: MIT
"""An engine behind TCP with certificates, as one on another machine is: containers are reached by published ports."""
import pytest

from bed.certificates import Authority
from bed.checker import Checker
from bed.docker_api import DockerApi
from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def fixture_scene(tmp_path_factory):
    """An engine that wants a client's certificate on TCP, and a registry."""
    with Scene(tmp_path_factory.mktemp("remote"), tls=True) as scene:
        yield scene


def remote(scene, directory, **changes):
    """Return a server, not started yet, that reaches the engine over TCP alone."""
    app = scene.app()
    files = {"ca": directory / "ca.pem", "cert": directory / "cert.pem", "key": directory / "key.pem", **changes}
    tls = ", ".join(f"{name}: {path}" for name, path in files.items() if path)
    engine = f'{{host: "tcp://{scene.engine.tcp_address}", reach: published' + (f", tls: {{{tls}}}}}" if tls else "}")
    text = app.config_file.read_text("utf-8")
    assert f'{{host: "{scene.engine.host}"}}' in text
    app.config_file.write_text(text.replace(f'{{host: "{scene.engine.host}"}}', engine), "utf-8")
    return app


def test_a_version_replaces_another(scene):
    """Under load, over TLS; ports are published on loopback, and what the container prints is read."""
    with remote(scene, scene.engine.tls_directory) as app, Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        checker.add(app.host, app.edge_address, app=app.repository)
        checker.wait_requests(20)
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "LIVE", over
        checker.wait_version(app.host, "v2")
        assert checker.stop()["failed"] == 0
        container, = app.containers()
        assert {port["IP"] for port in container["Ports"] if "PublicPort" in port} == {"127.0.0.1"}
        assert app.versions() == ["v2"]
        printed = app.run("logs", app.stage_name)
        assert printed.returncode == 0 and printed.stdout, printed


def _fault(app):
    """What the server says of the engine once it has tried."""
    with app:
        return wait_for(lambda: [line["msg"] for line in app.log_lines() if line["event"] == "engine.lost"], 20,
                        "the engine to be called lost")[0]


def test_who_has_no_right_is_told_what_is_missing(scene, tmp_path):
    """Another's certificate, none at all, and an engine that is not the one that it says it is."""
    good = scene.engine.tls_directory
    other = Authority(tmp_path / "other")
    certificate, key = other.issue("client", "client", "clientAuth", "DNS:client")
    assert "certificate" in _fault(remote(scene, good, cert=certificate, key=key))
    assert "TLS" in _fault(remote(scene, good, ca=None, cert=None, key=None))
    assert "certificate" in _fault(remote(scene, good, ca=tmp_path / "other" / "ca.pem"))
    assert not DockerApi(scene.engine.socket).containers(label="slipway.managed=true")
