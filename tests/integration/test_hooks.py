# SPDX-License-Identifier: MIT
"""Hooks on the real engine: containers of their own around the switch, once in each deploy, whatever dies meanwhile."""
import pytest

from bed.checker import Checker
from bed.journal import Journal
from bed.scene import Scene
from bed.wait import wait_for

HEALTH = "{http: /health, successes: 1, interval: 20ms, min_uptime: 0s, deadline: 20s}"
NAMES = ("pre_switch", "post_switch", "post_retire")


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("hooks")) as scene:
        yield scene


class Tasks(Journal):
    """What the hooks of one stage do: each writes a line into a file of the host. Is there a file of its name, it waits
    until there is none; is there one called fail-NAME, it fails."""

    def more(self, timeout="60s", swap_back="false"):
        """Configuration of a project."""
        def hook(name, more=""):
            words = (f"echo {name}-$SLIPWAY_TAG >> /data/journal; while [ -e /data/{name} ]; do sleep 0.05; done;"
                     f" [ ! -e /data/fail-{name} ] || exit 3")
            return f"{name}: {{command: [sh, -c, '{words}'], timeout: {timeout}{more}}}"
        hooks = [hook(NAMES[0]), hook(NAMES[1], f", swap_back: {swap_back}"), hook(NAMES[2])]
        return (f'    volumes: ["{self.directory}:/data:shared"]\n    stop_timeout: 1s\n    hooks:\n'
                + "".join(f"      {one}\n" for one in hooks))

    def make(self, name):
        """Lets a hook wait, or fail."""
        (self.directory / name).touch()

    def take(self, name):
        """No more."""
        (self.directory / name).unlink()


@pytest.fixture(name="journal")
def _journal(tmp_path):
    return Tasks(tmp_path / "data")


def states(deploy):
    """The states that a deploy went through, from the gate on."""
    names = [step["to"] for step in deploy["steps"] if step["actor"] == "DEPLOY"]
    return names[names.index("PROBING"):]


def outcomes(deploy):
    """Which hooks ran, and how they ended."""
    return {task["task"]: task["status"] for task in deploy["tasks"]}


def tasks(app):
    """The containers of tasks that there are, running or not."""
    return [c for c in app.containers() if "slipway.task" in c["Labels"]]


def versions(app, checker):
    """v1 is live, under load; v2 is there."""
    first = app.live("v1")
    checker.add(app.host, app.edge_address, app=app.repository)
    checker.wait_requests(20)
    return first


@pytest.mark.parametrize("swap_back", ["false", "true"])
def test_each_in_its_place(scene, journal, swap_back):
    """Before the switch the old version has the traffic, behind it the new one, and in the end the old one is gone. A
    stage's first deploy retires nothing; a rollback is a switch like any other."""
    with journal.app(scene, health=HEALTH, more=journal.more(swap_back=swap_back)) as app, \
            Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        scene.push(app, "v2")
        first = versions(app, checker)
        assert outcomes(first) == {"PRE_SWITCH": "done", "POST_SWITCH": "done"}
        for name in NAMES:
            journal.make(name)
        deploy = app.deploy(app.stage_name, "v2")
        for name, version, live in (("pre_switch", "v1", "v1"), ("post_switch", "v2", "v1" if swap_back == "true" else "v2"),
                                    ("post_retire", "v2", "v2")):
            app.wait_state(deploy, name.upper())
            wait_for(lambda name=name: f"{name}-v2" in journal.lines(), 20, f"{name} to begin")
            checker.wait_version(app.host, version)
            assert app.stage(app.stage_name)["live"]["tag"] == live
            old = [c for c in app.containers() if c["Labels"]["slipway.tag"] == "v1"]
            assert bool(old) == (name != "post_retire")
            journal.take(name)
        over = app.wait_over(deploy)
        assert over["state"] == "LIVE" and over["reason"] == ""
        assert outcomes(over) == {"PRE_SWITCH": "done", "POST_SWITCH": "done", "POST_RETIRE": "done"}
        assert states(over) == ["PROBING", "PRE_SWITCH", "PROBING", "SWAPPING", "POST_SWITCH", "DRAINING", "RETIRING",
                                "POST_RETIRE", "LIVE"]
        assert journal.lines()[2:] == ["pre_switch-v2", "post_switch-v2", "post_retire-v2"]
        wait_for(lambda: not tasks(app), 60, "the hooks' containers to be removed")  # by the second look, at the latest
        assert app.wait_over(app.rollback(app.stage_name))["state"] == "LIVE"
        assert journal.lines()[5:] == ["pre_switch-v1", "post_switch-v1", "post_retire-v1"]
        assert checker.stop()["failed"] == 0


def test_one_that_fails_before_the_switch_ends_the_deploy(scene, journal):
    """The old version serves on, and never another."""
    with journal.app(scene, health=HEALTH, more=journal.more()) as app, \
            Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        digest = scene.push(app, "v2")
        versions(app, checker)
        journal.make("fail-pre_switch")
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "ROLLED_BACK" and "pre-switch hook ended with exit code 3" in over["reason"], over
        assert states(over) == ["PROBING", "PRE_SWITCH", "UNDOING", "ROLLED_BACK"]
        assert [q["digest"] for q in app.stage(app.stage_name)["quarantine"]] == [digest]
        assert {c["Labels"]["slipway.tag"] for c in app.containers()} == {"v1"}
        assert checker.versions(app.host) == ["v1"]
        assert checker.stop()["failed"] == 0


