# SPDX-License-Identifier: MIT
"""Ends that are asked for, an engine and an HAProxy that go away, containers removed by hand; kill -9 of the
server is in test_crash_matrix.py."""
import contextlib
import http.client
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bed.checker import Checker
from bed.scene import Scene
from bed.slipway import binary
from bed.wait import wait_for

SLOW_GATE = "{http: /health, successes: 8, interval: 100ms, min_uptime: 0s, deadline: 20s}"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("crashes")) as scene:
        yield scene


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


def test_a_signal_while_it_starts_waits_until_it_has(scene):
    """From the moment that it touches its data it ends in order; what is half made would be looked after twice."""
    with scene.app(edge=False) as app:
        for name in ("lock", "slipway.db", "slipway.db-wal"):
            app.kill()
            app.forget()
            app.launch()
            wait_for((app.data / name).exists, 10, f"{name} to be made", 0)
            app.process.send_signal(signal.SIGTERM)
            assert app.process.wait(20) == 0
        app.start()
        assert app.get("/api/v1/stages")["items"]


def test_a_terminal_that_is_closed_ends_nothing(scene):
    """SIGHUP at the first moment and in the middle of a deploy; where the log went to is gone, too."""
    with scene.app(health=SLOW_GATE, edge=False) as app:
        app.kill()
        master, terminal = os.openpty()
        app.process = subprocess.Popen([binary(), "serve"], env=app.environment(), stdin=terminal,
                                       stdout=terminal, stderr=terminal, start_new_session=True)
        os.close(terminal)
        app.wait_ready()
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, "PROBING")
        os.close(master)
        app.process.send_signal(signal.SIGHUP)
        assert app.wait_over(deploy)["state"] == "LIVE"
        assert app.terminate() == 0


def test_the_engine_restarts_in_the_middle(scene):
    """Docker goes away while a deploy starts its containers; it is tried again."""
    with scene.app(health=SLOW_GATE, edge=False, more="    restart: always") as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, ("STARTING", "PROBING"))
        scene.engine.restart()
        assert app.wait_over(deploy, 120)["state"] == "LIVE", app.log_of(deploy)
        assert app.versions() == ["v1"]


def test_a_network_made_twice_is_one_again(scene):
    """Docker lets two makers in one moment have the same name, and then starts nothing on it."""
    with scene.app() as app:
        scene.push(app, "v1")
        app.live("v1")
        scene.engine.api.create_network("slipway", CheckDuplicate=False, Labels={"slipway.managed": "true"})
        scene.push(app, "v2")
        app.live("v2")
        assert len([one for one in scene.engine.api.networks() if one["Name"] == "slipway"]) == 1


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
        # Only made, not started: the sweep may be quicker than a start.
        orphan = scene.engine.api.create(image, Labels={**labels, "slipway.deploy": str(over["id"])})
        stranger = scene.engine.api.run(image, Labels={**labels, "slipway.store": "another"})
        scene.engine.api.remove(app.show(deploy)["instances"][0]["container_id"])
        path = f"/api/v1/projects/{app.name}/stages/production/instances"
        wait_for(lambda: app.get(path)["items"][0]["status"] == "missing", 20, "the vanished one to be marked")
        wait_for(lambda: orphan not in [c["Id"] for c in app.containers()], 20, "the orphan to be removed")
        assert stranger in [c["Id"] for c in app.containers()]
        assert [line for line in app.log_lines() if line["level"] == "warn" and line.get("deploy_id") == deploy]
