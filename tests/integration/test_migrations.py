# SPDX-License-Identifier: MIT
"""Migrations on the real engine: a container of their own before the first of a new version, once for each digest
and stage, whatever dies meanwhile."""
import pytest

from bed.checker import Checker
from bed.journal import Journal
from bed.scene import Scene
from bed.wait import wait_for

HEALTH = "{http: /health, successes: 1, interval: 20ms, min_uptime: 0s, deadline: 20s}"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("migrations")) as scene:
        yield scene


class Tasks(Journal):
    """What the migrations of one stage do: a script that begins and ends with a line in a file of the host."""

    def more(self, script="", tail="", timeout="60s", **more):
        """Configuration of a project: `script` runs between the two lines. Keys of the migration as `more`."""
        words = f"echo begin-$SLIPWAY_TAG >> /data/journal; {script} echo end-$SLIPWAY_TAG >> /data/journal; {tail}"
        keys = "".join(f", {name}: {value}" for name, value in more.items())
        return (f'    volumes: ["{self.directory}:/data:shared"]\n    env: {{COLOUR: green}}\n    stop_timeout: 1s\n'
                f"    migration: {{command: [sh, -c, '{words}'], timeout: {timeout}{keys}}}")

    def let_go(self):
        """Lets a script that waits for it go on."""
        (self.directory / "go").touch()


WAIT = "while [ ! -e /data/go ]; do sleep 0.05; done;"


@pytest.fixture(name="journal")
def _journal(tmp_path):
    return Tasks(tmp_path / "data")


def states(deploy):
    """The states that a deploy went through."""
    return [step["to"] for step in deploy["steps"] if step["actor"] == "DEPLOY"]


def tasks(app):
    """The containers of tasks that there are, running or not."""
    return [c for c in app.containers() if "slipway.task" in c["Labels"]]


def test_once_before_the_first_container(scene, journal):
    """With the stage's environment and volumes, without its labels and its name; the log and the exit code are
    kept; the same digest is not migrated again, another one is, and a rollback runs none."""
    more = journal.more("env; id -u;") + "\n    labels: {team: blue}\n    user: \"0\""
    with journal.app(scene, health=HEALTH, more=more) as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        first = app.live("v1")
        assert states(first) == ["RESOLVING", "QUEUED", "PULLING", "MIGRATING", "STARTING", "PROBING", "PROBING",
                                 "SWAPPING", "LIVE"]
        assert journal.lines() == ["begin-v1", "end-v1"]
        task, = first["tasks"]
        assert (task["task"], task["status"], task["exit_code"]) == ("MIGRATION", "done", 0)
        said = [line["text"] for line in app.log_of(first["id"]) if line["level"] == "task"]
        assert "COLOUR=green" in said and "SLIPWAY_STAGE=production" in said and "0" in said
        wait_for(lambda: not tasks(app), 20, "the migration's container to be removed")
        again = app.live("v1", force=True)
        assert journal.lines() == ["begin-v1", "end-v1"]
        assert f"deploy {first['id']} has migrated" in str(app.log_of(again["id"]))
        app.live("v2")
        assert journal.lines() == ["begin-v1", "end-v1", "begin-v2", "end-v2"]
        back = app.wait_over(app.rollback(app.stage_name))
        assert back["state"] == "LIVE" and "MIGRATING" not in states(back)
        assert len(journal.lines()) == 4


def test_its_container_leads_nobody_to_it(scene, journal):
    """No label of the stage, no port, no name on the network, no restart."""
    with journal.app(scene, health=HEALTH, more=journal.more(WAIT) + "\n    labels: {team: blue}") as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        app.wait_state(deploy, "MIGRATING")
        wait_for(lambda: journal.lines() == ["begin-v1"], 20, "the migration to begin")
        container, = app.containers()
        found = scene.engine.api.inspect(container["Id"])
        assert container["Labels"]["slipway.task"] == "MIGRATION" and "team" not in container["Labels"]
        assert found["HostConfig"]["RestartPolicy"]["Name"] == "no"
        assert f"{app.name}-production" not in str(found["NetworkSettings"]["Networks"])
        assert not found["HostConfig"]["PortBindings"]
        journal.let_go()
        assert app.wait_over(deploy)["state"] == "LIVE"


def test_one_that_fails_ends_the_deploy(scene, journal):
    """The old version serves on untouched, nothing of the new one was started; no webhook brings the digest
    again, a person does, and then it runs anew."""
    with journal.app(scene, health=HEALTH, more=journal.more("[ ! -e /data/bad ] || exit 3;")) as app:
        scene.push(app, "v1")
        app.live("v1")
        served = [c["Id"] for c in app.containers() if "slipway.task" not in c["Labels"]]
        (journal.directory / "bad").touch()
        digest = scene.push(app, "v2")
        over = app.wait_over(app.deploy(app.stage_name, "v2"))
        assert over["state"] == "FAILED" and "exit code 3" in over["reason"]
        assert states(over)[-3:] == ["MIGRATING", "STOPPING", "FAILED"]
        assert over["tasks"][0]["status"] == "failed" and over["tasks"][0]["exit_code"] == 3
        wait_for(lambda: [c["Id"] for c in app.containers()] == served, 20, "nothing of v2 to be left")
        assert [q["digest"] for q in app.stage(app.stage_name)["quarantine"]] == [digest]
        (journal.directory / "bad").unlink()
        app.live("v2")
        assert journal.lines()[2:] == ["begin-v2", "begin-v2", "end-v2"]


