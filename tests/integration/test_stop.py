# SPDX-License-Identifier: MIT
"""A person stops a stage and starts it again, on the real engine, edge and proxy."""
import threading

import pytest

from bed.front import Front
from bed.scene import Scene
from bed.wait import wait_for
from bed.behind_caddy import ask


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("stop")) as scene:
        yield scene


def _states(app, deploy):
    """The states that it went through; tries of one state are one."""
    steps = [step["to"] for step in app.show(deploy)["steps"] if step["actor"] == "DEPLOY"]
    return [state for state, before in zip(steps, [None, *steps]) if state != before]


def _webhook(app, tag):
    """What a registry tells; returns the deploy that it began."""
    status, answer = app.webhook(app.name, f"{app.scene.registry.address}/{app.repository}:{tag}")
    assert status == 202, answer
    return answer["id"]


def _run(app, command, *more):
    done = app.run(command, app.stage_name, "--wait", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return app.deploys(limit=1)[0], done.stdout


def test_it_stays_stopped_until_a_person_starts_it(scene):
    """What is in flight ends well, visitors are told 503, hooks and restarts change nothing; a start brings back what
    was live, and then what came meanwhile."""
    with scene.app() as app:
        app.address = app.edge_address
        scene.push(app, "v1")
        scene.push(app, "v2")
        digest = app.live("v1")["digest"]
        slow = []
        visitor = threading.Thread(target=lambda: slow.append(ask(app, "/slow?ms=1500")[0]))
        visitor.start()
        wait_for(lambda: app.stage(app.stage_name)["in_flight"] > 0, 10, "the slow request")
        over, told = _run(app, "stop", "--as", "ann")
        visitor.join()
        assert slow == [200] and app.containers() == []
        assert over["state"] == "STOPPED" and over["trigger"] == "STOP" and "stopped" in told
        assert _states(app, over["id"]) == ["QUEUED", "SWAPPING", "DRAINING", "RETIRING", "STOPPED"]
        assert ask(app)[0] == 503
        stage = app.stage(app.stage_name)
        assert stage["live"] is None and stage["stopped"]["deploy"] == over["id"]
        assert "(stopped)" in app.run("status").stdout
        assert "`slipway start` brings v1 back" in app.run("status", app.stage_name).stdout
        for command, text in (("stop", "is stopped already"), ("restart", "is stopped: start it"),
                              ("rollback", "is stopped: `slipway start`")):
            refused = app.run(command, app.stage_name)
            assert refused.returncode == 5 and text in refused.stderr, refused.stderr

        told = app.run("explain", app.stage_name).stdout
        assert "it would pend: the stage is stopped" in told
        pending = _webhook(app, "v2")
        app.wait_state(pending, ("PENDING",))
        assert app.show(pending)["reason"] == "the stage is stopped"
        app.kill()
        app.start()
        assert ask(app)[0] == 503 and app.show(pending)["state"] == "PENDING" and app.containers() == []

        _run(app, "start", "--as", "bob")
        versions = []
        wait_for(lambda: versions.append(ask(app)[1].get("App-Version")) or versions[-1] == "v2", 30, "v2 behind it")
        deploys = {d["trigger"]: d for d in app.deploys() if d["id"] > pending}
        assert deploys["START"]["digest"] == digest and deploys["WEBHOOK"]["tag"] == "v2"
        assert deploys["START"]["id"] < deploys["WEBHOOK"]["id"] and app.show(pending)["state"] == "SUPERSEDED"
        wait_for(lambda: app.versions() == ["v2"], 20, "v2 alone")
        assert app.stage(app.stage_name)["stopped"] is None
        done = {(entry["action"], entry["by"]) for entry in app.get("/api/v1/audit")["items"]}
        assert {("stop", "ann"), ("start", "bob")} <= done
        refused = app.run("start", app.stage_name)
        assert refused.returncode == 5 and "is not stopped" in refused.stderr


def test_a_stop_waits_for_nothing_and_nobody_is_left_to_it(scene):
    """Refused while a deploy is under way. What a person wants while it drains comes behind it, the same version, too; a
    tag that must not move is held to that while it is stopped."""
    with scene.app(stage='domains: [{name}.localhost], tags: {{glob: "v*", immutable: "*"}}, drain_timeout: 20s') as app:
        app.address = app.edge_address
        scene.push(app, "v1")
        scene.push(app, "v2", LISTEN_DELAY_MS=1500)
        app.live("v1")
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, ("PROBING",))
        refused = app.run("stop", app.stage_name)
        assert refused.returncode == 5 and f"deploy {deploy} is under way" in refused.stderr
        app.wait_over(deploy)
        visitor = threading.Thread(target=ask, args=(app, "/slow?ms=3000"))
        visitor.start()
        wait_for(lambda: app.stage(app.stage_name)["in_flight"] > 0, 10, "the slow request")
        stop = app.post(f"/api/v1/projects/{app.name}/stages/production/stop")["id"]
        app.wait_state(stop, ("DRAINING",))
        again = app.deploy(app.stage_name, "v2")
        refused = app.run("stop", app.stage_name)
        assert refused.returncode == 5 and f"deploy {again} waits to start it" in refused.stderr
        over = app.wait_over(again)
        visitor.join()
        assert over["state"] == "LIVE" and app.show(stop)["state"] == "STOPPED" and ask(app)[0] == 200
        _run(app, "stop")
        assert app.stage(app.stage_name)["was_live"]["tag"] == "v2"
        scene.push(app, "v2", HEALTH="ok", DRAIN_MS=1)
        moved = app.wait_over(_webhook(app, "v2"))
        assert moved["state"] == "FAILED" and "is immutable and has moved" in moved["reason"], moved
        _run(app, "start")
        assert app.stage(app.stage_name)["live"]["digest"] == app.show(deploy)["digest"]


