# SPDX-License-Identifier: MIT
"""kill -9 at every point of every machine, on real parts and under load.

A point is a state and a moment: before the commit that enters the state, after it, after the state's
effect has left, after its answer arrived and before that is stepped. build/crash/slipway (tests/crash)
kills itself exactly there, while a deploy passes through; then the release is started on the same
data, and the laws must hold. The points are shared out to a few servers that work side by side on
one engine and one registry, each with an edge and a checker of its own.
"""
import http.client
import itertools
import json
import queue
import signal
import sqlite3
import subprocess
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

from bed.checker import PATIENCE_MS, Checker
from bed.receiver import Receiver
from bed.scene import Scene
from bed.slipway import OVER, ROOT, binary
from bed.wait import wait_for

PROGRAM = ROOT / "build" / "crash" / "slipway"
SERVERS = 3
MOMENTS = ("before-commit", "after-commit", "after-effect", "after-answer")
WITHOUT_EFFECT = MOMENTS[:2]
DEAD = (OSError, http.client.HTTPException)
HEALTH = "{http: /health, successes: 1, interval: 20ms, min_uptime: 0s, deadline: 20s}"
STAGES = """      polled: {{tags: "p*", poll: 1s, domains: [polled.{name}.localhost]}}
      guarded: {{auto: false, approvals: 1, approve_within: 2s}}
      alone: {{tags: "v*", strategy: stop-first, domains: [alone.{name}.localhost]}}
      hooked: {{tags: "h*", domains: [hooked.{name}.localhost], volumes: ["MIGRATIONS:/data:shared"], hooks: {{HOOKS}}}}
      idle: {{tags: "i*", domains: [idle.{name}.localhost]}}
      watched: {{tags: "w*", domains: [watched.{name}.localhost], verify: {{for: 1s}}}}
      migrated: {{tags: "m*", volumes: ["MIGRATIONS:/data:shared"], migration: {{command: [sh, -c, 'MIGRATE'], timeout: 20s}}}}"""
MIGRATE = "echo $SLIPWAY_TAG >> /data/journal; sleep 0.2; exit ${{MIGRATE_CODE:-0}}"
HOOKS = ", ".join(
    f"{name}: {{{{command: [sh, -c, 'echo $SLIPWAY_DEPLOY-{name} >> /data/journal; exit ${{{{{code}:-0}}}}'], timeout: 20s{more}}}}}"
    for name, code, more in (("pre_switch", "PRE_CODE", ""), ("post_switch", "POST_CODE", ", swap_back: true"),
                             ("post_retire", "RETIRE_CODE", "")))
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """How a state is entered: `act` is a method of Server. `end` is how its deploy ends; `lost` how it ends
    when the step into the state is not stored, if otherwise; nothing counts before `after` is entered."""
    act: str
    end: str = "LIVE"
    lost: str = None
    after: str = None


