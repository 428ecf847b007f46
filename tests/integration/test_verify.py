# SPDX-License-Identifier: MIT
"""The verification window on the real engine and edge: what goes wrong behind the switch leads back, and starts nothing."""
import pytest

from bed.checker import Checker
from bed.scene import Scene
from bed.wait import wait_for

HEALTH = "{http: /health, successes: 1, interval: 50ms, min_uptime: 0s, deadline: 20s}"
WINDOW = "verify: {{for: {seconds}s}}"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("verify")) as scene:
        yield scene


def watched(scene, seconds=30, more="", **parts):
    """A server whose stage has a window."""
    return scene.app(health=HEALTH, more=f"    {WINDOW.format(seconds=seconds)}\n    stop_timeout: 1s\n{more}", **parts)


def states(deploy):
    """The states that a deploy went through, from the swap on."""
    names = [step["to"] for step in deploy["steps"] if step["actor"] == "DEPLOY"]
    return names[names.index("SWAPPING"):]


def loaded(app, checker):
    """v1 is live, under load; returns the ids of its containers."""
    app.live("v1")
    checker.add(app.host, app.edge_address, app=app.repository)
    checker.wait_requests(20)
    return [c["Id"] for c in app.containers()]


def turn_bad_when_watched(app, deploy):
    """It serves well until its window has begun."""
    app.wait_state(deploy, "VERIFYING")
    app.turn_bad("v2")


def led_back(app, deploy, digest, served):
    """Its deploy ended so: v1 has never stopped, and the new digest is in quarantine."""
    over = app.wait_over(deploy)
    assert over["state"] == "ROLLED_BACK", over
    assert states(over)[-4:] == ["VERIFYING", "SWAPPING_BACK", "UNDOING", "ROLLED_BACK"]
    stage = app.stage(app.stage_name)
    assert stage["live"]["tag"] == "v1" and [q["digest"] for q in stage["quarantine"]] == [digest], stage
    assert [c["Id"] for c in app.containers()] == served
    assert [app.scene.engine.api.inspect(one)["RestartCount"] for one in served] == [0] * len(served)
    return over


def test_a_good_one_is_live_when_its_window_is_over(scene):
    """Until then the version before runs, and counts as live; it is told until when."""
    with watched(scene, 2) as app, Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        scene.push(app, "v2")
        first = app.live("v1")
        assert "VERIFYING" not in [step["to"] for step in first["steps"]]  # nothing to go back to
        checker.add(app.host, app.edge_address, app=app.repository)
        checker.wait_requests(20)
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "VERIFYING")
        checker.wait_version(app.host, "v2")
        shown = app.show(deploy)
        assert shown["watched_until_ms"] > shown["created_ms"]
        assert "slipway cancel" in app.run("show", str(deploy)).stdout
        assert app.stage(app.stage_name)["live"]["tag"] == "v1" and app.versions() == ["v1", "v2"]
        over = app.wait_over(deploy)
        assert states(over) == ["SWAPPING", "VERIFYING", "DRAINING", "RETIRING", "LIVE"] and over["reason"] == ""
        at = {step["to"]: step["at_ms"] for step in over["steps"] if step["actor"] == "DEPLOY"}
        assert at["DRAINING"] - at["VERIFYING"] >= 1990  # what is told is wall time, what is waited for is not
        assert over["watched_until_ms"] == 0 and app.versions() == ["v2"]
        assert checker.stop()["failed"] == 0


def test_errors_under_load_lead_back(scene):
    """Its gate is good and stays so; only who visits it sees the errors."""
    with watched(scene) as app, Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        digest = scene.push(app, "v2", ERROR_AFTER_MS=0, AFTER="SIGUSR1")
        served = loaded(app, checker)
        deploy = app.deploy(app.stage_name, "v2")
        turn_bad_when_watched(app, deploy)
        over = led_back(app, deploy, digest, served)
        assert "requests failed in its verification window" in over["reason"], over
        before = checker.snapshot()["failed"]
        checker.wait_requests(100)
        seen = checker.stop()
        assert seen["failed"] == before and seen["reasons"]["status_5xx"] == seen["failed"] > 0, seen["reasons"]


