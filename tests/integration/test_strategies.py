# SPDX-License-Identifier: MIT
"""Strategies on the real engine and edge: who waits, who writes, what goes back; and what is kept warm."""
import json
import threading

import pytest

from bed.checker import PATIENCE_MS, Checker
from bed.scene import HEALTH, Scene
from bed.wait import wait_for

EXCLUSIVE = 'volumes: ["{name}-data:/data"]'
LED = "domains: [{name}.localhost], "
SHORT = HEALTH.replace("deadline: 8s", "deadline: 3s")


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("strategies")) as scene:
        yield scene


class Witness:
    """Looks at the containers all the time: how many of a project ran at once, at most?"""

    def __init__(self, app):
        self.app = app
        self.most = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _look(self):
        while not self._is_over.is_set():
            self.most = max(self.most, len(self.app.versions()))


def _none_failed(seen):
    assert seen["failed"] == 0, {name: count for name, count in seen["reasons"].items() if count}


def _states(deploy):
    """The states that it went through; tries of one state are one."""
    steps = [step["to"] for step in deploy["steps"] if step["actor"] == "DEPLOY"]
    return [state for state, before in zip(steps, [None, *steps]) if state != before]


def test_requests_wait_while_the_old_version_is_stopped(scene):
    """An exclusive volume: never two versions at once, and no request fails."""
    with scene.app(stage=LED + EXCLUSIVE) as app:
        scene.push(app, "v1")
        scene.push(app, "v2", LISTEN_DELAY_MS=700)
        first = app.live("v1")
        assert first["strategy"] == "STOP_FIRST" and "HALTING" not in _states(first)
        with Checker([], rate=200, workers=20, timeout_ms=PATIENCE_MS) as checker, Witness(app) as witness:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(100)
            over = app.live("v2")
            checker.wait_requests(100)
            seen = checker.snapshot()
        assert _states(over) == ["RESOLVING", "QUEUED", "PULLING", "PARKING", "HALTING", "STARTING", "PROBING",
                                 "SWAPPING", "DRAINING", "RETIRING", "LIVE"]
        assert witness.most == 1 and app.versions() == ["v2"] and len(app.containers()) == 1
        _none_failed(seen)
        assert seen["targets"][0]["versions"][-1]["version"] == "v2"
        assert seen["latency_ms"]["max"] > 700  # they have waited
        assert any("wait at the edge" in line["text"] for line in app.log_of(over["id"]))
        assert not any("is exited" in line["text"] for line in app.log_of(first["id"]))  # that it ended is no news
        plan = app.get(f"/api/v1/projects/{app.name}/stages/production/plan")
        assert plan["strategy"] == "stop-first" and plan["last"]["deploy"] == over["id"]
        assert plan["last"]["took_ms"] > 700


def test_a_version_that_fails_gives_the_volume_back(scene):
    """The same container of the old version is started again, and those who waited are answered by it."""
    with scene.app(health=SHORT, stage=LED + EXCLUSIVE) as app:
        scene.push(app, "v1")
        scene.push(app, "v2", HEALTH="fail")
        app.live("v1")
        before = app.containers()[0]["Id"]
        with Checker([], rate=100, workers=20, timeout_ms=PATIENCE_MS) as checker, Witness(app) as witness:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(50)
            over = app.wait_over(app.deploy(app.stage_name, "v2"))
            checker.wait_requests(100)
            seen = checker.snapshot()
        assert over["state"] == "ROLLED_BACK" and _states(over)[-3:] == ["REVIVING", "RETURNING", "ROLLED_BACK"]
        assert [c["Id"] for c in app.containers()] == [before] and app.versions() == ["v1"]
        assert witness.most == 1
        _none_failed(seen)
        assert {v["version"] for v in seen["targets"][0]["versions"]} == {"v1"}