MATRIX = {
    "deploy RESOLVING": Case("deploy"),
    "deploy QUEUED": Case("deploy"),
    "deploy PENDING": Case("deploy_guarded", "REFUSED"),
    "deploy PULLING": Case("deploy"),
    "deploy PARKING": Case("deploy_alone"),
    "deploy HALTING": Case("deploy_alone"),
    "deploy MIGRATING": Case("migrate"),
    "deploy STARTING": Case("deploy"),
    "deploy PROBING": Case("deploy"),
    "deploy PRE_SWITCH": Case("deploy_hooked"),
    "deploy SWAPPING": Case("deploy"),
    "deploy ABORTING": Case("cancel_in_swap", "CANCELED", lost="LIVE"),
    "deploy POST_SWITCH": Case("deploy_hooked"),
    "deploy VERIFYING": Case("deploy_watched"),
    "deploy SWAPPING_BACK": Case("fail_behind_switch", "ROLLED_BACK"),
    "deploy DRAINING": Case("deploy"),
    "deploy RETIRING": Case("deploy"),
    "deploy POST_RETIRE": Case("deploy_hooked"),
    "deploy STOPPING": Case("fail_to_migrate", "FAILED"),
    "deploy UNDOING": Case("deploy_bad", "ROLLED_BACK"),
    "deploy CANCELING": Case("cancel_in_gate", "CANCELED", lost="LIVE"),
    "deploy REVIVING": Case("deploy_alone_bad", "ROLLED_BACK"),
    "deploy RETURNING": Case("deploy_alone_bad", "ROLLED_BACK"),
    "deploy LIVE": Case("deploy"),
    "deploy FAILED": Case("deploy_missing", "FAILED"),
    "deploy ROLLED_BACK": Case("deploy_bad", "ROLLED_BACK"),
    "deploy CANCELED": Case("cancel_in_gate", "CANCELED"),
    "deploy SUPERSEDED": Case("deploy_three"),
    "deploy SKIPPED": Case("deploy_again", "SKIPPED"),
    "deploy REFUSED": Case("deploy_guarded", "REFUSED"),
    "deploy STOPPED": Case("stop", "STOPPED"),
    "swap SWITCHING": Case("deploy"),
    "swap CONFIRMING": Case("deploy"),
    "swap RESTORING": Case("cancel_in_swap", "CANCELED", lost="LIVE"),
    "swap PARKING": Case("deploy_alone"),
    "swap PARKED": Case("deploy_alone"),
    "swap REPARKING": Case("cancel_in_swap_alone", "CANCELED", lost="LIVE"),
    "swap DONE": Case("deploy"),
    "swap RESTORED": Case("cancel_in_swap", "CANCELED"),
    "poll OFF": Case("stop_polling"),
    "poll WAITING": Case("publish"),
    "poll SEEKING": Case("publish"),
    "stage IDLE": Case("deploy"),
    "stage DEPLOYING": Case("deploy"),
    "stage QUEUEING": Case("deploy_three"),
    "sweep WAITING": Case("deploy", after="deploy STARTING"),
    "sweep SURVEYING": Case("deploy", after="deploy STARTING"),
    "sweep COLLECTING": Case("leave_an_orphan"),
    "notify SENDING": Case("deploy"),
    "notify PENDING": Case("deploy_while_busy"),
    "notify DELIVERED": Case("deploy"),
    "notify GIVEN_UP": Case("deploy_unwanted"),
}

# What the receiver is told of how a deploy ended.
TOLD = {"LIVE": "deploy_success", "FAILED": "deploy_failure", "ROLLED_BACK": "deploy_rolled_back"}

# Never entered, and why: the events that lead there come from nobody.
UNREACHABLE = {"sweep STOPPED": ("apply removes no engine, so no sweep is canceled", {"CANCEL"})}

# The effect of a state, and the bytes with which the last thing it asks for leaves.
SENT = {
    "deploy RESOLVING": "/manifests/",
    "deploy PULLING": "/images/create?",
    "deploy HALTING": "/stop?",
    "deploy MIGRATING": "/start HTTP",
    "deploy STARTING": "/start HTTP",
    "deploy PROBING": "GET /health",
    "deploy PRE_SWITCH": "/start HTTP",
    "deploy POST_SWITCH": "/start HTTP",
    "deploy VERIFYING": "GET /health",
    "deploy POST_RETIRE": "/start HTTP",
    "deploy DRAINING": "del server",
    "deploy RETIRING": "/stop?",
    "deploy STOPPING": "DELETE ",
    "deploy UNDOING": "DELETE ",
    "deploy CANCELING": "DELETE ",
    "deploy REVIVING": "/start HTTP",
    "swap SWITCHING": "add server",
    "swap CONFIRMING": "slipway-probe",
    "swap RESTORING": "state drain",
    "swap PARKING": "state drain",
    "swap REPARKING": "state drain",
    "poll SEEKING": "/tags/list",
    "sweep SURVEYING": "/containers/json",
    "sweep COLLECTING": "DELETE ",
    "notify SENDING": "POST /hooks",
}

POINTS = [(state, moment) for state in MATRIX for moment in (MOMENTS if state in SENT else WITHOUT_EFFECT)]


@dataclass
class Wish:
    """A deploy that somebody wants: of `tag` in `stage`. `deploy` is its id once the API told it."""
    tag: str
    ends: tuple
    stage: str = "production"
    asked: bool = False
    deploy: int = None


