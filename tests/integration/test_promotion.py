# SPDX-License-Identifier: MIT
"""Promotion: which versions come to a stage, when, and who must agree; held for every way to ask."""
import time

import pytest

from bed.checker import Checker
from bed.clock import Clock
from bed.image import push_app
from bed.scene import HEALTH, Scene
from bed.slipway import ApiFault
from bed.wait import wait_for

STAGING = f"      staging: {{health: {HEALTH}}}"
SLOW = "{http: /health, successes: 2, interval: 50ms, min_uptime: 4s, deadline: 20s}"
CONFLICT = 5


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("promotion")) as scene:
        yield scene


def escaped(text):
    """Braces of YAML, for format()."""
    return text.replace("{", "{{").replace("}", "}}")


def staged(scene, terms, stages=STAGING):
    """Return a server whose production has these terms."""
    return scene.app(stage=escaped(terms), stages=escaped(stages), edge=False)


def live_in_staging(scene, app, tag):
    """Push a version of its own and bring it to staging; returns its digest."""
    digest = push_app(scene.registry, app.repository, tag, behaviour={})
    over = app.wait_over(app.deploy(f"{app.name}/staging", tag))
    assert over["state"] == "LIVE", over
    return digest


def promote(app, **body):
    """Ask for a promotion to production; returns the id of its deploy."""
    return app.post(f"/api/v1/projects/{app.name}/stages/production/promote", body)["id"]


def promotable(app):
    """Return what could be promoted to production."""
    items = app.get(f"/api/v1/promotable?project={app.name}&stage=production")["items"]
    assert len(items) == 1
    return items[0]


def decide(app, deploy, verb, **body):
    """Approve or reject; returns (status, answer)."""
    status, _, answer = app.call("POST", f"/api/v1/deploys/{deploy}/{verb}", body)
    return status, answer


def refusal(ask):
    """Return the message of a 409."""
    with pytest.raises(ApiFault) as caught:
        ask()
    assert caught.value.status == 409, caught.value
    return caught.value.message


def hook(app, tag):
    """Say that a tag was pushed; returns the deploys that it began, by their stages."""
    status, answer = app.webhook(app.name, f"{app.scene.registry.address}/{app.repository}:{tag}")
    assert status == 202, answer
    return {one["stage"]: one["id"] for one in answer["deploys"]}


