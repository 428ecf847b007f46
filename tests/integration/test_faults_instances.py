# SPDX-License-Identifier: MIT
"""Containers that misbehave while they are replaced, or afterwards: what is told, and who is served meanwhile."""
import contextlib
import http.client
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.faults import ask, health, lines, load, none_failed, wait_line
from bed.long_lived import HeldPost
from bed.scene import Scene
from bed.wait import wait_for

STORM_S = float(os.environ.get("FAULTS_STORM_S", "10"))


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("instances")) as scene:
        yield scene


def told(app, deploy, *words):
    """A warning or error in the deploy's own log has these words."""
    texts = [line["text"] for line in app.log_of(deploy) if line["level"] in ("warn", "error")]
    return [text for text in texts if all(word in text for word in words)]


def test_it_ignores_sigterm(scene):
    """The old version is killed after its stop_timeout, which is told; nobody notices, and the deploy is live."""
    with scene.app(stage="domains: [{name}.localhost], stop_timeout: 2s") as app:
        scene.push(app, "v1", IGNORE_SIGTERM="1")
        scene.push(app, "v2")
        app.live("v1")
        with load(app) as checker:
            over = app.live("v2")
            checker.wait_version(app.host, "v2")
            none_failed(checker)
        assert told(app, over["id"], "did not end within its stop_timeout of 2.0 s", "let the app end on SIGTERM")
        assert [line for line in lines(app, "port.note", "warn", "was killed") if line["instance_id"]]
        assert app.versions() == ["v2"] and len(app.containers()) == 1


def test_it_dies_during_the_drain(scene):
    """What it had in hand fails, as it must; new requests are with the new version already, and the deploy is live."""
    with scene.app() as app, ThreadPoolExecutor(1) as pool:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        slow = pool.submit(ask, app, "/slow?ms=20000", 30)
        wait_for(lambda: app.stage(app.stage_name)["in_flight"] == 1, 10, "the slow request")
        with load(app) as checker:
            deploy = app.deploy(app.stage_name, "v2")
            app.wait_state(deploy, "DRAINING")
            elder = next(one["Id"] for one in app.containers() if one["Labels"]["slipway.tag"] == "v1")
            scene.engine.api.request("POST", f"/containers/{elder}/kill")
            assert app.wait_over(deploy)["state"] == "LIVE"
            checker.wait_version(app.host, "v2")
            none_failed(checker)
        assert slow.result()[0] == 502
        assert app.versions() == ["v2"] and len(app.containers()) == 1
        assert not lines(app, "instance.died")  # it did not serve any more


def test_the_new_one_dies_during_the_drain(scene):
    """Its other replica serves; Docker starts it again, it is told, and its new address is followed."""
    with scene.app(stage="domains: [{name}.localhost], replicas: 2", SLIPWAY_SWEEP_INTERVAL="1s") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        held = HeldPost(app.host, app.edge_address)
        wait_for(lambda: app.stage(app.stage_name)["in_flight"] == 1, 10, "the request to be in flight")
        with load(app, rate=50) as checker:
            deploy = app.deploy(app.stage_name, "v2")
            app.wait_state(deploy, "DRAINING")
            young = next(one["Id"] for one in app.containers() if one["Labels"]["slipway.tag"] == "v2")
            scene.engine.api.signal(young, signal.SIGKILL)
            line = wait_line(app, "instance.died", "warn", "ended by itself with exit code 137")
            assert line["instance_id"] == young and line["deploy_id"] == deploy
            assert held.finish()[1]["App-Version"] == "v1"
            assert app.wait_over(deploy)["state"] == "LIVE"
            wait_for(lambda: app.versions() == ["v2"] * 2, 20, "both replicas")
            seen = checker.stop()
        # Only what the dead one had in hand: two at most, of two replicas and fifty requests a second.
        assert seen["failed"] <= 4, seen["reasons"]


def test_it_answers_200_and_then_500(scene):
    """The gate has passed, so it is live and its errors are its own; going back ends them, and loses nothing."""
    with scene.app() as app:
        scene.push(app, "v1")
        scene.push(app, "v2", FAIL_AFTER_MS=0, AFTER="SIGUSR1")
        first = app.live("v1")
        with load(app) as checker:
            over = app.live("v2")
            assert over["is_live"] and not over["reason"]
            app.turn_bad("v2")
            wait_for(lambda: checker.snapshot()["failed"] > 0, 20, "the errors")
            checker.expect(app.host, "v1")
            back = app.wait_over(app.rollback(app.stage_name))
            assert back["state"] == "LIVE" and back["digest"] == first["digest"]
            checker.wait_requests(30)
            before = checker.snapshot()
            checker.wait_requests(100)
            seen = checker.stop()
        assert seen["failed"] == before["failed"] == seen["reasons"]["status_5xx"]
        assert app.versions() == ["v1"]