def test_one_that_fails_behind_the_switch_is_told(scene, journal):
    """In the reason and in the log; the version stays."""
    with journal.app(scene, health=HEALTH, more=journal.more()) as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        journal.make("fail-post_switch")
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "LIVE" and "a hook failed" in over["reason"], over
        assert outcomes(over) == {"PRE_SWITCH": "done", "POST_SWITCH": "failed", "POST_RETIRE": "done"}
        assert [line for line in app.log_of(over["id"]) if line["level"] == "error" and "exit code 3" in line["text"]]


def test_one_that_fails_behind_the_switch_leads_back(scene, journal):
    """To the version before, which never stopped; nobody notices but for the version."""
    with journal.app(scene, health=HEALTH, more=journal.more(swap_back="true")) as app, \
            Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        digest = scene.push(app, "v2")
        versions(app, checker)
        served = [c["Id"] for c in app.containers() if "slipway.task" not in c["Labels"]]
        journal.make("post_switch")
        journal.make("fail-post_switch")
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "POST_SWITCH")
        checker.wait_version(app.host, "v2")
        checker.expect(app.host, "v1")
        journal.take("post_switch")
        over = app.wait_over(deploy)
        assert over["state"] == "ROLLED_BACK" and "post-switch hook ended with exit code 3" in over["reason"], over
        assert states(over)[-4:] == ["POST_SWITCH", "SWAPPING_BACK", "UNDOING", "ROLLED_BACK"]
        checker.wait_version(app.host, "v1")
        assert [q["digest"] for q in app.stage(app.stage_name)["quarantine"]] == [digest]
        assert [c["Id"] for c in app.containers() if "slipway.task" not in c["Labels"]] == served
        assert checker.stop()["failed"] == 0


def test_canceled_on_trial_it_leads_back(scene, journal):
    """A deploy may be canceled as long as the version before is what counts; the hook is stopped."""
    with journal.app(scene, health=HEALTH, more=journal.more(swap_back="true")) as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        journal.make("post_switch")
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: "post_switch-v2" in journal.lines(), 20, "the hook to begin")
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        over = app.wait_over(deploy)
        assert over["state"] == "CANCELED" and outcomes(over)["POST_SWITCH"] == "stopped", over
        assert app.stage(app.stage_name)["live"]["tag"] == "v1"
        assert {c["Labels"]["slipway.tag"] for c in app.containers()} == {"v1"}


def test_one_that_serves_is_not_canceled(scene, journal):
    """Without swap_back the version is live once it has the traffic."""
    with journal.app(scene, health=HEALTH, more=journal.more()) as app:
        scene.push(app, "v1")
        app.live("v1")
        scene.push(app, "v2")
        journal.make("post_switch")
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: "post_switch-v2" in journal.lines(), 20, "the hook to begin")
        status, _, body = app.call("POST", f"/api/v1/deploys/{deploy}/cancel")
        assert status == 409 and "serves already" in str(body), body
        journal.take("post_switch")
        assert app.wait_over(deploy)["state"] == "LIVE"


@pytest.mark.parametrize("name", NAMES)
def test_killed_in_the_middle_it_runs_once(scene, journal, name):
    """kill -9 under load while it runs; it goes on, and the next server reads how it ended."""
    with journal.app(scene, health=HEALTH, more=journal.more(swap_back="true")) as app, \
            Checker([], rate=200, workers=2) as checker:
        scene.push(app, "v1")
        scene.push(app, "v2")
        versions(app, checker)
        journal.make(name)
        deploy = app.deploy(app.stage_name, "v2")
        wait_for(lambda: f"{name}-v2" in journal.lines(), 20, "the hook to begin")
        app.kill()
        journal.take(name)
        app.start()
        assert app.wait_over(deploy)["state"] == "LIVE"
        assert journal.lines()[2:] == ["pre_switch-v2", "post_switch-v2", "post_retire-v2"]
        assert checker.stop()["failed"] == 0


@pytest.mark.parametrize("value, fault", [
    ("[a]", "must be a map of pre_switch, post_switch and post_retire"),
    ("{pre_switch: {}}", "has no 'command'"),
    ("{pre_switch: {command: [a], swap_back: true}}", "unknown key 'swap_back'"),
    ("{post_switch: {command: [a], timeout: 13h}}", "timeout"),
    ("{pre_switsh: {command: [a]}}", "did you mean 'pre_switch'"),
])
def test_bad_configuration(scene, value, fault):
    """Each fault is told with its place."""
    with scene.app(edge=False) as app:
        text = app.config_file.read_text("utf-8").replace("    port: 8080", f"    port: 8080\n    hooks: {value}")
        status, _, body = app.call("POST", "/api/v1/apply", text, headers={"Content-Type": "application/yaml"})
        assert status == 400 and fault in str(body), body