def test_a_version_comes_by_the_stage_before_and_by_people(scene):
    """By its digest, with approvals of others than who asked; each way of asking is told why not."""
    terms = "auto: false, promote_from: staging, approvals: 2, env: {FLAG: here, OWN: x}"
    stages = f"      staging: {{health: {HEALTH}, env: {{FLAG: there, NEW: y}}}}"
    with staged(scene, terms, stages) as app:
        digest = push_app(scene.registry, app.repository, "v1", behaviour={})
        assert "nothing is live" in refusal(lambda: promote(app, by="ann"))
        assert "nothing that runs" in refusal(lambda: app.deploy(app.stage_name, "v1", by="ann"))
        assert promotable(app)["verdict"] == "refused" and promotable(app)["version"] is None
        live_in_staging(scene, app, "v1")
        push_app(scene.registry, app.repository, "v2", behaviour={})
        assert "runs v1, not v2" in refusal(lambda: app.deploy(app.stage_name, "v2", by="ann"))
        other = "sha256:" + 64 * "0"
        assert "not what is live" in refusal(lambda: app.deploy(app.stage_name, "v1", digest=other, by="ann"))
        assert "another digest" in refusal(lambda: promote(app, digest=other, by="ann"))
        status, _, answer = app.call("POST", f"/api/v1/projects/{app.name}/stages/production/promote", {})
        assert status == 400 and "say who" in answer["error"]["message"]

        shown = promotable(app)
        assert shown["version"]["digest"] == digest and shown["version"]["tag"] == "v1"
        assert shown["verdict"] == "waits" and shown["reason"] == "has 0 of 2 approvals"
        assert shown["env"] == {"only_there": ["NEW"], "only_here": ["OWN"], "different": ["FLAG"]}
        assert shown["replicas_running"] == 1 and shown["live"] is None
        begun = app.run("promote", app.stage_name, "--as", "ann", "--digest", digest, "--json")
        assert begun.returncode == 0, begun.stderr
        deploy = wait_for(lambda: app.deploys(state="PENDING"), 10, "the promotion to pend")[0]
        assert deploy["trigger"] == "PROMOTE" and deploy["reason"] == "has 0 of 2 approvals"
        assert app.stage(app.stage_name)["pending"]["deploy"] == deploy["id"]
        again = app.wait_over(promote(app, by="bob"))
        assert again["state"] == "SKIPPED" and f"as deploy {deploy['id']}" in again["reason"]

        own = app.run("approve", str(deploy["id"]), "--as", "Ann")
        assert own.returncode == CONFLICT and "somebody else" in own.stderr
        assert decide(app, deploy["id"], "approve", by="bob", digest=other)[0] == 409
        done = app.run("approve", str(deploy["id"]), "--as", "bob", "--note", "looks good")
        assert done.returncode == 0 and "it is pending now" in done.stdout, done.stderr
        assert decide(app, deploy["id"], "approve", by="BOB")[0] == 409  # once is once
        assert "pending" in app.run("promotable").stdout and "has 1 of 2" in app.run("promotable").stdout
        assert "env only in the source: NEW" in app.run("promotable", app.stage_name).stdout
        status, answer = decide(app, deploy["id"], "approve", by="cid")
        assert status == 200 and answer["requested_by"] == "ann"
        over = app.wait_over(deploy["id"])
        assert over["state"] == "LIVE" and over["digest"] == digest
        assert [one["by"] for one in over["decisions"]] == ["bob", "cid"]
        assert promotable(app)["verdict"] == "live"
        facts = app.run("show", str(deploy["id"])).stdout
        assert "asked by" in facts and "by bob: looks good" in facts
        said = [line["text"] for line in app.log_of(deploy["id"])]
        assert "ann asked for this" in said and "approved by bob: looks good" in said
        audit = [(one["by"], one["action"], one["deploy"]) for one in app.get("/api/v1/audit")["items"]]
        assert audit[:2] == [("cid", "approve", deploy["id"]), ("bob", "approve", deploy["id"])]
        assert ("ann", "promote", deploy["id"]) in audit
        assert "looks good" in app.run("audit", "--limit", "5").stdout


def test_what_may_not_go_any_more_is_refused(scene):
    """Rejected; and the source moves on: noticed by who approves, and before the traffic moves."""
    with staged(scene, f"auto: false, promote_from: staging, approvals: 1, health: {SLOW}") as app:
        live_in_staging(scene, app, "v1")
        deploy = promote(app, by="ann")
        app.wait_state(deploy, "PENDING")
        done = app.run("reject", str(deploy), "--as", "bob", "--note", "not today")
        assert done.returncode == 0 and "refused" in done.stdout, done.stderr
        assert app.show(deploy)["reason"] == "rejected by bob: not today"
        assert "does not pend" in decide(app, deploy, "approve", by="bob")[1]["error"]["message"]

        deploy = promote(app, by="ann")
        app.wait_state(deploy, "PENDING")
        live_in_staging(scene, app, "v2")
        status, answer = decide(app, deploy, "approve", by="bob")
        assert status == 409 and "may not go any more" in answer["error"]["message"]
        assert app.show(deploy)["state"] == "REFUSED" and "not what is live" in app.show(deploy)["reason"]

        deploy = promote(app, by="ann")
        app.wait_state(deploy, "PENDING")
        assert decide(app, deploy, "approve", by="bob")[0] == 200
        app.wait_state(deploy, "PROBING")
        live_in_staging(scene, app, "v3")
        over = app.wait_over(deploy)
        assert over["state"] == "ROLLED_BACK" and "not what is live" in over["reason"]
        assert app.stage(app.stage_name)["live"] is None and app.stage(app.stage_name)["quarantine"] == []


def test_hooks_bring_only_what_the_stage_before_runs(scene):
    """A hook is judged as everybody else; and a rollback goes under any terms."""
    with staged(scene, "promote_from: staging", f"      staging: {{auto: false, health: {HEALTH}}}") as app:
        push_app(scene.registry, app.repository, "v1", behaviour={})
        over = app.wait_over(hook(app, "v1")["production"])
        assert over["state"] == "REFUSED" and "nothing that runs" in over["reason"]
        live_in_staging(scene, app, "v1")
        assert app.wait_over(hook(app, "v1")["production"])["state"] == "LIVE"
        live_in_staging(scene, app, "v2")
        assert app.wait_over(hook(app, "v1")["production"])["state"] == "SKIPPED"  # it is live here
        assert app.wait_over(promote(app))["state"] == "LIVE"
        app.post(f"/api/v1/projects/{app.name}/freeze", {"by": "ann", "reason": "sale"})
        assert app.wait_over(app.rollback(app.stage_name))["tag"] == "v1"
        assert app.stage(app.stage_name)["live"]["tag"] == "v1"