def test_approvals_outlive_the_start(scene):
    """What people have agreed to while the stage was stopped goes live behind the start."""
    with scene.app(stage="domains: [{name}.localhost], approvals: 1") as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        first = app.deploy(app.stage_name, "v1", by="ann")
        app.wait_state(first, ("PENDING",))
        assert app.run("approve", str(first), "--as", "bob").returncode == 0
        assert app.wait_over(first)["state"] == "LIVE"
        _run(app, "stop", "--as", "ann")
        pending = _webhook(app, "v2")
        app.wait_state(pending, ("PENDING",))
        assert app.run("approve", str(pending), "--as", "bob").returncode == 0
        assert app.show(pending)["reason"] == "the stage is stopped"
        _run(app, "start", "--as", "ann")
        wait_for(lambda: app.stage(app.stage_name)["live"]["tag"] == "v2", 30, "v2 behind it")


def test_a_version_by_hand_starts_it(scene):
    """Without a route, too; what was never live cannot be started or stopped."""
    with scene.app(stage="replicas: 2") as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        refused = app.run("start", app.stage_name)
        assert refused.returncode == 5 and "was never live" in refused.stderr
        refused = app.run("stop", app.stage_name)
        assert refused.returncode == 5 and "nothing is live" in refused.stderr
        app.live("v1")
        over, _ = _run(app, "stop")
        assert _states(app, over["id"]) == ["QUEUED", "RETIRING", "STOPPED"]
        assert app.versions() == []
        app.live("v2")
        assert app.versions() == ["v2", "v2"] and app.stage(app.stage_name)["stopped"] is None
        over, _ = _run(app, "stop")
        assert over["tag"] == "v2"
        back = app.rollback(app.stage_name, to=app.deploys(state="LIVE")[-1]["id"])
        assert app.wait_over(back)["state"] == "LIVE" and app.versions() == ["v1", "v1"]


@pytest.mark.parametrize("way", ["caddy-direct", "npm-direct", "npm-edge"])
def test_behind_a_proxy(scene, tmp_path, way):
    """A proxy that leads straight to the containers loses the route, and gets it back."""
    with Front(tmp_path, way) as front, \
            scene.app(front=front, stage="domains: [{name}.localhost]" + front.stage) as app:
        app.address = front.address(app)
        scene.push(app, "v1")
        app.live("v1")
        wait_for(lambda: ask(app)[0] == 200, 10, "v1")
        over, _ = _run(app, "stop")
        assert over["state"] == "STOPPED" and app.containers() == []
        assert ask(app)[0] == 503 if way == "npm-edge" else ask(app)[1].get("App-Version") is None
        _run(app, "start")
        wait_for(lambda: ask(app)[0] == 200, 10, "v1 again")
