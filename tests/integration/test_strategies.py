# SPDX-License-Identifier: MIT
"""Strategies that stop the old version first, on the real engine and edge: who waits, who writes, what goes back."""
import json
import threading

import pytest

from bed.checker import Checker
from bed.scene import HEALTH, Scene
from bed.wait import wait_for

EXCLUSIVE = 'volumes: ["{name}-data:/data"]'
LED = "domains: [{name}.localhost], "
SHORT = HEALTH.replace("deadline: 5s", "deadline: 1s")
PATIENCE_MS = 40000  # longer than the edge lets anybody wait


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
    return [step["to"] for step in deploy["steps"] if step["actor"] == "DEPLOY" and step["on"] != "HEALTHY"]


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