class Server:
    """One server under load which dies and comes back, point after point."""

    def __init__(self, scene, app, checkers, receiver, journal):
        checker, self.patient = checkers
        self.scene = scene
        self.receiver = receiver
        self.journal = journal
        self.app = app
        self.checker = checker
        self.note = app.directory / "crash.note"
        self.number = 0
        self.answered = {}
        self.refusals = 0
        self.wishes = []
        self.ends = ()
        self.point = None
        self.served = None
        head, projects = app.config_file.read_text("utf-8").split("projects:\n")
        app.config_file.write_text(f"{head}receivers:\n  ops: {{kind: webhook, url: '{receiver.url}/hooks'}}\n"
                                   f"notify: [ops]\nprojects:\n{projects}", "utf-8")
        self.apply(app.config_file.read_text("utf-8"))
        for stage, letter in (("production", "v"), ("polled", "p"), ("alone", "v"), ("hooked", "h"), ("watched", "w"),
                              ("idle", "i")):
            tag = self.push(letter)
            over = app.wait_over(app.deploy(f"{app.name}/{stage}", tag))
            assert over["state"] == "LIVE", over
        self.over_in_polled = app.wait_over(app.deploy(f"{app.name}/polled", "p-none"))["id"]
        checker.add(app.host, app.edge_address, app=app.repository)
        for stage in ("polled", "hooked", "watched"):
            checker.add(f"{stage}.{app.host}", app.edge_address, app=app.repository)
        self.patient.add(f"alone.{app.host}", app.edge_address, app=app.repository)
        checker.wait_requests(50)

    def push(self, letter, **behaviour):
        """Push a new version; returns its tag."""
        self.number += 1
        tag = f"{letter}{self.number:04}"
        self.scene.push(self.app, tag, **behaviour)
        return tag

    def ask(self, tag, stage="production"):
        """Ask for a deploy; the server may die of it."""
        wish = Wish(tag, self.ends, stage=stage, asked=True)
        self.wishes.append(wish)
        wish.deploy = self.app.deploy(f"{self.app.name}/{stage}", tag)
        return wish.deploy

    def until(self, condition, what):
        """Wait for it, or for the end of the process, which is an OSError as for every call."""
        wait_for(lambda: self.app.process.poll() is not None or condition(), 30, what, 0.003)
        if self.app.process.poll() is not None:
            raise ConnectionError("the server has ended")

    def until_step(self, deploy, actor, state):
        """Wait until an actor of a deploy has entered a state."""
        def has_entered():
            return any((step["actor"], step["to"]) == (actor, state) for step in self.app.show(deploy)["steps"])
        self.until(has_entered, f"{actor} {state}")

    # Acts: what is done before `yield` is done while no server runs.

    def deploy(self):
        """A good version."""
        tag = self.push("v")
        yield
        self.ask(tag)

    def deploy_while_busy(self):
        """A good version; who is to be told of it is busy at first."""
        self.receiver.answers = [(503, {})]
        return self.deploy()

    def deploy_unwanted(self):
        """A good version; who is to be told of it does not want to know."""
        self.receiver.answers = [(410, {})]
        return self.deploy()

    def deploy_bad(self):
        """A version that ends at once."""
        tag = self.push("v", EXIT_AT_START=7)
        yield
        self.ask(tag)

    def deploy_alone(self):
        """A good version, where the one before is stopped first."""
        tag = self.push("v")
        yield
        self.ask(tag, "alone")

    def deploy_alone_bad(self):
        """One that ends at once, when the one before is stopped already."""
        tag = self.push("v", EXIT_AT_START=7)
        yield
        self.ask(tag, "alone")

    def migrate(self):
        """A good version, in the stage that has a migration."""
        tag = self.push("m")
        yield
        self.ask(tag, stage="migrated")

    def fail_to_migrate(self):
        """The same, with a migration that ends with another exit code."""
        tag = self.push("m", MIGRATE_CODE=3)
        yield
        self.ask(tag, stage="migrated")

    def deploy_hooked(self):
        """A good version, in the stage that has hooks."""
        tag = self.push("h")
        yield
        self.ask(tag, stage="hooked")

    def deploy_watched(self):
        """A good version, in the stage that watches it behind its switch."""
        tag = self.push("w")
        yield
        self.ask(tag, stage="watched")

    def fail_behind_switch(self):
        """The same, with a hook that leads back."""
        tag = self.push("h", POST_CODE=3)
        yield
        self.ask(tag, stage="hooked")

    def deploy_missing(self):
        """A tag that nobody pushed."""
        yield
        self.ask(f"{self.number}-is-not-there")

    def deploy_again(self):
        """What is live already."""
        tag = self.served
        yield
        self.ask(tag)

    def deploy_guarded(self):
        """One that nobody approves in time."""
        tag = self.push("v")
        yield
        wish = Wish(tag, self.ends, stage="guarded", asked=True)
        self.wishes.append(wish)
        wish.deploy = self.app.deploy(f"{self.app.name}/guarded", tag, by="ann")

    def deploy_three(self):
        """One runs, one waits, and a newer one takes its place."""
        first = self.push("v", LISTEN_DELAY_MS=2500)
        others = [self.push("v"), self.push("v")]
        middle = ("SUPERSEDED",) if self.point == ("deploy SUPERSEDED", "after-commit") else ("SUPERSEDED", "LIVE")
        yield
        wanted = [Wish(first, ("LIVE",)), Wish(others[0], middle), Wish(others[1], ("LIVE",))]
        self.wishes += wanted
        for wish, state in zip(wanted, ("PROBING", "QUEUED", "QUEUED")):
            wish.asked = True
            wish.deploy = self.app.deploy(self.app.stage_name, wish.tag)
            self.until_step(wish.deploy, "DEPLOY", state)

    def cancel_in_gate(self):
        """Canceled while its gate is asked."""
        tag = self.push("v", LISTEN_DELAY_MS=2000)
        yield
        deploy = self.ask(tag)
        self.until_step(deploy, "DEPLOY", "PROBING")
        self.app.post(f"/api/v1/deploys/{deploy}/cancel")

    def cancel_in_swap(self, stage="production"):
        """Canceled when it has the traffic, before that is confirmed."""
        tag = self.push("v", HEALTH_SLOW_MS=200)
        yield
        deploy = self.ask(tag, stage)
        self.until_step(deploy, "SWAP", "CONFIRMING")
        self.app.post(f"/api/v1/deploys/{deploy}/cancel")

    def cancel_in_swap_alone(self):
        """The same, where the one before is stopped first."""
        return self.cancel_in_swap("alone")

    def publish(self):
        """A new tag, to be found by the poll."""
        tag = self.push("p")
        yield
        self.wishes.append(Wish(tag, self.ends, stage="polled"))

    def stop(self):
        """A person stops the stage that no checker asks; it is started again when the laws hold."""
        yield
        deploy = self.app.post(f"/api/v1/projects/{self.app.name}/stages/idle/stop")["id"]
        self.wishes.append(Wish("", self.ends, stage="idle", asked=True, deploy=deploy))

    def stop_polling(self):
        """A configuration without the poll; a deploy comes after it."""
        tag = self.push("v")
        text = self.app.config_file.read_text("utf-8")
        yield
        self.wishes.append(Wish(tag, self.ends))
        self.apply(text.replace("poll: 1s, ", ""))

    def leave_an_orphan(self):
        """A container of a deploy that is over, in the other stage, while a deploy runs."""
        tag = self.push("v")
        labels = next(c["Labels"] for c in self.app.containers() if c["Labels"]["slipway.stage"] == "polled")
        image = self.scene.registry.reference(self.app.repository, digest=labels["slipway.digest"])
        yield
        self.ask(tag)
        self.scene.engine.api.create(image, Labels={**labels, "slipway.deploy": str(self.over_in_polled)})

    def apply(self, text):
        """Apply a configuration."""
        status, _, body = self.app.call("POST", "/api/v1/apply", text, headers={"Content-Type": "application/yaml"})
        assert status == 200, body

    # One point.

    def run(self, state, moment):
        """Die there, come back, end well."""
        case = MATRIX[state]
        is_lost = moment == "before-commit"
        self.point = (state, moment)
        self.served = self.live("production")
        self.ends = (case.lost if is_lost and case.lost else case.end,)
        self.wishes = []
        failed = self.failed()
        self.refusals += self.point == ("notify GIVEN_UP", "after-commit")
        self.app.kill()
        self.note.unlink(missing_ok=True)
        act = getattr(self, case.act)()
        next(act)
        self.die(act, case.after)
        self.checker.wait_requests(20)
        self.app.start()
        if case.act == "stop_polling":
            is_off = self.app.stage(f"{self.app.name}/polled")["poll"]["state"] == "OFF"
            assert is_off != is_lost
            self.apply(self.app.config_file.read_text("utf-8"))
        for wish in self.wishes:
            self.settle(wish)
        self.check_laws()
        if case.act == "stop":
            self.start_again()
        for checker in (self.checker, self.patient):
            checker.wait_requests(20)
        assert self.failed() == failed, [checker.snapshot()["reasons"] for checker in (self.checker, self.patient)]

    def start_again(self):
        """What a point has stopped; nobody has started it meanwhile."""
        idle = f"{self.app.name}/idle"
        assert self.app.stage(idle)["live"] is None
        over = self.app.wait_over(self.app.post(f"/api/v1/projects/{self.app.name}/stages/idle/start")["id"])
        assert over["state"] == "LIVE", over

    def failed(self):
        """How many requests have failed so far."""
        return sum(checker.snapshot()["failed"] for checker in (self.checker, self.patient))

    def die(self, act, after):
        """Start the program that dies at the point, act until it has, and make sure that it was there."""
        state, moment = self.point
        after = {"CRASH_AFTER": after} if after else {}
        self.app.launch(program=PROGRAM, CRASH_AT=f"{state} {moment}", CRASH_NOTE=str(self.note),
                        CRASH_SENT=SENT.get(state, ""), **after)
        self.app.wait_ready()
        try:
            next(act, None)
        except DEAD:
            pass
        assert self.app.process.wait(30) == -signal.SIGKILL, self.app.log_tail()
        note = self.note.read_text("utf-8").split()
        assert note[:3] == [*state.split(), moment]
        if moment == "after-answer":
            assert note[3] not in ("TROUBLED", "REFUSED"), note

    def settle(self, wish):
        """What was answered is there; what was not is there if it was committed; all of it ends."""
        state, moment = self.point
        found = [row["id"] for row in self.rows("SELECT id FROM deploy WHERE tag = ? ORDER BY id DESC", wish.tag)
                 if row["id"] not in self.answered]
        if wish.deploy is None and wish.asked and state == "deploy RESOLVING":
            assert bool(found) == (moment != "before-commit"), "the commit decides whether it is there"
        if wish.deploy is None and wish.stage == "polled":
            wish.deploy = wait_for(lambda: self.found_by_poll(wish.tag), 20, f"{wish.tag} to be found")
        elif wish.deploy is None:
            wish.deploy = found[0] if found else self.app.deploy(f"{self.app.name}/{wish.stage}", wish.tag, by="ann")
        over = self.app.wait_over(wish.deploy)
        assert over["state"] in wish.ends, over
        self.answered[wish.deploy] = over["state"]

    def found_by_poll(self, tag):
        """The deploy that the poll made for a tag, if it did."""
        return next((one["id"] for one in self.app.deploys(project=self.app.name, limit=20) if one["tag"] == tag),
                    None)

    # Laws.

    def rows(self, sql, *values):
        """What the store says."""
        with sqlite3.connect(f"file:{self.app.data}/slipway.db?mode=ro", uri=True) as store:
            store.row_factory = sqlite3.Row
            return store.execute(sql, values).fetchall()

    def live(self, stage):
        """The tag that a stage calls live."""
        return self.app.stage(f"{self.app.name}/{stage}")["live"]["tag"]

    def check_laws(self):
        """The route leads to what is live; docker runs what the store says; no deploy is lost."""
        for stage in ("production", "polled", "alone", "hooked", "watched"):
            host = self.app.host if stage == "production" else f"{stage}.{self.app.host}"
            assert self.version_at(host) == self.live(stage), stage
        wait_for(self.is_as_stored, 20, "containers and instances to be the same")
        ran = self.journal.read_text("utf-8").split() if self.journal.exists() else []
        assert len(ran) == len(set(ran)), ran
        stored = {row["id"]: row["state"] for row in self.rows("SELECT id, state FROM deploy")}
        assert stored.items() >= self.answered.items()
        assert set(stored.values()) <= set(OVER)
        assert [tuple(row) for row in self.rows("PRAGMA integrity_check")] == [("ok",)]
        wait_for(self.is_told, 20, "the receiver to be told of each end")
        assert self.receiver.faults == []

    def is_told(self):
        """What ended is delivered, was given up for good, or is not worth telling; and delivered is what came."""
        rows = self.rows("SELECT deploy, notice, state FROM notify")  # before: one may arrive just now
        came = {(request["json"]["deploy"], request["json"]["event"]) for request in self.receiver.requests}
        ends = {(deploy, TOLD[state]) for deploy, state in self.answered.items() if state in TOLD}
        assert ends <= {(row["deploy"], row["notice"]) for row in rows}
        assert {(row["deploy"], row["notice"]) for row in rows if row["state"] == "DELIVERED"} <= came
        given_up = [row for row in rows if row["state"] == "GIVEN_UP"]
        assert len(given_up) <= self.refusals
        return all(row["state"] in ("DELIVERED", "GIVEN_UP") for row in rows)

    def version_at(self, host):
        """Which version answers on a fresh connection through the edge."""
        connection = http.client.HTTPConnection(self.app.edge_address, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": host})
            return connection.getresponse().headers["App-Version"]
        finally:
            connection.close()

    def is_as_stored(self):
        """All containers of the project run, and are the instances of what is live."""
        containers = {c["Id"]: c["State"] for c in self.app.containers()}
        stored = self.rows("SELECT i.container_id FROM instance i JOIN stage_actor s ON s.live = i.deploy"
                           " WHERE i.status = 'running'")
        return containers == {row["container_id"]: "running" for row in stored}


def work(scene, points, results, requests):
    """Take points until none is left; a server that failed at one is replaced by a new one."""
    point = take(points)
    while point:
        try:
            place = scene.directory / f"migrations-{next(NUMBERS)}"
            place.mkdir()
            stages = STAGES.replace("MIGRATIONS", str(place)).replace("MIGRATE", MIGRATE).replace("HOOKS", HOOKS)
            with scene.app(health=HEALTH, more='    restart: "no"', stages=stages,
                           stage='tags: "v*", replicas: 2, domains: [{name}.localhost]',
                           SLIPWAY_SWEEP_INTERVAL="1s", SLIPWAY_ALLOW_VOLUME_PATHS=str(place)) as app, \
                    Checker([], rate=100, workers=4) as checker, \
                    Checker([], rate=50, workers=4, timeout_ms=PATIENCE_MS) as patient, Receiver() as receiver:
                server = Server(scene, app, (checker, patient), receiver, place / "journal")
                while point:
                    server.run(*point)
                    results[point] = None
                    point = take(points)
                requests.append(checker.snapshot()["requests"])
        except Exception:  # every failure belongs to its point
            results[point] = traceback.format_exc()
            point = take(points)


def take(points):
    """Return the next point, or None."""
    try:
        return points.get_nowait()
    except queue.Empty:
        return None


@pytest.fixture(scope="module", name="results")
def _results(request, tmp_path_factory, record_testsuite_property):
    """What came of each point that was asked for."""
    assert PROGRAM.exists(), "make build/crash/slipway"
    wanted = {item.callspec.params["point"] for item in request.session.items
              if item.fspath == request.fspath and "callspec" in dir(item)}
    points, results, requests = queue.Queue(), {}, []
    for point in POINTS:
        if point in wanted:
            points.put(point)
    with Scene(Path(tmp_path_factory.mktemp("matrix"))) as scene:
        threads = [threading.Thread(target=work, args=(scene, points, results, requests)) for _ in range(SERVERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    record_testsuite_property("requests", sum(requests))
    return results


@pytest.mark.parametrize("point", POINTS, ids=" ".join)
def test_killed_at(results, point):
    """It died there, no request failed, and what came after is as it must be."""
    assert results[point] is None, results[point]


def test_the_matrix_is_complete():
    """Every state of every machine is in the matrix or named as unreachable, and every effect is met."""
    text = subprocess.run([binary(), "machines", "--json"], capture_output=True, check=True).stdout
    states, asking, entered_on = set(), set(), {}
    for machine in json.loads(text):
        states |= {f"{machine['name']} {state}" for state in machine["states"]}
        for row in machine["rows"]:
            then = f"{machine['name']} {row['then']}"
            if row["emits"]:
                asking.add(then)
            if row["in"] != row["then"]:
                entered_on.setdefault(then, set()).update(row["on"])
    assert set(MATRIX) | set(UNREACHABLE) == states
    assert not set(MATRIX) & set(UNREACHABLE)
    assert set(SENT) == asking
    for state, (_, events) in UNREACHABLE.items():
        assert entered_on[state] == events
    assert len(POINTS) == sum(4 if state in asking else 2 for state in MATRIX)
