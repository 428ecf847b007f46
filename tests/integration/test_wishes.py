# SPDX-License-Identifier: MIT
"""What people ask for, and whether they are told the truth about it."""
import http.client
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.fault_proxy import Fault, FaultProxy
from bed.scene import Scene
from bed.slipway import TOKEN, ApiFault, binary
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("wishes")) as scene:
        yield scene


def status_of(app, host):
    """Return the status of one request through the edge."""
    connection = http.client.HTTPConnection("127.0.0.1", app.edge_port, timeout=40)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_live_version_that_is_gone_can_be_deployed_again(scene):
    """The status says so, and the same digest is no reason to skip."""
    with scene.app(SLIPWAY_SWEEP_INTERVAL="1s") as app:
        scene.push(app, "v1")
        app.live("v1")
        assert app.stage(app.stage_name)["replicas_running"] == 1
        scene.engine.api.remove(app.containers()[0]["Id"])
        wait_for(lambda: app.stage(app.stage_name)["replicas_running"] == 0, 20, "the loss to be noticed")
        assert "0 of 1 replicas run" in app.run("status").stdout
        app.live("v1")
        assert app.versions() == ["v1"]


def test_a_rollback_does_not_go_back_by_two(scene):
    """While a version is on its way up, the one that serves is what people would go back to."""
    with scene.app() as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
            app.live(tag)
        scene.push(app, "v3", HEALTH_FAIL_UNTIL_MS="60000")
        third = app.deploy(app.stage_name, "v3")
        app.wait_state(third, {"PROBING"})
        with pytest.raises(ApiFault) as fault:
            app.rollback(app.stage_name)
        assert fault.value.status == 409 and f"deploy {third} is under way" in fault.value.message
        app.post(f"/api/v1/deploys/{third}/cancel")
        app.wait_over(third)
        over = app.wait_over(app.rollback(app.stage_name))
        assert over["tag"] == "v1" and over["state"] == "LIVE"


def test_wait_tells_how_it_ended_though_nobody_reads(scene):
    """`slipway deploy --wait | head -1` in a script with pipefail."""
    with scene.app() as app:
        scene.push(app, "v1", EXIT_AT_START="1")
        command = [binary(), "deploy", app.stage_name, "v1", "--wait"]
        with subprocess.Popen(command, env={**app.environment(), "SLIPWAY_TOKEN": TOKEN}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
            assert client.stdout.readline() != ""
            client.stdout.close()
            assert client.wait(60) == 1


def test_a_hook_reaches_every_stage(scene):
    """Forty stages of one image, forty deploys."""
    stages = "".join(f"\n      s{i}: {{{{tags: 'v*'}}}}" for i in range(39))
    with scene.app(stage="tags: 'v*'", stages=stages, edge=False, health="none") as app:
        scene.push(app, "v1")
        _, answer = app.webhook(app.name, f"{scene.registry.address}/{app.repository}:v1")
        assert len(answer["deploys"]) == 40


def test_one_stage_cannot_fill_the_server(scene):
    """Tags that a registry never answers for: the 33rd is told to wait, another stage deploys on."""
    with FaultProxy(scene.registry.address) as proxy:
        proxy.add(Fault(path=".*/manifests/hang.*", hang=True))
        with scene.app(stages="\n      other: {{}}", edge=False, address=proxy.address) as app:
            scene.push(app, "v1")
            for i in range(32):
                app.deploy(app.stage_name, f"hang{i}")
            with pytest.raises(ApiFault) as fault:
                app.deploy(app.stage_name, "hang32")
            assert fault.value.status == 503 and "wait for the registry" in fault.value.message
            assert app.deploy(f"{app.name}/other", "v1")


def test_a_registry_that_is_left_out_is_named(scene, tmp_path):
    """An entry that goes is a change, and said before it is done."""
    with scene.app(edge=False) as app:
        path = tmp_path / "slipway.yml"
        path.write_text(f"version: 1\nengines:\n  local: {{host: 'unix://{scene.engine.socket}'}}\nprojects: {{}}\n")
        said = app.run("apply", "--dry-run", path).stdout
        assert f"registry {scene.registry.address}" in said and "remove" in said
        assert f"stage {app.stage_name}" in said


def test_a_token_that_was_set_replaces_the_first_one(scene):
    """Also once the setting is gone: a token that somebody replaced must not come back."""
    with scene.app(edge=False) as app:
        app.terminate()
        app.settings.pop("SLIPWAY_TOKEN")
        app.start()
        assert app.get("/api/v1/stages")


def test_a_paused_container_keeps_its_requests(scene):
    """`docker pause`, or `docker commit` for a moment: it is told, requests wait, a new version takes over."""
    with scene.app() as app, ThreadPoolExecutor(1) as pool:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        path = f"/containers/{app.containers()[0]['Id']}"
        scene.engine.api.call("POST", f"{path}/pause")
        wait_for(lambda: app.stage(app.stage_name)["replicas_paused"] == 1, 10, "the pause to be noticed")
        assert "1 of 1 replicas paused" in app.run("status").stdout
        assert "paused" in app.run("status", app.stage_name).stdout.splitlines()[-1]
        waiting = pool.submit(status_of, app, app.host)
        wait_for(lambda: app.stage(app.stage_name)["in_flight"] == 1, 10, "a request to wait")
        scene.engine.api.call("POST", f"{path}/unpause")
        assert waiting.result() == 200
        wait_for(lambda: app.stage(app.stage_name)["replicas_running"] == 1, 10, "it to be noticed")
        scene.engine.api.call("POST", f"{path}/pause")
        app.live("v2")
        assert app.versions() == ["v2"] and len(app.containers()) == 1
        assert status_of(app, app.host) == 200


def test_a_new_container_that_is_paused_fails_its_gate(scene):
    """The reason names the pause, not a time that ran out."""
    with scene.app(health="{none: true, min_uptime: 6s, deadline: 8s}") as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, "PROBING")
        scene.engine.api.call("POST", f"/containers/{app.containers()[0]['Id']}/pause")
        over = app.wait_over(deploy)
        assert over["state"] == "ROLLED_BACK" and "it is paused" in over["reason"]
        assert not app.containers()


def test_a_container_that_does_not_run_gets_no_requests(scene):
    """Docker gives its address to the next container, and that one is another app's."""
    stages = "\n      other: {{tags: 'v*', domains: [other-{name}.localhost]}}"
    with scene.app(stages=stages, more="    restart: 'no'") as app:
        scene.push(app, "v1")
        app.live("v1")
        address = app.containers()[0]["NetworkSettings"]["Networks"]["slipway"]["IPAddress"]
        stopped = app.containers()[0]["Id"]
        scene.engine.api.stop(stopped)
        wait_for(lambda: status_of(app, app.host) == 503, 20, "the route to lead nowhere")
        app.wait_over(app.deploy(f"{app.name}/other", "v1"))
        other = [c for c in app.containers() if c["State"] == "running"]
        assert [c["NetworkSettings"]["Networks"]["slipway"]["IPAddress"] for c in other] == [address]
        assert status_of(app, app.host) == 503
        assert status_of(app, f"other-{app.host}") == 200
        scene.engine.api.start(stopped)
        wait_for(lambda: status_of(app, app.host) == 200, 20, "the route to lead to its new address")