def test_errors_of_both_lead_nowhere(scene):
    """What the version before answered as badly is no news."""
    with watched(scene, 2) as app, Checker([], rate=200, workers=2) as checker:
        for tag in ("v1", "v2"):
            scene.push(app, tag, ERROR_AFTER_MS=0)
        app.live("v1")
        checker.add(app.host, app.edge_address, app=app.repository)
        checker.wait_requests(40)
        assert app.live("v2")["reason"] == ""
        assert checker.stop()["reasons"]["status_5xx"] > 40


@pytest.mark.parametrize("behaviour, reason", [
    ({"HEALTH_FAIL_AFTER_MS": 0}, "failed its health check 3 times in a row"),
    ({"EXIT_AFTER_MS": 0, "EXIT_CODE": 7}, "exited with code 7 in its verification window"),
])
def test_what_fails_by_itself_leads_back(scene, behaviour, reason):
    """Without a single visitor."""
    with watched(scene) as app:
        scene.push(app, "v1")
        app.live("v1")
        served = [c["Id"] for c in app.containers()]
        digest = scene.push(app, "v2", AFTER="SIGUSR1", **behaviour)
        deploy = app.deploy(app.stage_name, "v2")
        turn_bad_when_watched(app, deploy)
        over = led_back(app, deploy, digest, served)
        assert reason in over["reason"] or "was restarted" in over["reason"], over


def test_killed_in_the_middle(scene):
    """kill -9 while it is watched: the window goes on from where it began, and what goes wrong in it still leads back."""
    with watched(scene) as app, Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        digest = scene.push(app, "v2", ERROR_AFTER_MS=0, AFTER="SIGUSR1")
        served = loaded(app, checker)
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "VERIFYING")
        until_ms = app.show(deploy)["watched_until_ms"]
        app.kill()
        app.start()
        assert app.show(deploy)["watched_until_ms"] == until_ms
        app.turn_bad("v2")
        over = led_back(app, deploy, digest, served)
        assert over["ended_ms"] < until_ms, over


def test_canceled_in_the_middle(scene):
    """That leads back as well, and condemns nothing."""
    with watched(scene) as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        served = [c["Id"] for c in app.containers()]
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "VERIFYING")
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        over = app.wait_over(deploy)
        assert over["state"] == "CANCELED" and states(over)[-4:] == ["VERIFYING", "ABORTING", "CANCELING", "CANCELED"]
        assert app.stage(app.stage_name)["quarantine"] == []
        assert [c["Id"] for c in app.containers()] == served


def test_a_worker_is_watched(scene):
    """Both versions run side by side meanwhile; the one that ends goes, and the one before was never stopped."""
    with scene.app(health="none", stage="replicas: 1", more=f"    {WINDOW.format(seconds=20)}\n    stop_timeout: 1s",
                   edge=False) as app:
        text = app.config_file.read_text("utf-8").replace("    health: none", "    health: {none: true, min_uptime: 0s}")
        app.config_file.write_text(text.replace("    port: 8080\n", ""), "utf-8")
        app.run("apply", str(app.config_file))
        scene.push(app, "v1", MODE="worker")
        app.live("v1")
        served = [c["Id"] for c in app.containers()]
        scene.push(app, "v2", MODE="worker", EXIT_AFTER_MS=0, AFTER="SIGUSR1")
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "VERIFYING")
        assert app.versions() == ["v1", "v2"]
        app.turn_bad("v2")
        over = app.wait_over(deploy)
        assert over["state"] == "ROLLED_BACK" and [c["Id"] for c in app.containers()] == served, over


def test_an_engine_that_restarts_leads_nothing_back(scene):
    """Its containers ended with it; nobody holds that against the version."""
    with watched(scene, 6) as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "VERIFYING")
        scene.engine.restart()
        over = app.wait_over(deploy)
        assert over["state"] == "LIVE" and "VERIFYING" in states(over), over
        wait_for(lambda: app.versions() == ["v2"], 20, "v2 to run")


def test_the_plan_says_what_is_watched(scene):
    """And what cannot be, before anything is deployed."""
    with watched(scene, 60, edge=False) as app:
        plan = app.get(f"/api/v1/projects/{app.name}/stages/production/plan")
        assert plan["window"] == "1m, by its containers, their health check and its error responses"
        assert plan["window"] in app.run("plan", app.stage_name).stdout
        config = app.config_file.read_text("utf-8")
        app.config_file.write_text(config.replace("production: {", "production: {strategy: recreate, "), "utf-8")
        assert "none, in spite of 'verify'" in app.run("check", str(app.config_file)).stdout
