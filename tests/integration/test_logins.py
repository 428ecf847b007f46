# SPDX-License-Identifier: MIT
"""Registries that want a login: Basic and Bearer, on the real registry; and one that asks for patience."""
import pytest

from bed.fault_proxy import FaultProxy, too_many_requests
from bed.image import push_app
from bed.registry import Registry
from bed.scene import HEALTH, Scene
from bed.slipway import Slipway


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("logins")) as scene:
        yield scene


def _server(scene, directory, name, address, username, password):
    secret = directory / "password"
    secret.write_text(password + "\n", "utf-8")
    return Slipway(directory / "slipway", f"""version: 1
engines:
  local: {{host: "{scene.engine.host}"}}
registries:
  "{address}": {{insecure: true, username: {username}, password_file: {secret}}}
projects:
  {name}:
    image: {address}/private/app
    port: 8080
    health: {HEALTH}
    stages:
      production: {{tags: "v*"}}
""", edge=False)


@pytest.mark.parametrize("mode", ["basic", "token"])
def test_a_login_is_used(scene, tmp_path, mode):
    """The right password deploys; a wrong one is refused with the user's name and never the password."""
    with Registry(tmp_path / "registry", mode=mode) as registry:
        push_app(registry, "private/app", "v1")
        with _server(scene, tmp_path, mode, registry.address, registry.username, registry.password) as server:
            over = server.wait_over(server.deploy(f"{mode}/production", "v1"))
            assert over["state"] == "LIVE", over
        (tmp_path / "other").mkdir()
        with _server(scene, tmp_path / "other", mode + "-wrong", registry.address, registry.username, "wrong-password") as server:
            over = server.wait_over(server.deploy(f"{mode}-wrong/production", "v1"))
            assert over["state"] == "FAILED" and registry.username in over["reason"], over
            assert "wrong-password" not in over["reason"] + server.log.read_text("utf-8")


def test_a_rate_limit_is_waited_out(scene, tmp_path):
    """429 with Retry-After: asked again when the registry allows it, then live."""
    push_app(scene.registry, "private/app", "v1")
    with FaultProxy(scene.registry.address) as proxy:
        proxy.add(too_many_requests("1", path="/manifests/", times=1))
        with _server(scene, tmp_path, "limited", proxy.address, "robot", "unused-password") as server:
            over = server.wait_over(server.deploy("limited/production", "v1"))
            assert over["state"] == "LIVE", over
            assert [step for step in over["steps"] if step["on"] == "TROUBLED"]
