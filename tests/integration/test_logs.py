# SPDX-License-Identifier: MIT
"""Every line of a real run against spec/log.schema.json and docs/logs.md; and no secret anywhere.

One scenario is played once: deploys that go well, fail and are canceled, a webhook, a rollback, wrong
tokens and requests that are no HTTP, an apply, a shutdown. The tests then look at what it left.
"""
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bed.engine import Engine  # noqa: E402
from bed.image import push_app  # noqa: E402
from bed.registry import Registry  # noqa: E402
from bed.slipway import TOKEN, Slipway, binary  # noqa: E402
from bed.wait import wait_for  # noqa: E402

SCHEMA = json.loads((ROOT / "spec/log.schema.json").read_text("utf-8"))
PASSWORD = "registry-password-of-the-log-test"
ENV_SECRET = "database-password-of-the-log-test"
WRONG_TOKEN = "a-wrong-token-that-somebody-typed"
COMMON = {"ts", "level", "event", "msg", "request_id", "project", "stage", "tag", "digest", "deploy_id",
          "instance_id"}


class Separate(Slipway):
    """Keeps standard error, where people are told things, apart from the log."""

    def launch(self, *wrapper):
        with open(self.log, "ab") as log, open(self.directory / "stderr", "ab") as other:
            self.process = subprocess.Popen([*wrapper, binary(), "serve"], env=self.environment(),
                                            stdout=log, stderr=other, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        return self


def configuration(engine, registry, password_file):
    return f"""version: 1
engines:
  local: {{host: "{engine.host}"}}
registries:
  "{registry.address}": {{insecure: true, username: robot, password_file: {password_file}}}
projects:
  shop:
    image: {registry.address}/shop/web
    port: 8080
    env: {{DATABASE_PASSWORD: {ENV_SECRET}}}
    health: {{http: /health, successes: 2, interval: 50ms, min_uptime: 0s, deadline: 20s}}
    stages:
      production: {{tags: "v*", poll: 1s, replicas: 2, domains: [shop.localhost]}}
  slow:
    image: {registry.address}/shop/slow
    port: 8080
    health: {{http: /health, successes: 2, interval: 50ms, min_uptime: 0s, deadline: 20s}}
    stages:
      production: {{tags: "v*"}}
  bad:
    image: {registry.address}/shop/bad
    port: 8080
    health: {{http: /health, successes: 2, interval: 50ms, min_uptime: 0s, deadline: 1s}}
    stages:
      production: {{tags: "v*"}}
"""


def command_lines():
    """What `ps` would show of every process now."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return found


def every_answer(slipway, deploys):
    """The body of each call that reads, and of some that fail."""
    paths = ["/health", "/api/v1/health", "/api/v1/stages", "/api/v1/deploys", "/api/v1/nothing",
             "/api/v1/projects/shop/stages/production",
             "/api/v1/projects/shop/stages/production/instances",
             "/api/v1/projects/shop/stages/production/instances/0/logs"]
    paths += [f"/api/v1/deploys/{one}{tail}" for one in deploys for tail in ("", "/log")]
    answers = {path: json.dumps(slipway.call("GET", path)[1:]) for path in paths}
    answers["no token"] = json.dumps(slipway.call("GET", "/api/v1/projects", token=None)[1:])
    answers["wrong token"] = json.dumps(slipway.call("GET", "/api/v1/projects", token=WRONG_TOKEN)[1:])
    again = slipway.config_file.read_text("utf-8")
    yaml = {"Content-Type": "application/yaml"}
    answers["apply"] = json.dumps(slipway.call("POST", "/api/v1/apply", again, headers=yaml)[1:])
    return answers


class Run:
    """The scenario, and what it left behind."""

    def __init__(self, directory):
        password_file = directory / "password"
        password_file.write_text(PASSWORD + "\n", "ascii")
        with Engine(directory / "docker") as engine, \
                Registry(directory / "registry", mode="basic", password=PASSWORD) as registry:
            for repository, behaviour in (("web", {}), ("slow", {"HEALTH_FAIL_UNTIL_MS": 15000}),
                                          ("bad", {"HEALTH": "fail"})):
                push_app(registry, f"shop/{repository}", "v1", behaviour=behaviour)
            push_app(registry, "shop/web", "v2")
            self.slipway = Separate(directory / "slipway", configuration(engine, registry, password_file),
                                    SLIPWAY_LOG_LEVEL="debug")
            with self.slipway as slipway:
                self.play(slipway, registry)

    def play(self, slipway, registry):
        self.pids = (slipway.pid, slipway.edge_pids())
        self.good = slipway.deploy("shop/production", "v1")
        assert slipway.wait_over(self.good)["state"] == "LIVE"
        status, _, self.by_hook = slipway.call(
            "POST", slipway.get("/api/v1/projects/shop")["webhook_path"],
            {"image": registry.reference("shop/web", "v2")}, token=None, headers={"X-Request-ID": "the-hook"})
        assert status == 202
        assert slipway.wait_over(self.by_hook["id"])["state"] == "LIVE"
        self.command_lines = command_lines()
        self.bad = slipway.deploy("bad/production", "v1")
        assert slipway.wait_over(self.bad)["state"] in ("FAILED", "ROLLED_BACK")
        self.missing = slipway.deploy("bad/production", "v9")
        assert slipway.wait_over(self.missing)["state"] == "FAILED"
        self.canceled = slipway.deploy("slow/production", "v1")
        slipway.wait_state(self.canceled, "PROBING")
        slipway.call("POST", f"/api/v1/deploys/{self.canceled}/cancel", {}, headers={"X-Request-ID": "the-end"})
        assert slipway.wait_over(self.canceled)["state"] == "CANCELED"
        self.back = slipway.rollback("shop/production")
        assert slipway.wait_over(self.back)["state"] == "LIVE"
        assert slipway.call("POST", "/api/webhook/00000000-0000-4000-8000-000000000000", {}, None)[0] == 404
        with socket.create_connection(("127.0.0.1", slipway.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            client.recv(4096)
        deploys = [self.good, self.by_hook["id"], self.bad, self.missing, self.canceled, self.back]
        self.answers = every_answer(slipway, deploys)
        wait_for(lambda: any(line["event"] == "poll.note" for line in slipway.log_lines()), 10, "a poll")
        self.webhook = slipway.get("/api/v1/projects/shop")["webhook_path"].rpartition("/")[2]
        self.command_lines += command_lines()
        assert slipway.terminate() == 0
        slipway.stop_edge()
        self.edge_log = (slipway.data / "edge" / "edge.log").read_text("utf-8").splitlines()
        self.raw = slipway.log.read_text("utf-8").splitlines()
        self.lines = [json.loads(line) for line in self.raw]
        self.stderr = (slipway.directory / "stderr").read_text("utf-8")
        self.files = {str(path): path.read_bytes() for path in slipway.data.rglob("*") if path.is_file()}

    def of(self, deploy):
        """The lines about one deploy."""
        return [line for line in self.lines if line.get("deploy_id") == deploy]

    @property
    def secrets(self):
        return {"the token": TOKEN, "the webhook": self.webhook, "the registry's password": PASSWORD,
                "a stage's env": ENV_SECRET, "a wrong token": WRONG_TOKEN}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("logs"))


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("line", [
    {}, {"ts": "2024-05-01T12:00:00.123Z", "level": "info", "event": "a.b"},
    {"ts": "2024-05-01T12:00:00.123Z", "level": "info", "event": "a.b", "msg": "m", "password": "p"},
    {"ts": "2024-05-01 12:00:00", "level": "info", "event": "a.b", "msg": "m"},
    {"ts": "2024-05-01T12:00:00.123Z", "level": "notice", "event": "a.b", "msg": "m"},
    {"ts": "2024-05-01T12:00:00.123Z", "level": "info", "event": "Something happened", "msg": "m"},
    {"ts": "2024-05-01T12:00:00.123Z", "level": "info", "event": "a.b", "msg": "m", "actor": "deploy"}])
def test_the_schema_refuses(line):
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(line)


def test_every_line_is_valid(run):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert len(run.lines) > 100 and run.edge_log
    faults = [f"{error.json_path} {error.message}: {text}" for text in run.raw + run.edge_log
              for error in validator.iter_errors(json.loads(text))]
    assert faults == []


def test_the_lines_come_in_order_and_say_how_it_began_and_ended(run):
    stamps = [line["ts"] for line in run.lines]
    assert stamps == sorted(stamps)
    events = [line["event"] for line in run.lines]
    assert events[-1] == "serve.ended" and "serve.ready" in events and "serve.draining" in events


def test_each_line_of_a_deploy_has_its_context(run):
    for deploy, project, tag in ((run.good, "shop", "v1"), (run.by_hook["id"], "shop", "v2"),
                                 (run.bad, "bad", "v1"), (run.canceled, "slow", "v1")):
        lines = run.of(deploy)
        assert len(lines) > 8
        known = False
        for line in lines:
            assert (line.get("project"), line.get("stage"), line.get("tag")) == (project, "production", tag), line
            assert "digest" in line or not known, line
            known = known or "digest" in line
        assert known
    assert all("digest" not in line for line in run.of(run.missing))


def test_lines_about_one_container_name_it(run):
    started = {line["instance_id"] for line in run.of(run.good) if "instance_id" in line}
    assert len(started) == 2


def test_the_steps_in_the_log_are_the_steps_of_the_api(run):
    steps = json.loads(run.answers[f"/api/v1/deploys/{run.good}"])[1]["steps"]
    shown = [(step["from"], step["on"], step["to"]) for step in steps if step["actor"].lower() == "deploy"]
    logged = [(line["from"], line["on"], line["to"]) for line in run.of(run.good)
              if line["event"] == "actor.moved" and line["actor"] == "deploy"]
    assert len(shown) > 5 and logged == shown


def test_a_failed_deploy_says_why(run):
    reasons = [line for line in run.of(run.bad) if line["event"] == "port.refused"]
    assert len(reasons) == 1 and reasons[0]["level"] == "error" and "503" in reasons[0]["msg"]
    reasons = [line for line in run.of(run.missing) if line["level"] == "error"]
    assert len(reasons) == 1 and "no tag 'v9'" in reasons[0]["msg"]


def test_a_request_leads_to_its_deploy(run):
    hook = [line for line in run.lines if line.get("request_id") == "the-hook"]
    assert [line["event"] for line in hook] == ["webhook.received", "deploy.requested", "http.request"]
    assert hook[1]["deploy_id"] == run.by_hook["id"] and hook[2]["status"] == 202
    end = [line for line in run.lines if line.get("request_id") == "the-end"]
    assert [line["event"] for line in end] == ["deploy.cancel_requested", "http.request"]
    assert end[0]["deploy_id"] == run.canceled


def test_requests_are_logged_with_their_status_and_an_id_of_their_own(run):
    requests = [line for line in run.lines if line["event"] == "http.request"]
    assert {200, 202, 400, 401, 404} <= {line["status"] for line in requests}
    assert all(line["level"] == "debug" for line in requests)
    own = [line["request_id"] for line in requests if line["request_id"] not in ("the-hook", "the-end")]
    assert len(set(own)) == len(own)


def test_no_secret_is_in_a_log(run):
    texts = {"log": "\n".join(run.raw), "edge.log": "\n".join(run.edge_log), "standard error": run.stderr}
    found = [(name, where) for name, secret in run.secrets.items() for where, text in texts.items()
             if secret in text]
    assert found == []


def test_no_secret_is_in_an_answer(run):
    found = [(name, path) for name, secret in run.secrets.items() for path, text in run.answers.items()
             if secret in text]
    assert found == []


def test_no_secret_is_in_a_command_line(run):
    assert any("haproxy" in line for line in run.command_lines)
    assert sum("slipway" in line and "serve" in line for line in run.command_lines) >= 2
    found = [(name, line) for name, secret in run.secrets.items() for line in run.command_lines
             if secret in line]
    assert found == []


def test_token_and_password_are_not_stored(run):
    stored = [(name, path) for name in ("the token", "the registry's password")
              for path, content in run.files.items() if run.secrets[name].encode() in content]
    assert any(path.endswith("slipway.db") for path in run.files) and stored == []


def test_data_is_for_its_owner_alone(run):
    open_ones = [str(path) for path in (run.slipway.data, *run.slipway.data.rglob("*"))
                 if not path.is_symlink() and os.stat(path).st_mode & 0o007]
    assert open_ones == []


def test_a_made_token_is_shown_once_and_not_logged(tmp_path):
    slipway = Separate(tmp_path, "version: 1\nprojects: {}\n", edge=False)
    del slipway.settings["SLIPWAY_TOKEN"]
    with slipway:
        token = re.search(r"^    ([0-9a-f]{48})$", (tmp_path / "stderr").read_text("ascii"), re.M)[1]
        assert slipway.call("GET", "/api/v1/projects", token=token)[0] == 200
        assert slipway.call("GET", "/api/v1/projects", token=token[:-1])[0] == 401
    assert token not in slipway.log.read_text("utf-8")
    (tmp_path / "stderr").write_text("", "ascii")
    with slipway:
        assert slipway.call("GET", "/api/v1/projects", token=token)[0] == 200
    assert (tmp_path / "stderr").read_text("utf-8") == ""


def calls_of_the_source():
    """Yield (function, its arguments as text) of every call that logs an event."""
    for path in sorted((ROOT / "src").rglob("*.c")):
        text = path.read_text("utf-8")
        for call in re.finditer(r"\b(log_(?:debug|info|warn|error|event)|note|put|api_log_deploy)\(", text):
            depth, end = 1, call.end()
            while depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            yield call[1], text[call.end():end - 1]


def test_the_table_of_events_is_complete():
    table = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([a-z, ]+) \|", (ROOT / "docs/logs.md").read_text("utf-8"),
                            re.M))
    assert list(table) == sorted(table)
    used = {}
    for function, arguments in calls_of_the_source():
        for name in re.findall(r'"([a-z]+\.[a-z_]+)"', arguments):
            used.setdefault(name, set()).add(function)
    assert set(used) == set(table)
    for event, functions in used.items():
        fixed = {function[4:] for function in functions} & {"debug", "info", "warn", "error"}
        assert fixed <= set(table[event].split(", ")), event


def test_every_extra_member_is_in_the_schema_and_the_other_way_round():
    keys = set()
    for _, arguments in calls_of_the_source():
        keys |= set(re.findall(r'LOG_(?:TEXT|NUMBER)\(\s*"(\w+)"', arguments))
    keys.add("lines")  # of log.dropped, in an array of its own
    assert keys == set(SCHEMA["properties"]) - COMMON
