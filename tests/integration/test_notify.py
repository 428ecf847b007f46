# SPDX-License-Identifier: MIT
"""Notifications: each kind of receiver gets what it takes, at least once, whatever happens in between."""
import json

import pytest

from bed.certificates import Authority
from bed.mail_server import MailServer, server_context
from bed.receiver import Receiver
from bed.scene import Scene
from bed.wait import wait_for

KEY = "the key of ops"
QUICK = "{http: /health, successes: 1, interval: 50ms, min_uptime: 0s, deadline: 3s}"
SECRETS = {"OPS_KEY": KEY, "SLACK_PART": "T0/B0/abcdef", "DISCORD_PART": "tokentoken", "NTFY_TOKEN": "tk_phone",
           "GOTIFY_TOKEN": "Aphone", "MAIL_PASSWORD": "pass word"}


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("notify")) as scene:
        yield scene


def configure(app, receivers, notify="[]", of_project=None, of_stage=None):
    """Apply the app's configuration with receivers (lines) and lists of them; returns what apply printed."""
    head, _, projects = app.config_file.read_text("utf-8").partition("projects:\n")
    lines = "".join(f"  {line}\n" for line in receivers)
    if of_project:
        projects = projects.replace("    port: 8080\n", f"    port: 8080\n    notify: {of_project}\n", 1)
    if of_stage:
        projects = projects.replace("production: {", f"production: {{notify: {of_stage}, ", 1)
    done = app.run("apply", "-", given=f"{head}receivers:\n{lines}notify: {notify}\nprojects:\n{projects}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def ops(receiver, events="", name="ops"):
    """The line of a webhook that signs."""
    return f"{name}: {{kind: webhook, url: '{receiver.url}/hooks', secret_env: OPS_KEY{events}}}"


def listed(app, **query):
    """Notifications by the API, newest first."""
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return app.get(f"/api/v1/notifications?{text}")["items"]


def wait_count(receiver, count):
    """Wait until so many were taken; none was faulty."""
    wait_for(lambda: len(receiver.requests) >= count, 20, f"{count} notifications")
    assert receiver.faults == [] and len(receiver.requests) == count


def test_a_webhook_is_told_how_deploys_end(scene):
    """Signed, in order of what happened, and only what it wants; the most specific list wins."""
    with Receiver("webhook", KEY) as of_all, Receiver("webhook", KEY) as of_stage, \
            scene.app(QUICK, **SECRETS, edge=False) as app:
        plan = configure(app, [ops(of_all, name="all"), ops(of_stage, ", events: [deploy_started, deploy_success,"
                                                           " deploy_failure, deploy_rolled_back]")],
                         "[all]", "[all]", "[ops]")
        assert "add     receiver ops" in plan and f"add     notify of {app.stage_name}" in plan
        scene.push(app, "v1")
        scene.push(app, "v2", HEALTH="fail")
        first = app.live("v1")
        bad = app.wait_over(app.deploy(app.stage_name, "v2"))
        gone = app.wait_over(app.deploy(app.stage_name, "v9"))
        assert (bad["state"], gone["state"]) == ("ROLLED_BACK", "FAILED")
        wait_count(of_stage, 5)
        assert of_all.seen == []
        bodies = [request["json"] for request in of_stage.requests]
        assert sorted((body["event"], body["deploy"]) for body in bodies) == sorted([
            ("deploy_started", first["id"]), ("deploy_success", first["id"]), ("deploy_started", bad["id"]),
            ("deploy_rolled_back", bad["id"]), ("deploy_failure", gone["id"])])
        told = {body["event"]: body for body in bodies}
        success, back = told["deploy_success"], told["deploy_rolled_back"]
        assert success["title"] == f"{app.stage_name}: v1 is live" and success["error"] == ""
        assert (success["tier"], success["tag"], success["digest"]) == ("stage", "v1", first["digest"])
        assert success["image"].endswith(f"/{app.repository}") and success["url"] == f"http://{app.host}/"
        assert back["error"] == bad["reason"] and back["status"] == "rolled_back"
        assert len({body["delivery"] for body in bodies}) == 5
        shown = app.run("notify", "list", app.stage_name)
        assert shown.returncode == 0 and shown.stdout.count("delivered") == 5, shown.stdout
        assert {item["state"] for item in listed(app, project=app.name)} == {"DELIVERED"}
        configure(app, [ops(of_all, name="all")], "[all]")  # the project's list and the stage's are gone
        app.wait_over(app.deploy(app.stage_name, "v9"))
        wait_count(of_all, 1)
        assert of_all.requests[0]["json"]["tier"] == "global"


def test_each_kind_takes_what_it_gets(scene, tmp_path):
    """By the published rules of each; what is not theirs is escaped."""
    authority = Authority(tmp_path / "ca")
    context = server_context(*authority.issue("mail"))
    with Receiver("slack", "T0/B0/abcdef") as slack, Receiver("discord", "tokentoken") as discord, \
            Receiver("ntfy", "tk_phone") as ntfy, Receiver("gotify", "Aphone") as gotify, \
            MailServer(context, ("me", "pass word")) as mail, \
            scene.app(edge=False, **SECRETS, SLACK_URL=f"{slack.url}/services/T0/B0/abcdef",
                      DISCORD_URL=f"{discord.url}/api/webhooks/1/tokentoken") as app:
        configure(app, ["chat: {kind: slack, url_env: SLACK_URL}", "talk: {kind: discord, url_env: DISCORD_URL}",
                        f"phone: {{kind: ntfy, url: '{ntfy.url}/deploys', secret_env: NTFY_TOKEN}}",
                        f"watch: {{kind: gotify, url: '{gotify.url}', secret_env: GOTIFY_TOKEN}}",
                        f"mail: {{kind: email, url: 'smtp://localhost:{mail.port}', from: slipway@example.org, to: "
                        f"[a@example.org, b@example.org], username: me, secret_env: MAIL_PASSWORD,"
                        f" ca_file: {authority.certificate}}}"],
                  "[chat, talk, phone, watch, mail]")
        over = app.wait_over(app.deploy(app.stage_name, "v1_2"))
        assert over["state"] == "FAILED"
        for receiver in (slack, discord, ntfy, gotify):
            wait_count(receiver, 1)
        wait_for(lambda: mail.messages, 20, "a mail")
        title = f"{app.stage_name}: v1_2 was not deployed"
        assert slack.requests[0]["json"]["text"].startswith(f"*{title}*\n{over['reason'][:20]}")
        assert title.replace("_", "\\_") in discord.requests[0]["json"]["content"]
        assert ntfy.requests[0]["json"]["topic"] == "deploys" and ntfy.requests[0]["json"]["title"] == title
        assert ntfy.requests[0]["json"]["priority"] == 4 and gotify.requests[0]["json"]["title"] == title
        message = mail.messages[0]
        assert mail.faults == [] and message["Subject"] == title
        assert message.envelope == ("slipway@example.org", ["a@example.org", "b@example.org"], "me", True)
        assert message["To"] == "a@example.org, b@example.org" and message["Auto-Submitted"] == "auto-generated"
        plain, html = message.iter_parts()
        assert over["reason"] in plain.get_content() and "<strong>" in html.get_content()
        assert f"slipway show {over['id']}" in plain.get_content()
        tried = json.loads(app.run("notify", "test", app.stage_name, "--json").stdout)
        assert [(one["receiver"], one["delivered"], one["status_code"], one["signature_sent"])
                for one in tried["items"]] == [("chat", True, 200, False), ("talk", True, 204, False),
                                               ("phone", True, 200, False), ("watch", True, 200, False),
                                               ("mail", True, 250, False)]
        assert tried["tier"] == "global" and tried["items"][0]["response_snippet"] == "ok"
        shown = app.run("notify", "receivers").stdout
        assert "from env" in shown and "a@example.org, b@example.org" in shown
        everything = app.log.read_text("utf-8") + shown + json.dumps(app.get("/api/v1/receivers"))
        for secret in SECRETS.values():
            assert secret not in everything


def test_who_may_approve_is_told(scene):
    """Once for each deploy that waits for people, over approvals and restarts; not when it waits for the time."""
    with Receiver("webhook", KEY) as receiver, scene.app(QUICK, stage="auto: false, approvals: 2", **SECRETS,
                                                         edge=False) as app:
        configure(app, [ops(receiver)], "[ops]")
        scene.push(app, "v1")
        deploy = app.deploy(app.stage_name, "v1", by="ann")
        app.wait_state(deploy, "PENDING")
        wait_count(receiver, 1)
        body = receiver.requests[0]["json"]
        assert (body["event"], body["deploy"], body["tag"]) == ("approval_wanted", deploy, "v1")
        assert body["title"] == f"{app.stage_name}: v1 waits for an approval"
        assert "has 0 of 2 approvals" in body["text"] + body["error"]
        app.post(f"/api/v1/deploys/{deploy}/approve", {"by": "bob"})
        # What a kill comes before is told again: at least once is the promise, so its answer is waited for.
        wait_for(lambda: listed(app, state="DELIVERED"), 10, "the answer to be recorded")
        app.kill()
        app.start()
        app.post(f"/api/v1/projects/{app.name}/stages/production/freeze", {"by": "eve", "reason": "sale"})
        app.post(f"/api/v1/deploys/{deploy}/approve", {"by": "joe"})
        wait_for(lambda: app.show(deploy)["reason"] == "frozen: sale (by eve)", 10, "the freeze to be what holds it")
        app.post(f"/api/v1/projects/{app.name}/stages/production/unfreeze", {"by": "eve"})
        assert app.wait_over(deploy)["state"] == "LIVE"
        wait_count(receiver, 2)
        assert [request["json"]["event"] for request in receiver.requests] == ["approval_wanted", "deploy_success"]


def test_a_receiver_that_fails_delays_nobody(scene):
    """One hangs, one is away: deploys go on, the shutdown is quick, and both are told by the next start."""
    with Receiver("webhook", KEY) as slow, Receiver("webhook", KEY) as away, scene.app(edge=False, **SECRETS) as app:
        slow.answers = ["hang", "hang"]
        away.stop()
        configure(app, [ops(slow, name="slow"), ops(away, name="away")], "[slow, away]")
        scene.push(app, "v1")
        app.live("v1")
        over = app.wait_over(app.deploy(app.stage_name, "v9"))
        assert over["state"] == "FAILED"
        wait_for(lambda: len(slow.seen) == 2 and len(listed(app, state="PENDING")) == 2, 20,
                 "both to be asked")
        pending = listed(app, state="PENDING")
        assert {item["receiver"] for item in pending} == {"away"}
        assert all("Connection refused" in item["reason"] for item in pending)
        before = {item["delivery_id"] for item in listed(app)}
        assert app.terminate(deadline_s=10) == 0
        slow.release()
        slow.requests.clear()
        with away:
            app.start()
            wait_for(lambda: len(away.requests) >= 2 and len(slow.requests) >= 2, 20, "both to be told")
            wait_for(lambda: not listed(app, state="PENDING") and not listed(app, state="SENDING"), 20, "the rows")
            assert {request["json"]["delivery"] for request in [*slow.requests, *away.requests]} == before
            assert slow.faults == away.faults == []


def test_killed_in_the_middle(scene):
    """kill -9 while a receiver has a request: it gets it again, under the same delivery id."""
    with Receiver("webhook", KEY) as receiver, scene.app(edge=False, **SECRETS) as app:
        receiver.answers = ["hang"]
        configure(app, [ops(receiver)], "[ops]")
        app.wait_over(app.deploy(app.stage_name, "v9"))
        wait_for(lambda: receiver.seen, 20, "the first try")
        app.kill()
        app.start()
        wait_for(lambda: [item["state"] for item in listed(app)] == ["DELIVERED"], 20, "the second try")
        receiver.release()
        assert len({request["json"]["delivery"] for request in receiver.seen}) == 1 and len(receiver.seen) == 2


def test_what_a_receiver_answers(scene):
    """503 with Retry-After is tried again, a redirect and 403 are not; and what has gone in vain is shown."""
    with Receiver("webhook", KEY) as receiver, Receiver("webhook", KEY) as elsewhere, \
            scene.app(edge=False, **SECRETS) as app:
        configure(app, [ops(receiver)], "[ops]")
        receiver.answers = [(503, {"Retry-After": "7200"}), (302, {"Location": f"{elsewhere.url}/hooks"}), (403, {})]
        app.wait_over(app.deploy(app.stage_name, "v7"))
        waiting = wait_for(lambda: listed(app, state="PENDING"), 20, "the first to wait")[0]
        assert waiting["status_code"] == 503 and waiting["failures"] == 1 and "not now" in waiting["reason"]
        assert waiting["next_ms"] - waiting["created_ms"] >= 7200000
        for _ in range(2):
            app.wait_over(app.deploy(app.stage_name, "v8"))
        given_up = wait_for(lambda: len(found := listed(app, state="GIVEN_UP")) == 2 and found, 20, "two given up")
        assert {item["status_code"] for item in given_up} == {302, 403}
        assert elsewhere.seen == elsewhere.faults == []
        shown = app.run("notify", "list", "--state", "given-up")
        assert "a redirect, which is not followed" in shown.stdout and "it answered 403" in shown.stdout
        receiver.answers = [(500, {})]
        tried = app.run("notify", "test", app.name)
        assert tried.returncode == 1 and "500" in tried.stdout and "yes" in tried.stdout
        assert app.run("notify", "test", "nobody").returncode == 3
        assert app.run("notify", "burn").returncode == 2


def test_mail_that_cannot_be_sent(scene, tmp_path):
    """Without TLS nothing is said; a recipient refused for good gives up, one refused for now waits."""
    authority = Authority(tmp_path / "ca")
    context = server_context(*authority.issue("mail"))
    with MailServer(None) as bare, MailServer(context) as mail, MailServer(context, is_tls_first=True) as tls, \
            scene.app(edge=False, **SECRETS) as app:
        more = f"from: slipway@example.org, to: [a@example.org], ca_file: {authority.certificate}}}"
        configure(app, [f"bare: {{kind: email, url: 'smtp://localhost:{bare.port}', {more}",
                        f"mail: {{kind: email, url: 'smtp://localhost:{mail.port}', {more}",
                        f"tls: {{kind: email, url: 'smtps://localhost:{tls.port}', {more}"], "[bare, mail, tls]")
        mail.refusals = ["451 4.7.1 greylisted", "550 5.1.1 no such user"]
        tried = {one["receiver"]: one for one in
                 app.post("/api/v1/notifications/test", {"project": app.name})["items"]}
        assert not tried["bare"]["delivered"] and "MAIL" not in bare.commands
        assert tried["mail"]["status_code"] == 451 and "greylisted" not in json.dumps(bare.commands)
        assert tried["tls"]["delivered"] and tls.faults == []
        app.wait_over(app.deploy(app.stage_name, "v9"))
        states = wait_for(lambda: len(found := {item["receiver"]: item["state"] for item in listed(app)
                                                if item["state"] != "SENDING"}) == 3 and found, 30, "all to be tried")
        assert states == {"bare": "PENDING", "mail": "GIVEN_UP", "tls": "DELIVERED"}


def test_what_is_held_and_who_is_gone(scene):
    """A digest in quarantine is told once, however often it comes; so is a container that is removed."""
    with Receiver("webhook", KEY) as receiver, scene.app(QUICK, edge=False, **SECRETS, SLIPWAY_SWEEP_INTERVAL="1s") as app:
        configure(app, [ops(receiver, ", events: [deploy_held, instance_gone]")], "[ops]")
        scene.push(app, "v1")
        scene.push(app, "v2", HEALTH="fail")
        live = app.live("v1")
        app.wait_over(app.deploy(app.stage_name, "v2"))
        image = f"{scene.registry.address}/{app.repository}:v2"
        for _ in range(2):
            assert app.wait_over(app.webhook(app.name, image)[1]["id"])["state"] == "SKIPPED"
        wait_for(lambda: receiver.events() == ["deploy_held"], 20, "the held version to be told")
        assert "in quarantine" in receiver.requests[0]["json"]["error"]
        scene.engine.api.remove(app.containers()[0]["Id"])
        wait_for(lambda: "instance_gone" in receiver.events(), 20, "the lost container to be told")
        gone = receiver.requests[-1]["json"]
        assert gone["deploy"] == live["id"] and f"container {app.name}-production" in gone["error"]
        assert receiver.events() == ["deploy_held", "instance_gone"] and receiver.faults == []


def test_a_secret_of_the_server(scene):
    """Sealed like those of containers, and as well guarded; without it nobody is told, and that is mended by setting it."""
    with Receiver("webhook", KEY) as receiver, scene.app(edge=False) as app:
        plan = configure(app, [f"ops: {{kind: webhook, url: '{receiver.url}/hooks', secret_name: ops-key}}"], "[ops]")
        assert "add     receiver ops" in plan
        tried = app.run("notify", "test", app.stage_name)
        assert tried.returncode == 1 and "no secret 'ops-key'" in tried.stdout and receiver.seen == []
        assert app.run("secrets", "set", "ops-key", given=KEY).returncode == 0
        tried = app.post("/api/v1/notifications/test", {"project": app.name})["items"][0]
        assert tried["delivered"] and tried["signature_sent"]
        app.wait_over(app.deploy(app.stage_name, "v9"))
        wait_count(receiver, 2)
        assert [one["secret_from"] for one in app.get("/api/v1/receivers")["items"]] == ["secret"]
        assert app.get("/api/v1/secrets")["items"][0]["used_by"] == ["receiver ops"]
        kept = app.run("secrets", "remove", "ops-key")
        assert kept.returncode == 5 and "the receiver 'ops' needs the secret" in kept.stderr
        assert "secret_name: ops-key" in app.run("export").stdout
        for path in app.data.iterdir():
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
        assert KEY not in app.log.read_text("utf-8")