def test_killed_while_nobody_serves(scene):
    """kill -9 with the old version stopped: requests wait on, and the next start goes on from there."""
    with scene.app(stage=LED + EXCLUSIVE) as app:
        scene.push(app, "v1")
        scene.push(app, "v2", LISTEN_DELAY_MS=1500)
        app.live("v1")
        with Checker([], rate=100, workers=20, timeout_ms=PATIENCE_MS) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(50)
            deploy = app.deploy(app.stage_name, "v2")
            assert app.wait_state(deploy, ("STARTING", "PROBING"))["state"] in ("STARTING", "PROBING")
            app.kill()
            app.start()
            over = app.wait_over(deploy)
            checker.wait_requests(50)
            seen = checker.snapshot()
        assert over["state"] == "LIVE" and app.versions() == ["v2"]
        _none_failed(seen)


def test_canceled_while_nobody_serves(scene):
    """The old version comes back, and the deploy is called canceled."""
    with scene.app(stage=LED + EXCLUSIVE) as app:
        scene.push(app, "v1")
        scene.push(app, "v2", HEALTH="fail")
        app.live("v1")
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "PROBING")
        assert app.run("cancel", str(deploy)).returncode == 0
        over = app.wait_over(deploy)
        assert over["state"] == "CANCELED" and app.versions() == ["v1"]
        with Checker([], rate=50, workers=4, timeout_ms=PATIENCE_MS) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(50)
            assert checker.snapshot()["failed"] == 0


def test_recreate_lets_nobody_wait(scene):
    """503 while nobody serves, and nothing else; a worker needs no route for it."""
    with scene.app(stage=LED + "strategy: recreate",
                   stages="      jobs: {{strategy: recreate, volumes: [\"{name}-jobs:/data\"]}}") as app:
        scene.push(app, "v1")
        scene.push(app, "v2", LISTEN_DELAY_MS=500)
        app.live("v1")
        with Checker([], rate=200, workers=4, timeout_ms=PATIENCE_MS) as checker, Witness(app) as witness:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(50)
            over = app.live("v2")
            seen = checker.snapshot()
        assert over["strategy"] == "RECREATE" and witness.most == 1
        assert seen["failed"] > 0 and set(n for n, count in seen["reasons"].items() if count) == {"status_5xx"}
        for tag in ("v1", "v2"):
            job = app.wait_over(app.deploy(f"{app.name}/jobs", tag))
            assert job["state"] == "LIVE", job
        assert _states(job)[3:5] == ["HALTING", "STARTING"]


def test_the_plan_is_told_before(scene):
    """By `slipway plan`, `slipway check` and the API; a blue-green that cannot work is refused."""
    with scene.app(stage=LED + EXCLUSIVE, stages="      staging: {{domains: [s.{name}.localhost]}}") as app:
        told = app.run("plan", app.stage_name)
        assert told.returncode == 0 and "stop-first" in told.stdout and f"'{app.name}-data' at /data" in told.stdout
        assert "nothing serves" in told.stdout
        other = app.run("plan", f"{app.name}/staging", "--json")
        assert json.loads(other.stdout)["strategy"] == "blue-green" and json.loads(other.stdout)["most_ms"] == 0
        assert app.run("plan", f"{app.name}/absent").returncode == 3
        path = app.directory / "slipway.yml"
        checked = app.run("check", str(path))
        assert f"stage {app.name}/production: stop-first: " in checked.stdout
        assert f"stage {app.name}/staging" not in checked.stdout
        path.write_text(path.read_text("utf-8").replace(EXCLUSIVE.format(name=app.name),
                                                        EXCLUSIVE.format(name=app.name) + ", strategy: blue-green"),
                        "utf-8")
        refused = app.run("apply", str(path))
        assert refused.returncode == 7 and "blue-green cannot work" in refused.stdout + refused.stderr


def test_a_stage_that_becomes_exclusive(scene):
    """Applied under a version that serves: the next one stops it first; `:shared` takes that back."""
    with scene.app(stage=LED + 'volumes: ["{name}-data:/data:shared"]') as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        assert app.live("v1")["strategy"] == "BLUE_GREEN"
        path = app.directory / "slipway.yml"
        text = path.read_text("utf-8")
        path.write_text(text.replace(":shared", ""), "utf-8")
        assert app.run("apply", str(path)).returncode == 0
        over = app.live("v2")
        assert over["strategy"] == "STOP_FIRST" and "HALTING" in _states(over)
        path.write_text(text, "utf-8")
        assert app.run("apply", str(path)).returncode == 0
        assert app.live("v1", force=True)["strategy"] == "BLUE_GREEN"
        wait_for(lambda: app.versions() == ["v1"], 20, "the old version to go")


