# SPDX-License-Identifier: MIT
"""Faults of the Docker engine under load: restarted and killed in the middle of deploys of every kind, stopped
for long, hung. Its containers go on (live-restore), and so no request may fail."""
import contextlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.fault_proxy import Fault, FaultProxy
from bed.faults import health, lines, load, none_failed, troubles, wait_line
from bed.long_lived import HeldPost
from bed.scene import Scene
from bed.wait import wait_for

STOPPED_S = float(os.environ.get("FAULTS_ENGINE_STOPPED_S", "9"))
SLOW_GATE = "{http: /health, successes: 10, interval: 100ms, min_uptime: 0s, deadline: 60s}"
RIGHT = {"SLIPWAY_SWEEP_INTERVAL": "1s"}

# What makes a deploy of v2 last in a state: the knobs of v1, the gate, what the registry delays. A drain waits for a
# request.
HELD = {
    "PULLING": ({}, None, r"/blobs/"),
    "PROBING": ({}, SLOW_GATE, None),
    "DRAINING": ({}, None, None),
    "RETIRING": ({"IGNORE_SIGTERM": "1"}, None, None),
}


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("engine"), live_restore=True) as scene:
        yield scene


@pytest.fixture(name="scene")
def _scene(shared):
    """The scene with an engine that runs, whatever the test before did to it."""
    if not shared.engine.pid:
        shared.engine.start()
    yield shared


class Held:
    """A stage under load whose deploy of v2 stays in a state for a while."""

    def __init__(self, scene, state, stack):
        behaviour, gate, delayed = HELD[state]
        self.state = state
        self.proxy = stack.enter_context(FaultProxy(scene.registry.address))
        more = {"health": gate} if gate else {}
        self.app = stack.enter_context(scene.app(address=self.proxy.address, **RIGHT, **more,
                                                 stage="domains: [{name}.localhost], stop_timeout: 4s"))
        scene.push(self.app, "v1", **behaviour)
        scene.push(self.app, "v2")
        self.app.live("v1")
        self.request = HeldPost(self.app.host, self.app.edge_address) if state == "DRAINING" else None
        if self.request:
            wait_for(lambda: self.app.stage(self.app.stage_name)["in_flight"] == 1, 10, "the request to be in flight")
        self.checker = stack.enter_context(load(self.app, rate=100, workers=2))
        if delayed:
            self.proxy.add(Fault(path=delayed, delay_s=2, times=1))
        self.deploy = self.app.deploy(self.app.stage_name, "v2")
        self.found = self.app.wait_state(self.deploy, state)

    def ends_well(self):
        """The deploy is live, one container is left, no request failed, the engine's way is told."""
        if self.request:
            status, headers = self.request.finish()
            assert (status, headers["App-Version"]) == (200, "v1")
        over = self.app.wait_over(self.deploy, 60)
        assert over["state"] == "LIVE", (self.state, over, self.app.log_of(self.deploy))
        wait_for(lambda: self.app.versions() == ["v2"] and len(self.app.containers()) == 1, 30, "one container")
        self.checker.wait_version(self.app.host, "v2")
        none_failed(self.checker)
        wait_line(self.app, "engine.lost", "warn")
        wait_for(lambda: len(lines(self.app, "engine.reached", "info")) >= 2, 20, "the engine to be back")
        wait_for(lambda: health(self.app, "engines", "local")["reachable"], 20, "the engine in /health")


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_in_the_middle_of_deploys(scene, how):
    """Four deploys at once, each in another state, when dockerd is restarted, or killed."""
    with contextlib.ExitStack() as stack:
        held = [Held(scene, state, stack) for state in ("PULLING", "RETIRING", "PROBING", "DRAINING")]
        if how == "restart":
            scene.engine.restart()
        else:
            scene.engine.kill()
            scene.engine.start()
        assert [one.found["state"] for one in held][0] == "PULLING"
        for one in held:
            one.ends_well()


def stays_away(scene):
    """The traffic goes on, work is accepted and waits, the cause and the remedy are shown, and it goes on by itself."""
    with scene.app(**RIGHT) as app, scene.app(**RIGHT) as other:
        for one in (app, other):
            for tag in ("v1", "v2"):
                scene.push(one, tag)
            one.live("v1")
        with load(app) as checker:
            scene.engine.end()
            why = wait_for(lambda: health(app, "engines", "local").get("why"), 10, "the fault")
            assert scene.engine.host in why and "start Docker" in why
            line = wait_line(app, "engine.lost", "warn")
            assert "event stream" in line["msg"] or "start Docker" in line["msg"]
            status, body = app.webhook(app.name, scene.registry.reference(app.repository, "v2"))
            assert status == 202
            deploy = body["id"]
            reason = wait_for(lambda: app.show(deploy)["reason"], 10, "a reason")
            assert "cannot reach the Docker engine 'local'" in reason and "start Docker" in reason
            assert [line for line in app.log_of(deploy) if line["level"] == "warn" and "start Docker" in line["text"]]
            assert lines(app, "port.troubled", "warn", "cannot reach the Docker engine")
            assert app.show(deploy)["state"] == "PULLING"
            shown = app.run("show", str(deploy))
            assert shown.returncode == 0 and "pulling" in shown.stdout and "start Docker" in shown.stdout
            canceled = other.deploy(other.stage_name, "v2")
            other.wait_state(canceled, "PULLING")
            other.post(f"/api/v1/deploys/{canceled}/cancel")
            assert other.wait_over(canceled, 10)["state"] == "CANCELED"
            begin = checker.snapshot()["ms"]
            wait_for(lambda: checker.snapshot()["ms"] - begin >= STOPPED_S * 1000, STOPPED_S + 5, "the time to pass", 0.2)
            scene.engine.start()
            over = app.wait_over(deploy, 60)
            assert over["state"] == "LIVE" and troubles(over), over
            checker.wait_version(app.host, "v2")
            none_failed(checker)
        assert app.versions() == ["v2"] and other.versions() == ["v1"]


def hangs(directory):
    """An engine of its own that is paused in the middle of a deploy."""
    with Scene(directory, live_restore=True) as scene, scene.app(**RIGHT) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker:
            scene.engine.pause()
            try:
                deploy = app.deploy(app.stage_name, "v2")
                line = wait_line(app, "engine.lost", "warn", "timed out", 40)
                assert scene.engine.host in line["msg"] and "it hangs; restart it" in line["msg"]
                assert "restart it if it stays so" in health(app, "engines", "local")["why"]
                assert app.show(deploy)["state"] == "PULLING"
            finally:
                scene.engine.resume()
            over = app.wait_over(deploy, 90)
            assert over["state"] == "LIVE", over
            checker.wait_version(app.host, "v2")
            none_failed(checker)


def test_stopped_for_long_and_hung(scene, tmp_path):
    """Two engines at once: one is stopped for long, one accepts and never answers."""
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(stays_away, scene), pool.submit(hangs, tmp_path)]:
            one.result()
