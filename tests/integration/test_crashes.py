# SPDX-License-Identifier: MIT
"""kill -9 of the server in each state of a deploy, under load: no request fails, and the deploy ends."""
import contextlib
import http.client
import os
import signal
from pathlib import Path

import pytest

from bed.checker import Checker
from bed.fault_proxy import Fault, FaultProxy
from bed.scene import Scene
from bed.wait import wait_for

SLOW_GATE = "{http: /health, successes: 8, interval: 100ms, min_uptime: 0s, deadline: 20s}"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("crashes")) as scene:
        yield scene


# Which knobs make a state last, and how the deploy ends.
MATRIX = {
    "RESOLVING": ({}, r"/manifests/", "LIVE"),
    "PULLING": ({}, r"/blobs/", "LIVE"),
    "STARTING": ({}, None, "LIVE"),
    "PROBING": ({}, None, "LIVE"),
    "SWAPPING": ({}, None, "LIVE"),
    "DRAINING": ({}, None, "LIVE"),
    "RETIRING": ({}, None, "LIVE"),
    "UNDOING": ({"HEALTH": "fail", "IGNORE_SIGTERM": "1"}, None, "ROLLED_BACK"),
}


@pytest.mark.parametrize("state", MATRIX)
def test_killed_in(scene, state):
    """The state named is reached (or the next one, when it is over too soon to catch), then kill -9."""
    behaviour, delayed, end = MATRIX[state]
    with FaultProxy(scene.registry.address) as proxy, scene.app(
            address=proxy.address, health=SLOW_GATE.replace("20s", "3s"),
            stage="domains: [{name}.localhost], replicas: 2") as app, Checker([], rate=500, workers=4) as checker:
        scene.push(app, "v1", IGNORE_SIGTERM="1" if state == "RETIRING" else "0")
        app.live("v1")
        checker.add(app.host, app.edge_address, app=app.repository)
        checker.wait_requests(50)
        scene.push(app, "v2", **behaviour)
        if delayed:
            proxy.add(Fault(path=delayed, delay_s=1))
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, state)
        app.kill()
        checker.wait_requests(100)
        app.start()
        over = app.wait_over(deploy, 60)
        assert over["state"] == end, over
        serving = "v2" if end == "LIVE" else "v1"
        wait_for(lambda: app.versions() == [serving] * 2 and len(app.containers()) == 2, 60, "the containers")
        checker.wait_requests(100)
        seen = checker.stop()
        assert seen["failed"] == 0, seen["reasons"]
        assert checker_versions(seen)[-1] == serving


def checker_versions(seen):
    """The versions that answered, in order."""
    return [one["version"] for one in seen["targets"][0]["versions"]]


def test_sigterm_lets_the_deploy_finish(scene):
    """Exit code 0, the new version live, and new work refused meanwhile."""
    with scene.app(health=SLOW_GATE) as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, "PROBING")
        app.process.send_signal(signal.SIGTERM)
        wait_for(lambda: app.get("/health")["draining"], 10, "the drain to begin")
        assert app.call("POST", f"/api/v1/projects/{app.name}/stages/production/deploys", {"tag": "v1"})[0] == 503
        assert app.process.wait(60) == 0
        assert app.versions() == ["v1"]
        app.start()
        assert app.show(deploy)["state"] == "LIVE"


def test_a_second_signal_ends_at_once(scene):
    """Exit code 3; the next start goes on with what was cut."""
    with scene.app(health=SLOW_GATE) as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, "PROBING")
        app.process.send_signal(signal.SIGTERM)
        wait_for(lambda: app.get("/health")["draining"], 10, "the drain to begin")
        app.process.send_signal(signal.SIGTERM)
        assert app.process.wait(10) == 3
        app.start()
        assert app.wait_over(deploy)["state"] == "LIVE"


def test_signals_that_come_while_it_ends_change_nothing(scene):
    """A storm of them to the last moment: it ends in order all the same, never by a signal."""
    with scene.app(edge=False) as app:
        for _ in range(5):
            while app.process.poll() is None:
                app.process.send_signal(signal.SIGTERM)
            assert app.process.returncode in (0, 3)
            app.start()


def test_the_engine_restarts_in_the_middle(scene):
    """Docker goes away while a deploy starts its containers; it is tried again."""
    with scene.app(health=SLOW_GATE, edge=False, more="    restart: always") as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, ("STARTING", "PROBING"))
        scene.engine.restart()
        assert app.wait_over(deploy, 120)["state"] == "LIVE", app.log_of(deploy)
        assert app.versions() == ["v1"]


def test_haproxy_killed_comes_back_with_its_routes(scene):
    """The keeper starts it again from the files; the server stays as it is."""
    with scene.app() as app:
        scene.push(app, "v1")
        app.live("v1")
        pids = app.edge_pids()
        workers = [pid for pid in pids if b"haproxy" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert workers
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with Checker([], rate=200, workers=2) as checker:
            def answers():
                connection = http.client.HTTPConnection(app.edge_address, timeout=2)
                connection.request("GET", "/", headers={"Host": app.host})
                return connection.getresponse().status == 200
            wait_for(answers, 20, "the edge to serve again")
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(100)
            assert checker.stop()["failed"] == 0
        scene.push(app, "v2")
        app.live("v2")


def test_what_is_removed_by_hand_is_told(scene):
    """A live container that vanished is marked and logged; an orphan is removed; a stranger's is not."""
    with scene.app(SLIPWAY_SWEEP_INTERVAL="1s") as app:
        digest = scene.push(app, "v1")
        deploy = app.live("v1")["id"]
        labels = dict(app.containers()[0]["Labels"])
        image = scene.registry.reference(app.repository, digest=digest)
        over = app.wait_over(app.deploy(app.stage_name, "v404"))
        orphan = scene.engine.api.run(image, Labels={**labels, "slipway.deploy": str(over["id"])})
        stranger = scene.engine.api.run(image, Labels={**labels, "slipway.store": "another"})
        scene.engine.api.remove(app.show(deploy)["instances"][0]["container_id"])
        path = f"/api/v1/projects/{app.name}/stages/production/instances"
        wait_for(lambda: app.get(path)["items"][0]["status"] == "missing", 20, "the vanished one to be marked")
        wait_for(lambda: orphan not in [c["Id"] for c in app.containers()], 20, "the orphan to be removed")
        assert stranger in [c["Id"] for c in app.containers()]
        assert [line for line in app.log_lines() if line["level"] == "warn" and line.get("deploy_id") == deploy]