def test_what_pends_outlives_a_crash(scene):
    """Killed with one of two approvals given: it still counts, and so does who asked."""
    with staged(scene, "auto: false, approvals: 2") as app:
        push_app(scene.registry, app.repository, "v1", behaviour={})
        deploy = app.deploy(app.stage_name, "v1", by="ann")
        app.wait_state(deploy, "PENDING")
        assert decide(app, deploy, "approve", by="bob")[0] == 200
        app.kill()
        app.start()
        assert app.show(deploy)["state"] == "PENDING"
        assert decide(app, deploy, "approve", by="bob")[0] == 409
        assert decide(app, deploy, "approve", by="ann")[0] == 409
        assert app.terminate(10) == 0  # what pends for people does not keep it from ending
        app.start()
        assert decide(app, deploy, "approve", by="cid")[0] == 200
        assert app.wait_over(deploy)["state"] == "LIVE"


def test_a_version_soaks(scene):
    """It goes by itself, and not before."""
    with staged(scene, "auto: false, promote_from: staging, soak: 3s") as app:
        live_in_staging(scene, app, "v1")
        deploy = promote(app)
        assert app.wait_state(deploy, "PENDING")["reason"] == "not long enough in 'staging' yet"
        over = app.wait_over(deploy)
        assert over["state"] == "LIVE"
        since_ms = promotable(app)["version"]["since_ms"]
        pulled = [step["at_ms"] for step in over["steps"] if step["to"] == "PULLING"]
        assert pulled[0] - since_ms >= 2990  # what is told is wall time, what is waited for is not


def test_what_is_live_is_started_anew(scene):
    """In a frozen stage that takes only promotions, under load: other containers, the same digest, no request lost."""
    with scene.app(stage="domains: [{name}.localhost], auto: false, promote_from: staging, approvals: 2", warm="10m",
                   stages=escaped(STAGING)) as app:
        digest = live_in_staging(scene, app, "v1")
        deploy = promote(app, by="ann")
        for name in ("bob", "cid"):
            assert decide(app, deploy, "approve", by=name)[0] == 200
        app.wait_over(deploy)
        assert app.run("freeze", app.name, "--as", "ann", "--reason", "sale").returncode == 0
        served = {c["Id"] for c in app.containers() if c["Labels"]["slipway.stage"] == "production"}
        with Checker([], rate=200, workers=2) as checker:
            checker.add(app.host, app.edge_address, app=app.repository)
            checker.wait_requests(20)
            done = app.run("restart", app.stage_name, "--wait")
            assert done.returncode == 0, done.stdout + done.stderr
            checker.wait_requests(50)
            assert checker.stop()["failed"] == 0
        now = {c["Id"] for c in app.containers() if c["Labels"]["slipway.stage"] == "production"}
        assert len(now) == 1 and not now & served  # the one before is not kept warm: it is the same version
        over = app.deploys(limit=1)[0]
        assert over["trigger"] == "RESTART" and over["digest"] == digest and over["is_live"]
        assert app.stage(app.stage_name)["kept"] == []
        told = app.run("restart", f"{app.name}/nothing")
        assert told.returncode == 3 and "has no stage" in told.stderr