def test_one_that_takes_too_long_is_stopped(scene, journal):
    """Though it ends with exit code 0 when it is asked to."""
    script = "trap \"exit 0\" TERM; while :; do sleep 0.1; done;"
    with journal.app(scene, health=HEALTH, more=journal.more(script, timeout="1s")) as app:
        scene.push(app, "v1")
        over = app.wait_over(app.deploy(app.stage_name, "v1"))
        assert over["state"] == "FAILED" and "timeout of 1 s" in over["reason"], over
        assert over["tasks"][0]["status"] == "overdue"
        assert not app.containers()


def test_canceled_it_is_stopped(scene, journal):
    """And not taken for done: the next deploy of the digest runs it again."""
    with journal.app(scene, health=HEALTH, more=journal.more("trap \"exit 0\" TERM; " + WAIT)) as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        wait_for(lambda: journal.lines() == ["begin-v1"], 20, "the migration to begin")
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        over = app.wait_over(deploy)
        assert over["state"] == "CANCELED" and over["tasks"][0]["status"] == "stopped", over
        assert not app.containers()
        journal.let_go()
        app.live("v1")
        assert journal.lines() == ["begin-v1", "begin-v1", "end-v1"]


@pytest.mark.parametrize("is_over", [False, True])
def test_killed_in_the_middle_it_runs_once(scene, journal, is_over):
    """kill -9 under load while it runs; it goes on, and has perhaps ended when the next server comes."""
    with journal.app(scene, health=HEALTH, more=journal.more("[ $SLIPWAY_TAG = v1 ] || " + WAIT[:-1] + ";")) as app:
        scene.push(app, "v1")
        scene.push(app, "v2")
        app.live("v1")
        with Checker([], rate=200, workers=2) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(20)
            deploy = app.deploy(app.stage_name, "v2")
            wait_for(lambda: journal.lines()[2:] == ["begin-v2"], 20, "the migration to begin")
            app.kill()
            if is_over:
                journal.let_go()
                wait_for(lambda: not [c for c in tasks(app) if c["State"] == "running"], 20, "it to end")
            app.start()
            app.wait_state(deploy, ("MIGRATING", "LIVE"))
            journal.let_go()
            assert app.wait_over(deploy)["state"] == "LIVE"
            checker.wait_version(app.host, "v2")
            assert checker.stop()["failed"] == 0
        assert journal.lines() == ["begin-v1", "end-v1", "begin-v2", "end-v2"]


def test_removed_by_somebody_it_is_not_run_again(scene, journal):
    """Nobody knows how it ended: a person has to look."""
    with journal.app(scene, health=HEALTH, more=journal.more(WAIT)) as app:
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1")
        wait_for(lambda: journal.lines() == ["begin-v1"], 20, "the migration to begin")
        scene.engine.api.remove(tasks(app)[0]["Id"])
        over = app.wait_over(deploy)
        assert over["state"] == "FAILED" and "removed the container" in over["reason"]
        assert over["tasks"][0]["status"] == "unclear" and journal.lines() == ["begin-v1"]


def test_going_back_behind_one_is_warned_of(scene, journal):
    """One that the version before cannot work with; the rollback is done all the same."""
    with journal.app(scene, health=HEALTH, more=journal.more(backward_compatible="false")) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
            app.live(tag)
        status, _, body = app.call("POST", f"/api/v1/projects/{app.name}/stages/production/rollback", {})
        assert status == 202 and "not backward compatible" in body["warning"]
        over = app.wait_over(body["id"])
        assert over["state"] == "LIVE" and over["tag"] == "v1"
        assert [line for line in app.log_of(over["id"]) if "not backward compatible" in line["text"]]


@pytest.mark.parametrize("value, fault", [
    ("[sh]", "must be a map with its command"),
    ("{timeout: 1m}", "has no 'command'"),
    ("{command: [a], timeout: 13h}", "timeout"),
    ("{command: [a], retries: 2}", "unknown key 'retries'"),
    ("{command: []}", "has no 'command'"),
])
def test_bad_configuration(scene, value, fault):
    """Each fault is told with its place."""
    with scene.app(edge=False) as app:
        text = app.config_file.read_text("utf-8").replace("    port: 8080", f"    port: 8080\n    migration: {value}")
        status, _, body = app.call("POST", "/api/v1/apply", text, headers={"Content-Type": "application/yaml"})
        assert status == 400 and fault in str(body), body