def _warm(app):
    kept = app.stage(app.stage_name)["kept"]
    assert len(kept) <= 1 and all(one["until_ms"] > 0 and one["domains"] == [] for one in kept)
    return kept[0]["tag"] if kept else None


def test_going_back_to_what_is_warm_starts_nothing(scene):
    """There and back again, under load, with a gate that would take longer each time; then its time is over."""
    slow = HEALTH.replace("min_uptime: 0s", "min_uptime: 2s")
    with scene.app(health=slow, stage=LED + "replicas: 2", warm="10m", SLIPWAY_SWEEP_INTERVAL="1s") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        first = app.live("v1")
        assert _warm(app) is None
        with Checker([], rate=200, workers=8) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(50)
            app.live("v2")
            assert _warm(app) == "v1" and sorted(app.versions()) == ["v1", "v1", "v2", "v2"]
            before = {c["Id"] for c in app.containers()}
            for tag in ("v1", "v2", "v1"):
                checker.expect(app.host, tag)
                over = app.wait_over(app.rollback(app.stage_name))
                assert over["state"] == "LIVE" and over["tag"] == tag and over["trigger"] == "ROLLBACK"
                assert _states(over) == ["QUEUED", "PROBING", "SWAPPING", "DRAINING", "LIVE"]
                assert "kept warm" in over["reason"]
                checker.wait_version(app.host, tag, 10)
            assert {c["Id"] for c in app.containers()} == before
            stage = app.stage(app.stage_name)
            assert stage["live"]["deploy"] == first["id"] and stage["kept"][0]["tag"] == "v2"
            assert "going back to it starts nothing" in app.run("status", app.stage_name).stdout
            # A shorter time counts from the next deploy on; a new one takes the place of what is warm.
            path = app.directory / "slipway.yml"
            path.write_text(path.read_text("utf-8").replace("warm_keep: 10m", "warm_keep: 1s"), "utf-8")
            assert app.run("apply", str(path)).returncode == 0
            scene.push(app, "v3")
            app.live("v3")
            wait_for(lambda: set(app.versions()) == {"v3"} and _warm(app) is None, 20, "the old ones to go")
            seen = checker.snapshot()
        _none_failed(seen)


def test_what_was_warm_and_died(scene):
    """Nobody is led to it: what is wanted again is started."""
    with scene.app(stage=LED.rstrip(", "), more='    restart: "no"', warm="10m") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        app.live("v2")
        old = next(c for c in app.containers() if c["Labels"]["slipway.tag"] == "v1")
        scene.engine.api.stop(old["Id"], 1)
        wait_for(lambda: _warm(app) is None, 20, "the stage to let it go")
        with Checker([], rate=100, workers=4) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            over = app.wait_over(app.rollback(app.stage_name))
            assert over["state"] == "LIVE" and "STARTING" in _states(over)
            checker.wait_version(app.host, "v1", 10)
            _none_failed(checker.snapshot())


def test_killed_on_the_way_back(scene):
    """kill -9 in the swap to what was warm: it serves in the end, and still nothing is started."""
    with scene.app(stage=LED.rstrip(", "), warm="10m") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag, HEALTH_SLOW_MS=100)
        app.live("v1")
        app.live("v2")
        before = {c["Id"] for c in app.containers()}
        with Checker([], rate=100, workers=8) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            deploy = app.rollback(app.stage_name)
            app.wait_state(deploy, ("SWAPPING", "DRAINING", "LIVE"))
            app.kill()
            app.start()
            assert app.wait_over(deploy)["state"] == "LIVE"
            checker.wait_version(app.host, "v1", 10)
            _none_failed(checker.snapshot())
        assert {c["Id"] for c in app.containers()} == before and _warm(app) == "v2"