def test_freezes_and_windows(scene):
    """They hold what webhooks bring until they end, are told to people, and one deploy may override them."""
    closed = time.strftime("%a", time.gmtime(time.time() + 3 * 86400)).lower()
    with staged(scene, f'windows: ["{closed} 10:00-10:01"]') as app:
        push_app(scene.registry, app.repository, "v1", behaviour={})
        deploy = hook(app, "v1")["production"]
        assert app.wait_state(deploy, "PENDING")["reason"] == "outside of its deploy windows"
        config = app.config_file.read_text("utf-8").replace(f"{closed} 10:00-10:01", "daily 00:00-24:00")
        app.config_file.write_text(config, "utf-8")
        assert app.run("apply", str(app.config_file)).returncode == 0
        assert app.wait_over(deploy)["state"] == "LIVE"  # the new terms count at once

        frozen = app.run("freeze", app.name, "--as", "ann", "--reason", "sale weekend", "--for", "48h")
        assert frozen.returncode == 0 and "frozen" in frozen.stdout, frozen.stderr
        push_app(scene.registry, app.repository, "v2", behaviour={})
        told = app.run("deploy", app.stage_name, "v2")
        assert told.returncode == CONFLICT and "sale weekend (by ann)" in told.stderr
        assert "sale weekend" in app.run("status", app.stage_name).stdout
        deploy = hook(app, "v2")["production"]
        assert app.wait_state(deploy, "PENDING")["reason"] == "frozen: sale weekend (by ann)"
        assert app.run("unfreeze", app.name, "--as", "bob").returncode == 0
        assert app.wait_over(deploy)["state"] == "LIVE"
        assert app.run("unfreeze", app.name, "--as", "bob").returncode == CONFLICT

        app.post(f"/api/v1/projects/{app.name}/stages/production/freeze", {"by": "ann", "reason": "audit"})
        assert app.stage(app.stage_name)["frozen"] == {"until_ms": 0, "reason": "audit (by ann)"}
        push_app(scene.registry, app.repository, "v3", behaviour={})
        nobody = app.run("deploy", app.stage_name, "v3", "--override", "outage 117")
        assert nobody.returncode != 0 and "say who" in nobody.stderr
        done = app.run("deploy", app.stage_name, "v3", "--as", "eve", "--override", "outage 117", "--wait")
        assert done.returncode == 0, done.stderr
        over = app.deploys(project=app.name, limit=1)[0]
        assert app.show(over["id"])["override"] == "outage 117"
        entry = app.get("/api/v1/audit?limit=1")["items"][0]
        assert (entry["by"], entry["action"], entry["text"]) == ("eve", "deploy", "override: outage 117")
        assert "override: outage 117" in " ".join(line["text"] for line in app.log_of(over["id"]))


def test_what_a_poll_found_waits_for_the_thaw(scene):
    """Frozen between its start and its traffic: it goes, a new deploy waits in its place, and serves after the thaw."""
    with scene.app(stage=escaped(f"health: {SLOW}, poll: 1s"), edge=False) as app:
        push_app(scene.registry, app.repository, "v1", behaviour={})
        wait_for(lambda: app.stage(app.stage_name)["poll"]["tag"] == "v1", 20, "the poll to know v1")
        push_app(scene.registry, app.repository, "v2", behaviour={})
        first = wait_for(lambda: app.deploys(project=app.name), 20, "the poll to find v2")[0]["id"]
        assert app.wait_state(first, "PROBING")["state"] == "PROBING"
        app.post(f"/api/v1/projects/{app.name}/stages/production/freeze", {"by": "ann", "reason": "sale"})
        over = app.wait_over(first)
        second = app.stage(app.stage_name)["pending"]["deploy"]
        assert (over["state"], over["reason"]) == (
            "ROLLED_BACK", f"frozen: sale (by ann); deploy {second} waits in its place")
        pending = app.show(second)
        assert (pending["state"], pending["tag"], pending["trigger"]) == ("PENDING", "v2", "POLL")
        assert app.run("unfreeze", app.name, "--as", "ann").returncode == 0
        assert app.wait_over(second)["state"] == "LIVE"
        assert [one["id"] for one in app.deploys(project=app.name)] == [second, first]


def test_who_has_approved_may_still_reject(scene):
    """As long as others are missing; what is kept is what was said last, and the audit log has both."""
    with staged(scene, "auto: false, approvals: 2") as app:
        push_app(scene.registry, app.repository, "v1", behaviour={})
        deploy = app.deploy(app.stage_name, "v1", by="ann")
        app.wait_state(deploy, "PENDING")
        assert decide(app, deploy, "approve", by="bob")[0] == 200
        status, answer = decide(app, deploy, "reject", by="Bob", note="it loses mails")
        assert (status, answer["state"]) == (200, "REFUSED"), answer
        assert [(one["by"], one["decision"]) for one in answer["decisions"]] == [("Bob", "rejected")]
        audit = app.get("/api/v1/audit?limit=2")["items"]
        assert [(one["by"], one["action"]) for one in audit] == [("Bob", "reject"), ("bob", "approve")]