def test_it_runs_out_of_memory(scene):
    """A replica that is killed by its limit is told as such, started again by Docker, and the other one serves."""
    with scene.app(stage="domains: [{name}.localhost], replicas: 2", more="    memory: 24m",
                   SLIPWAY_SWEEP_INTERVAL="1s") as app:
        scene.push(app, "v1")
        deploy = app.live("v1")["id"]
        with contextlib.suppress(OSError):
            ask(app, "/bytes?n=60000000")
        line = wait_line(app, "instance.memory", "warn", "ran out of memory")
        assert "raise `memory`" in line["msg"] and line["deploy_id"] == deploy
        wait_line(app, "instance.died", "warn", "exit code 137")
        wait_for(lambda: app.versions() == ["v1"] * 2, 20, "both replicas")
        wait_for(lambda: {one["status"] for one in app.get(f"/api/v1/projects/{app.name}/stages/production/instances")["items"]}
                 == {"running"}, 20, "the instances to be shown as running")
        assert ask(app)[0] == 200


class Storm:
    """So many webhooks, at a steady rate if the machine keeps up, over connections that are kept; counts the
    answers by status."""

    def __init__(self, app, images, rate, count):
        self.app, self.images, self.rate, self.count = app, images, rate, count
        self.path = app.get(f"/api/v1/projects/{app.name}")["webhook_path"]
        self.counts = {}
        self.ids = set()
        self.refusals = set()
        self.pace = threading.Event()
        self.lock = threading.Lock()

    def run(self, worker, workers):
        """One connection's share."""
        connection = http.client.HTTPConnection("127.0.0.1", self.app.port, timeout=20)
        begin = time.monotonic()
        for sent in range(self.count // workers):
            self.pace.wait(max(0, begin + sent * workers / self.rate - time.monotonic()))
            body = json.dumps({"image": self.images[(sent * workers + worker) // 50 % len(self.images)]})
            connection.request("POST", self.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = json.loads(answer.read())
            with self.lock:
                self.counts[answer.status] = self.counts.get(answer.status, 0) + 1
                if answer.status == 202:
                    self.ids.add(content["id"])
                if answer.status == 503:
                    self.refusals.add((answer.headers["Retry-After"] is not None, content["error"]["message"]))
        connection.close()


def test_a_storm_of_webhooks_during_deploys(scene):
    """500 a second during ten deploys: every one is answered, by a deploy or (the registry is slower than that) by
    "try again later"; no request fails, each deploy comes to its end, and the next hook is taken."""
    with scene.app() as app:
        tags = [f"v{number}" for number in range(1, 11)]
        for tag in tags:
            scene.push(app, tag)
        app.live("v1")
        images = [scene.registry.reference(app.repository, tag) for tag in tags]
        storm = Storm(app, images, 500, int(STORM_S * 500))
        with load(app, rate=200) as checker, ThreadPoolExecutor(4) as pool:
            running = [pool.submit(storm.run, worker, 4) for worker in range(4)]
            for one in running:
                one.result()
            wait_for(lambda: not app.stage(app.stage_name)["running"], 60, "the last deploy to end")
            seen = checker.stop()
        ended = [app.wait_over(deploy) for deploy in sorted(storm.ids)]
        states = {one["state"] for one in ended}
        assert seen["failed"] == 0, seen["reasons"]
        assert sum(storm.counts.values()) == storm.count and set(storm.counts) <= {202, 503}, storm.counts
        assert all(has_time and "wait for the registry already; try again later" in message
                   for has_time, message in storm.refusals), storm.refusals
        assert states <= {"LIVE", "SKIPPED", "SUPERSEDED"}, states
        live = [one for one in ended if one["state"] == "LIVE"]
        assert len(live) >= 3
        assert app.stage(app.stage_name)["live"]["deploy"] == max(one["id"] for one in live)
        assert len(app.containers()) == 1 and health(app, "edge")["ready"]
        assert not lines(app, "http.accept_paused")
        scene.push(app, "v11")
        status, body = app.webhook(app.name, scene.registry.reference(app.repository, "v11"))
        assert status == 202 and app.wait_over(body["id"])["state"] == "LIVE"