def test_windows_follow_the_clock(scene, tmp_path):
    """Of the machine: when somebody sets it, the hours are those that it shows, without a restart."""
    clock = Clock(tmp_path / "clock")
    days = [time.strftime("%a", time.gmtime(time.time() + day * 86400)).lower() for day in (0, 1)]
    terms = f'auto: false, windows: ["{days[0]}-{days[1]} 00:00-24:00"]'
    with scene.app(stage=terms, edge=False, **clock.environment) as app:
        for tag in ("v1", "v2"):
            push_app(scene.registry, app.repository, tag, behaviour={})
        app.live("v1")
        clock.jump(3 * 86400)
        deploy = app.deploy(app.stage_name, "v2")
        shown = app.wait_state(deploy, "PENDING")
        assert (shown["state"], shown["reason"]) == ("PENDING", "outside of its deploy windows")
        clock.jump(0)
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        app.live("v2")


def test_a_freeze_is_not_cut_short_by_another(scene):
    """Who freezes all of a project lets nothing go that is frozen for longer; to shorten it is to thaw it first."""
    with staged(scene, "auto: false") as app:
        stage = f"/api/v1/projects/{app.name}/stages/production/"
        project = f"/api/v1/projects/{app.name}/"
        app.post(stage + "freeze", {"by": "ann", "reason": "sale", "for_ms": 3600000})
        until_ms = app.stage(app.stage_name)["frozen"]["until_ms"]
        app.post(project + "freeze", {"by": "bob", "reason": "backup", "for_ms": 1000})
        assert app.stage(app.stage_name)["frozen"] == {"until_ms": until_ms, "reason": "sale (by ann)"}
        assert app.stage(f"{app.name}/staging")["frozen"]["reason"] == "backup (by bob)"
        short = {"by": "bob", "reason": "backup", "for_ms": 1000}
        assert "for longer already: sale (by ann)" in refusal(lambda: app.post(stage + "freeze", short))
        app.post(stage + "freeze", {"by": "bob", "reason": "for good"})
        assert app.stage(app.stage_name)["frozen"] == {"until_ms": 0, "reason": "for good (by bob)"}
        assert "for longer already" in refusal(lambda: app.post(stage + "freeze", short))
        app.post(stage + "unfreeze", {"by": "bob"})
        app.post(stage + "freeze", short)
        wait_for(lambda: app.stage(app.stage_name)["frozen"] is None, 10, "the freeze to end")


def test_bad_words_are_refused(scene):
    """Names and reasons are one line; each fault says which and how to mend it."""
    with staged(scene, "auto: false") as app:
        path = f"/api/v1/projects/{app.name}/stages/production/freeze"
        for body, told in (({"reason": "x"}, "say who"), ({"by": "a\nb", "reason": "x"}, "one line"),
                           ({"by": 64 * "a", "reason": "x"}, "at most 63"), ({"by": " a", "reason": "x"}, "blanks"),
                           ({"by": "ann\u200b", "reason": "x"}, "nobody sees"),
                           ({"by": "a\u202eb", "reason": "x"}, "nobody sees"),
                           ({"by": "a", "reason": "x\u2028y"}, "turn it"), ({"by": "a"}, "say why"), ({"by": "a", "reason": 101 * "x"}, "at most 100"),
                           ({"by": "a", "reason": "x", "for_ms": 10**13}, "at most a year"),
                           ({"by": "a", "reason": "x", "for": 1}, "unknown member")):
            status, _, answer = app.call("POST", path, body)
            assert status == 400 and told in answer["error"]["message"], (body, answer)
        assert app.call("POST", path.replace("production", "nowhere"), {"by": "a", "reason": "x"})[0] == 404
        assert app.call("POST", "/api/v1/projects/no/freeze", {"by": "a", "reason": "x"})[0] == 404
        assert app.call("GET", f"/api/v1/promotable?project={app.name}&stage=no")[0] == 404
        assert app.call("POST", "/api/v1/deploys/99/approve", {"by": "a"})[0] == 404
        assert "no 'promote_from'" in refusal(lambda: promote(app, by="ann"))
        assert app.run("freeze", app.stage_name, "--as", "a", "--reason", "x", "--for", "soon").returncode == 2
        assert "nothing is promoted" in app.run("promotable", app.stage_name).stdout
