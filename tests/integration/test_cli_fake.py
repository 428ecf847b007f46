"""The command line client against a server that is made for it and follows docs/api.md to the letter.

The server here is strict (token, methods, members, content types) and plays scripts: a deploy's tag
chooses how it goes, so that each ending, each refusal and each lost connection is one test. The binary
is build/slipway, or SLIPWAY_BINARY.
"""

import fcntl
import http.server
import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SLIPWAY_BINARY", str(ROOT / "build" / "slipway"))
TOKEN = "a-token-for-tests-only"
DIGEST = "sha256:" + "ab12" * 16
OTHER = "sha256:" + "cd34" * 16
OVER = ("LIVE", "FAILED", "ROLLED_BACK", "CANCELED", "SUPERSEDED", "SKIPPED", "REFUSED")
OK, FAILED, USAGE, NOT_FOUND, UNAUTHORIZED, CONFLICT, UNREACHABLE, INVALID = range(8)

HAPPY = [("step", "DEPLOY", "RESOLVING"), ("step", "DEPLOY", "QUEUED"), ("step", "DEPLOY", "PULLING"),
         ("log", "info", "pulled 12 MB"), ("step", "DEPLOY", "STARTING"), ("step", "DEPLOY", "PROBING"),
         ("step", "DEPLOY", "SWAPPING"), ("step", "SWAP", "CONFIRMING"), ("step", "SWAP", "DONE"),
         ("step", "DEPLOY", "LIVE")]
UNHEALTHY = HAPPY[:6] + [("log", "warn", "GET /health answered 503"), ("log", "out", "listening on 8080"),
                         ("log", "out", "no \x1b[2Jdatabase"), ("step", "DEPLOY", "UNDOING"),
                         ("step", "DEPLOY", "ROLLED_BACK")]
REASON = "GET /health answered 503, 10 times in 3s"


class Fake:
    """The state of the server; `requests` is what came, `scripts` how tags go."""

    def __init__(self):
        self.requests = []
        self.deploys = {}
        self.next_id = 12
        self.rotations = 0
        self.webhook_why = ""
        self.stages = [self.stage("shop", "production", domains=["shop.example.org"]),
                       self.stage("shop", "staging", live=None, replicas=1),
                       self.stage("blog", "production", tcp_port=7000, domains=[])]
        self.drops = []  # after how many events the next streams break
        self.refusals = []  # statuses that the next streams are refused with
        self.hold = threading.Event()  # streams wait for it before their last event
        self.hold.set()
        self.plan = {"changes": 2, "plan": [{"action": "add", "what": "stage shop/production"},
                                            {"action": "keep", "what": "stage blog/production"},
                                            {"action": "change", "what": "project shop"}]}
        self.etag = '"tag-1"'
        self.health = {"status": "healthy", "version": "0.1.0", "uptime_seconds": 180, "timestamp": 1}
        self.lines = [f"line {n}" for n in range(200)] + ["\x1b[31mred\x1b[0m \x1b]0;title\x07"]
        self.add("shop/production", "v1", "LIVE", is_live=True)

    @staticmethod
    def stage(project, name, live="v1", replicas=2, **more):
        """A stage as docs/api.md shows it."""
        now = int(time.time() * 1000)
        return {"project": project, "stage": name, "image": f"127.0.0.1:5000/{project}/web", "state": "IDLE",
                "live": live and {"deploy": 12, "tag": live, "digest": OTHER, "since_ms": now - 200_000},
                "running": None, "waiting": None, "tags": "v*", "auto": True,
                "poll": {"state": "WAITING", "interval_ms": 30000, "tag": "v1", "digest": OTHER, "reason": ""},
                "domains": [], "tcp_port": 0, "replicas": replicas, "in_flight": 0, **more}

    def find(self, project, name):
        """The stage, or None."""
        return next((s for s in self.stages if (s["project"], s["stage"]) == (project, name)), None)

    def add(self, target, tag, state, reason="", script=(), **more):
        """A deploy that ends in `state`; its events are those of `script`."""
        project, stage = target.split("/")
        now = int(time.time() * 1000)
        number, self.next_id = self.next_id, self.next_id + 1
        self.deploys[number] = {
            "id": number, "project": project, "stage": stage, "state": state, "trigger": "MANUAL", "tag": tag,
            "digest": DIGEST, "reason": reason, "created_ms": now, "ended_ms": now + 1840, "is_live": False,
            "elder": 9, "events": self.events(number, now, script), **more}
        return number

    @staticmethod
    def events(number, now, script):
        """The stream of a script, without its end: (id, name, data)."""
        events, before = [], {}
        for index, (kind, who, what) in enumerate(script):
            at_ms = now + 100 * index
            if kind == "log":
                data = {"seq": 100 + index, "at_ms": at_ms, "level": who, "text": what}
            else:
                data = {"seq": 500 + index, "at_ms": at_ms, "deploy": number, "actor": who,
                        "from": before.get(who, what), "on": "START" if index == 0 else "TOLD", "to": what}
                before[who] = what
            events.append((index + 1, kind, data))
        return events

    def deploy(self, target, tag):
        """What POST deploys does; the tag is the script."""
        stage = self.find(*target.split("/"))
        if tag == "bad":
            return self.add(target, tag, "ROLLED_BACK", REASON, UNHEALTHY)
        if tag == "same":
            stage["live"]["digest"] = DIGEST
            return self.add(target, tag, "SKIPPED", "this digest is live already, by deploy 12", HAPPY[:2])
        if tag == "twin":
            running = self.add(target, "v3", "LIVE", "", HAPPY)
            stage["running"] = {"deploy": running, "tag": "v3", "digest": DIGEST, "state": "PULLING"}
            return self.add(target, tag, "SKIPPED", f"being deployed already, by deploy {running}", HAPPY[:2])
        if tag == "orphan":
            return self.add(target, tag, "SKIPPED", "being deployed already, by deploy 3", HAPPY[:2])
        for state in ("FAILED", "CANCELED", "SUPERSEDED"):
            if tag == state.lower():
                return self.add(target, tag, state, f"it is {tag}", HAPPY[:3])
        return self.add(target, tag, "LIVE", "", HAPPY)


def public(deploy, steps=False):
    """A deploy as the API tells it."""
    shown = {key: value for key, value in deploy.items() if key != "events"}
    if steps:
        shown["steps"] = [data for _, kind, data in deploy["events"] if kind == "step"]
    return shown


class Refused(Exception):
    """Ends a request with an error of the API."""

    def __init__(self, status, code, message, detail=None):
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-ID", "request-7")
        self.end_headers()
        self.wfile.write(data)

    def body(self, *members):
        """The JSON body; other members are refused."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if data and self.headers["Content-Type"] != "application/json":
            raise Refused(415, "UNSUPPORTED_TYPE", "send the body as application/json")
        body = json.loads(data or b"{}")
        for name in body:
            if name not in members:
                raise Refused(400, "INVALID", f"unknown member '{name}'", name)
        return body

    def do_GET(self):
        self.serve("GET")

    def do_POST(self):
        self.serve("POST")

    def serve(self, method):
        fake = self.server.fake
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        fake.requests.append((method, self.path, dict(self.headers)))
        try:
            if url.path not in ("/health", "/api/v1/health"):
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Refused(401, "UNAUTHORIZED", "no token, or a wrong one")
            for verb, pattern, function in ROUTES:
                match = re.fullmatch(pattern, url.path)
                if match and verb == method:
                    return function(self, fake, *map(urllib.parse.unquote, match.groups()))
            raise Refused(404, "NOT_FOUND", f"there is no path {url.path}")
        except Refused as refused:
            self.answer(refused.status, {"error": {"code": refused.code, "message": refused.message,
                                                   "detail": refused.detail, "request_id": "request-7"}})

    def health(self, fake):
        self.answer(200, fake.health)

    def stages(self, fake):
        wanted = self.query.get("project")
        self.answer(200, {"items": [s for s in fake.stages if wanted in (None, s["project"])]})

    def projects(self, fake):
        names = sorted({s["project"] for s in fake.stages})
        self.answer(200, {"items": [self.project_of(fake, name) for name in names]})

    @staticmethod
    def project_of(fake, name):
        return {"name": name, "webhook_path": "/api/webhook/6f1c9c1e-0000-4000-8000-000000000001",
                "stages": [s["stage"] for s in fake.stages if s["project"] == name]}

    def webhook(self, fake, name=None, tried=None):
        if name:
            self.need_project(fake, name)
        number = fake.rotations + 1 if name else 0
        path = f"/api/webhook/6f1c9c1e-0000-4000-8000-00000000000{number}"
        secret = {"from": "none", "name": "", "why": fake.webhook_why}
        self.answer(200, {"project": name, "webhook_path": path, "secret": secret, "require_signature": False,
                          **(tried or {})})

    def webhook_rotate(self, fake, name=None):
        self.body()
        fake.rotations += 1
        self.webhook(fake, name)

    def webhook_test(self, fake, name=None):
        image, _, tag = self.body("image")["image"].rpartition(":")
        stages = [s for s in fake.stages if s["project"] == "shop" and image.endswith("/shop")]
        items = [{"project": "shop", "stage": s["stage"], "tag": tag, "reason": "deploys by hand only",
                  "deploys": s["stage"] == "production" and tag.startswith("v")} for s in stages]
        self.webhook(fake, name, {"sender": "generic", "items": items})

    def need_project(self, fake, name):
        if name not in [s["project"] for s in fake.stages]:
            raise Refused(404, "NOT_FOUND", f"there is no project '{name}'")

    def project(self, fake, name):
        if name not in [s["project"] for s in fake.stages]:
            raise Refused(404, "NOT_FOUND", f"there is no project '{name}'")
        self.answer(200, self.project_of(fake, name))

    def need_stage(self, fake, project, name):
        stage = fake.find(project, name)
        if stage is None:
            raise Refused(404, "NOT_FOUND", f"there is no stage '{project}/{name}'")
        return stage

    def stage(self, fake, project, name):
        self.answer(200, self.need_stage(fake, project, name))

    def instances(self, fake, project, name):
        self.need_stage(fake, project, name)
        now = int(time.time() * 1000)
        self.answer(200, {"items": [{"deploy": 12, "replica": n, "container_id": "c" * 64,
                                     "name": f"slipway-{project}-{name}-12-{n}", "address": f"10.0.0.{n + 2}:80",
                                     "status": "running", "since_ms": now - 5000} for n in range(2)]})

    def instance_logs(self, fake, project, name, replica):
        self.need_stage(fake, project, name)
        if int(replica) > 1:
            raise Refused(404, "NOT_FOUND", "nothing is live there, or there is no such replica")
        tail = int(self.query.get("tail", 100))
        lines = fake.lines[-tail:] if tail else []
        if self.query.get("follow", "0") == "0":
            return self.answer(200, "".join(line + "\n" for line in lines), "text/plain")
        self.stream(fake, [(None, "line", {"text": f"{replica}: {line}"}) for line in lines])

    def deploy(self, fake, project, name):
        stage = self.need_stage(fake, project, name)
        body = self.body("tag", "digest", "force")
        fake.requests[-1] += (body,)
        if not isinstance(body.get("tag"), str) or body["tag"].startswith("-"):
            raise Refused(400, "INVALID", "'tag' is no image tag", "tag")
        if body["tag"] == "busy":
            raise Refused(503, "BUSY", "slipway is shutting down and takes no new work")
        if body["tag"] == "broken":
            raise Refused(500, "INTERNAL", "the store\x1b[2J is gone")
        if body["tag"] == "lost":
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        self.answer(202, {"id": fake.deploy(f"{stage['project']}/{stage['stage']}", body["tag"])})

    def rollback(self, fake, project, name):
        self.need_stage(fake, project, name)
        body = self.body("to")
        fake.requests[-1] += (body,)
        if body.get("to") == 1:
            raise Refused(409, "CONFLICT", "deploy 1 never went live (it is FAILED): choose one that did")
        self.answer(202, {"id": fake.add(f"{project}/{name}", "v0", "LIVE", "", HAPPY)})

    def poll(self, fake, project, name):
        if self.need_stage(fake, project, name)["poll"]["interval_ms"] == 0:
            raise Refused(409, "CONFLICT", f"{project}/{name} is not polled")
        self.body()
        self.answer(202, {})

    def deploys(self, fake):
        before = int(self.query.get("before", 1 << 60))
        limit = int(self.query.get("limit", 50))
        state = self.query.get("state")
        if state is not None and state not in OVER:
            raise Refused(400, "INVALID", f"'{state}' is no state of a deploy", "state")
        found = [public(d) for _, d in sorted(fake.deploys.items(), reverse=True)
                 if d["id"] < before and state in (None, d["state"])
                 and self.query.get("project") in (None, d["project"])
                 and self.query.get("stage") in (None, d["stage"])]
        self.answer(200, {"items": found[:limit], "next": found[limit - 1]["id"] if len(found) > limit else None})

    def need_deploy(self, fake, number):
        if int(number) not in fake.deploys:
            raise Refused(404, "NOT_FOUND", f"there is no deploy {number}")
        return fake.deploys[int(number)]

    def show(self, fake, number):
        self.answer(200, public(self.need_deploy(fake, number), steps=True))

    def cancel(self, fake, number):
        if self.need_deploy(fake, number)["is_live"]:
            raise Refused(409, "CONFLICT", f"deploy {number} is over (LIVE)")
        self.body()
        self.answer(202, {"id": int(number)})

    def log(self, fake, number):
        deploy = self.need_deploy(fake, number)
        if self.headers.get("Accept") == "text/event-stream":
            return self.stream(fake, deploy["events"] + [(len(deploy["events"]) + 1, "end", public(deploy))])
        lines = [data for _, kind, data in deploy["events"] if kind == "log"]
        lines = [line for line in lines if line["seq"] > int(self.query.get("after", 0))]
        page = {"items": lines[:2]}
        if len(lines) > 2:
            page["next"] = lines[1]["seq"]
        self.answer(200, page)

    def stream(self, fake, events):
        if fake.refusals:
            raise Refused(fake.refusals.pop(0), "BUSY", "shutting down")
        most = fake.drops.pop(0) if fake.drops else None
        resume = int(self.headers.get("Last-Event-ID", 0))
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk("retry: 2000\n\n:\n\n")
        left = [event for event in events if event[0] is None or event[0] > resume]
        for index, (number, name, data) in enumerate(left):
            if index == most:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            while index == len(left) - 1 and not fake.hold.wait(0.05):
                if self.server.is_stopping:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
            head = f"id: {number}\n" if number else ""
            self.chunk(f"{head}event: {name}\ndata: {json.dumps(data)}\n\n")
        self.chunk("")

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def apply(self, fake):
        if self.headers["Content-Type"] not in ("application/yaml", "application/json"):
            raise Refused(415, "UNSUPPORTED_TYPE", "send YAML or JSON")
        data = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fake.requests[-1] += (data,)
        if "fault" in data:
            raise Refused(400, "INVALID", "the configuration has 2 faults", [
                {"line": 3, "column": 5, "message": "unknown key 'fault'"},
                {"line": 0, "column": 0, "message": "no project"}])
        if self.headers.get("If-Match", fake.etag) != fake.etag:
            raise Refused(412, "CHANGED", "the configuration has been changed since")
        self.answer(200, fake.plan)

    def config(self, _):
        query = urllib.parse.urlsplit(self.path).query
        self.answer(200, f"version: 1 # {query}\nprojects: {{}}\n", "application/yaml")


STAGE = r"/api/v1/projects/([^/]+)/stages/([^/]+)"
ROUTES = [
    ("GET", "/api/v1/webhook", Handler.webhook),
    ("POST", "/api/v1/webhook/rotate", Handler.webhook_rotate),
    ("POST", "/api/v1/webhook/test", Handler.webhook_test),
    ("GET", "/api/v1/projects/([^/]+)/webhook", Handler.webhook),
    ("POST", "/api/v1/projects/([^/]+)/webhook/rotate", Handler.webhook_rotate),
    ("POST", "/api/v1/projects/([^/]+)/webhook/test", Handler.webhook_test),
    ("GET", "/health", Handler.health), ("GET", "/api/v1/health", Handler.health),
    ("GET", "/api/v1/stages", Handler.stages), ("GET", "/api/v1/projects", Handler.projects),
    ("GET", r"/api/v1/projects/([^/]+)", Handler.project), ("GET", STAGE, Handler.stage),
    ("GET", STAGE + "/instances", Handler.instances),
    ("GET", STAGE + r"/instances/(\d+)/logs", Handler.instance_logs),
    ("POST", STAGE + "/deploys", Handler.deploy), ("POST", STAGE + "/rollback", Handler.rollback),
    ("POST", STAGE + "/poll", Handler.poll), ("GET", "/api/v1/deploys", Handler.deploys),
    ("GET", r"/api/v1/deploys/(\d+)", Handler.show), ("POST", r"/api/v1/deploys/(\d+)/cancel", Handler.cancel),
    ("GET", r"/api/v1/deploys/(\d+)/log", Handler.log), ("POST", "/api/v1/apply", Handler.apply),
    ("GET", "/api/v1/config", Handler.config),
]


class Listener(http.server.ThreadingHTTPServer):
    """The server's process, so to speak: it can go and come back on its port."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, fake, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.fake = fake
        self.is_stopping = False
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.is_stopping = True
        self.shutdown()
        self.server_close()
        self.thread.join()


@pytest.fixture(name="fake")
def fixture_fake():
    """A server that listens; it is stopped afterwards."""
    fake = Fake()
    fake.listener = Listener(fake)
    yield fake
    fake.listener.stop()


def environment(fake, **more):
    """Where the client finds the fake, and nothing else of Slipway's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    clean.pop("NO_COLOR", None)
    settings = {"SLIPWAY_URL": f"http://127.0.0.1:{fake.listener.port}", "SLIPWAY_TOKEN": TOKEN, "TZ": "UTC"}
    return {name: value for name, value in {**clean, **settings, **more}.items() if value is not None}


def run(fake, *words, text=None, timeout=30, **more):
    """One command to its end."""
    return subprocess.run([BINARY, *words], env=environment(fake, **more), input=text, capture_output=True,
                          text=True, timeout=timeout, check=False)


def good(fake, *words, **more):
    """The standard output of a command that succeeds and has nothing to complain about."""
    done = run(fake, *words, **more)
    assert (done.returncode, done.stderr) == (OK, "")
    return done.stdout


def bad(fake, code, *words, **more):
    """The standard error of a command that fails so; it is one line of the usual form, at least."""
    done = run(fake, *words, **more)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("slipway: ") or "slipway: " in done.stderr
    return done.stderr


def wait_until(condition, seconds=10):
    """Poll for something that another thread or process brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


# deploy, rollback, cancel


def test_deploy_returns_at_once(fake):
    assert good(fake, "deploy", "shop/production", "v3") == (
        "deploy 13 of shop/production has begun; `slipway logs 13 --follow` watches it\n")
    method, path, headers, body = fake.requests[0]
    assert (method, path) == ("POST", "/api/v1/projects/shop/stages/production/deploys")
    assert body == {"tag": "v3"} and headers["Content-Type"] == "application/json"


def test_deploy_sends_digest_and_force_wherever_they_stand(fake):
    good(fake, "--force", "deploy", f"--digest={DIGEST}", "shop/production", "--", "v3")
    assert fake.requests[0][3] == {"tag": "v3", "digest": DIGEST, "force": True}


def test_deploy_json(fake):
    assert good(fake, "deploy", "shop/production", "v3", "--json") == '{"id":13}\n'


def test_deploy_wait_live(fake):
    lines = good(fake, "deploy", "shop/production", "v3", "--wait").splitlines()
    assert lines[-1] == "live: shop/production v3 (deploy 13) in 1.8 s"
    assert [line.split("s  ")[1] for line in lines[:-1]] == [
        "resolving", "queued", "pulling", "pulled 12 MB", "starting", "probing", "swapping",
        "swapping: confirming", "swapping: done"]
    assert lines[2] == "    0.2 s  pulling"


def test_deploy_wait_json_is_one_document(fake):
    deploy = json.loads(good(fake, "deploy", "shop/production", "v3", "--wait", "--json"))
    assert (deploy["id"], deploy["state"]) == (13, "LIVE")


def test_deploy_wait_rolled_back(fake):
    done = run(fake, "deploy", "shop/production", "bad", "--wait")
    assert (done.returncode, done.stderr) == (FAILED, "")
    at = done.stdout.index("rolled back: ")
    assert done.stdout[at:] == (f"rolled back: shop/production bad (deploy 13) in 1.8 s: {REASON}\n"
                                "last lines of the container:\n  | listening on 8080\n  | no ?[2Jdatabase\n")
    assert "warn: GET /health answered 503" in done.stdout[:at]
    assert "listening" not in done.stdout[:at]


@pytest.mark.parametrize("tag", ["failed", "canceled", "superseded"])
def test_deploy_wait_other_endings(fake, tag):
    done = run(fake, "deploy", "shop/production", tag, "-w")
    assert done.returncode == FAILED
    assert done.stdout.endswith(f"{tag}: shop/production {tag} (deploy 13) in 1.8 s: it is {tag}\n")


def test_deploy_wait_skipped_since_live(fake):
    out = good(fake, "deploy", "shop/production", "same", "--wait")
    assert out.endswith("skipped: shop/production same (deploy 13) in 1.8 s: "
                        "this digest is live already, by deploy 12\n")


def test_deploy_wait_goes_on_with_the_deploy_it_was_merged_into(fake):
    lines = good(fake, "deploy", "shop/production", "twin", "--wait").splitlines()
    assert "skipped: shop/production twin (deploy 14)" in "\n".join(lines)
    assert lines[-1] == "live: shop/production v3 (deploy 13) in 1.8 s"


def test_deploy_wait_skipped_without_anything_live(fake):
    assert "did not go live" in bad(fake, FAILED, "deploy", "shop/production", "orphan", "--wait")


def test_rollback(fake):
    assert "deploy 13 of shop/production has begun" in good(fake, "rollback", "shop/production")
    assert fake.requests[0][3] == {}
    assert good(fake, "rollback", "shop/production", "--to", "12", "--wait").endswith(
        "live: shop/production v0 (deploy 14) in 1.8 s\n")
    assert fake.requests[1][3] == {"to": 12}
    assert bad(fake, CONFLICT, "rollback", "shop/production", "--to", "1") == (
        "slipway: deploy 1 never went live (it is FAILED): choose one that did\n")


def test_cancel(fake):
    number = str(fake.add("shop/production", "v2", "PULLING", ended_ms=0))
    assert good(fake, "cancel", number) == f"deploy {number} is being canceled\n"
    assert good(fake, "cancel", number, "--json") == f'{{"id":{number}}}\n'
    assert "is over" in bad(fake, CONFLICT, "cancel", "12")
    bad(fake, NOT_FOUND, "cancel", "99")
    bad(fake, USAGE, "cancel", "last")


# following over trouble


def test_wait_resumes_after_a_lost_connection(fake):
    fake.drops = [4, 0, 3]  # the second one does not get further, so it is the same loss
    lines = good(fake, "deploy", "shop/production", "v3", "--wait").splitlines()
    shown = [line.split("s  ")[1] for line in lines[:-1]]
    assert [line for line in shown if not line.startswith("connection lost")] == [
        "resolving", "queued", "pulling", "pulled 12 MB", "starting", "probing", "swapping",
        "swapping: confirming", "swapping: done"]
    assert len(shown) == 11, "each loss is told once, whatever the tries"
    resumed = [headers.get("Last-Event-ID") for _, path, headers, *_ in fake.requests if path.endswith("/log")]
    assert resumed == [None, "4", "4", "7"]


def test_wait_outlives_a_restart_of_the_server(fake):
    fake.hold.clear()
    with subprocess.Popen([BINARY, "deploy", "shop/production", "v3", "--wait"], env=environment(fake),
                          stdout=subprocess.PIPE, text=True) as client:
        wait_until(lambda: any(path.endswith("/log") for _, path, *_ in fake.requests))
        fake.listener.stop()
        assert any("connection lost" in line for line in client.stdout)
        fake.refusals = [503]
        fake.hold.set()
        fake.listener = Listener(fake, fake.listener.port)
        assert client.stdout.read().endswith("live: shop/production v3 (deploy 13) in 1.8 s\n")
        assert client.wait(10) == OK


def test_wait_ends_when_interrupted_and_the_deploy_goes_on(fake):
    fake.hold.clear()
    with subprocess.Popen([BINARY, "deploy", "shop/production", "v3", "--wait"], env=environment(fake),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        assert any(line.endswith("done\n") for line in iter(client.stdout.readline, ""))
        client.send_signal(signal.SIGINT)
        assert client.wait(10) == 130
        assert client.stderr.read() == (
            "slipway: no longer watched; deploy 13 goes on: `slipway logs 13 --follow` watches it, "
            "`slipway cancel 13` stops it\n")


def test_a_refused_stream_is_no_loss(fake):
    bad(fake, NOT_FOUND, "logs", "99", "--follow")
    bad(fake, UNAUTHORIZED, "logs", "12", "--follow", SLIPWAY_TOKEN="another-token-than-that")


# status, history, show


def test_status(fake):
    fake.stages[0]["running"] = {"deploy": 13, "tag": "v2", "digest": DIGEST, "state": "PROBING"}
    fake.stages[0]["waiting"] = {"deploy": 14, "tag": "v3", "digest": DIGEST, "state": "QUEUED"}
    rows = [re.split(r" {2,}", line) for line in good(fake, "status").splitlines()]
    assert rows == [["STAGE", "LIVE", "DIGEST", "AGE", "REPLICAS", "NOW", "ROUTE"],
                    ["shop/production", "v1", "cd34cd34cd34", "3m", "2", "probing v2 (13), then queued v3 (14)",
                     "shop.example.org"],
                    ["shop/staging", "-", "-", "-", "1", "-", "-"],
                    ["blog/production", "v1", "cd34cd34cd34", "3m", "2", "-", "tcp:7000"]]


def test_status_notes(fake):
    fake.stages[2]["poll"]["reason"] = "the registry answered 401"
    rows = good(fake, "status").splitlines()
    assert rows[0].endswith("NOTE") and rows[3].endswith("poll: the registry answered 401")


def test_status_of_a_project(fake):
    rows = good(fake, "status", "shop").splitlines()
    assert len(rows) == 3 and all(row.startswith("shop/") for row in rows[1:])
    assert "there is no project 'nope'" in bad(fake, NOT_FOUND, "status", "nope")


def test_status_of_a_stage(fake):
    out = good(fake, "status", "shop/production")
    assert out.startswith("shop/production\n")
    assert "  live               v1 cd34cd34cd34 (deploy 12, 3m)\n" in out
    assert "  poll               every 30s, newest is v1\n" in out
    assert "1        running     5s  10.0.0.3:80  slipway-shop-production-12-1\n" in out
    assert "there is no stage 'shop/nope'" in bad(fake, NOT_FOUND, "status", "shop/nope")


def test_status_without_stages(fake):
    fake.stages = []
    assert "slipway apply FILE" in good(fake, "status")


def test_status_json_is_the_answer_unchanged(fake):
    assert json.loads(good(fake, "status", "--json")) == {"items": fake.stages}
    assert json.loads(good(fake, "status", "blog", "--json")) == {"items": fake.stages[2:]}
    assert json.loads(good(fake, "status", "--json", "shop/staging")) == fake.stages[1]


def test_history(fake):
    fake.add("shop/staging", "v2", "ROLLED_BACK", REASON)
    fake.add("blog/production", "v9", "PULLING", ended_ms=0)
    rows = [re.split(r" {2,}", line.strip()) for line in good(fake, "history").splitlines()]
    assert rows[0] == ["ID", "STAGE", "TAG", "DIGEST", "STATE", "TRIGGER", "AGE", "TOOK", "NOTE"]
    assert rows[1][:6] == ["14", "blog/production", "v9", "ab12ab12ab12", "pulling", "manual"]
    assert rows[2][4] == "rolled back" and rows[2][7:] == ["1.8 s", REASON]
    assert rows[3][8] == "serves now"


def test_history_filters(fake):
    for tag in ("a", "b", "c"):
        fake.add("shop/staging", tag, "ROLLED_BACK")
    good(fake, "history", "shop/staging", "--limit", "2", "--state", "rolled-back", "--before=15")
    path = fake.requests[-1][1]
    assert path == "/api/v1/deploys?limit=2&before=15&project=shop&stage=staging&state=ROLLED_BACK"
    answer = json.loads(good(fake, "history", "--json", "-n2"))
    assert [d["id"] for d in answer["items"]] == [15, 14] and answer["next"] == 14
    assert good(fake, "history", "blog") == "no deploys\n"
    assert "there is no project 'nope'" in bad(fake, NOT_FOUND, "history", "nope")
    asked = len(fake.requests)
    said = bad(fake, USAGE, "history", "--state", "sunk")
    assert "'sunk' is no state of a deploy: there are resolving, queued," in said and "rolled-back" in said
    assert len(fake.requests) == asked
    assert "--limit: '0' must be a whole number from 1 to 500" in bad(fake, USAGE, "history", "--limit", "0")


def test_show(fake):
    number = fake.deploy("shop/production", "v3")
    out = good(fake, "show", str(number))
    assert out.startswith(f"deploy {number}: shop/production v3\n  state")
    rows = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    assert ["took", "1.8 s"] in rows and ["replaces", "deploy 9"] in rows
    assert ["0.2 s", "pulling", "0.2 s", "told"] in rows and ["0.7 s", "swap: confirming", "0.1 s", "told"] in rows
    assert ["0.9 s", "live", "-", "told"] in rows
    assert json.loads(good(fake, "show", str(number), "--json"))["steps"][0]["to"] == "RESOLVING"
    assert "there is no deploy 99" in bad(fake, NOT_FOUND, "show", "99")


# logs


def test_logs_of_a_container(fake):
    lines = good(fake, "logs", "shop/production").splitlines()
    assert (len(lines), lines[0]) == (100, "line 101")
    assert lines[-1] == "\x1b[31mred\x1b[0m \x1b]0;title\x07", "a pipe gets what the application wrote"
    assert len(good(fake, "logs", "shop/production", "--tail", "3", "--replica", "1").splitlines()) == 3
    assert fake.requests[-1][1].endswith("/instances/1/logs?follow=0&tail=3")
    assert "no such replica" in bad(fake, NOT_FOUND, "logs", "shop/production", "--replica", "7")


def test_logs_of_a_container_followed(fake):
    fake.lines = ["one", "two"]
    assert good(fake, "logs", "shop/production", "-f") == "0: one\n0: two\n"


def test_logs_of_a_container_after_a_loss(fake):
    fake.lines = ["one", "two", "three"]
    fake.drops = [2]
    done = run(fake, "logs", "shop/production", "--follow")
    assert (done.returncode, done.stdout) == (OK, "0: one\n0: two\n")
    assert "connection lost" in done.stderr
    assert fake.requests[-1][1].endswith("tail=0"), "the lines that are shown already do not come again"


def test_logs_end_with_their_reader(fake):
    fake.hold.clear()
    with subprocess.Popen([BINARY, "logs", "shop/production", "--follow"], env=environment(fake),
                          stdout=subprocess.PIPE, text=True) as client:
        client.stdout.readline()
        client.stdout.close()
        fake.hold.set()
        assert client.wait(10) == OK


def test_logs_of_a_deploy(fake):
    number = str(fake.deploy("shop/production", "bad"))
    lines = good(fake, "logs", number).splitlines()
    assert len(lines) == 4, "both pages"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d info  pulled 12 MB", lines[0])
    assert lines[3].endswith(" out   no ?[2Jdatabase")
    assert good(fake, "logs", number, "--tail", "1").splitlines() == lines[3:]
    bad(fake, USAGE, "logs", number, "--replica", "1")
    bad(fake, USAGE, "logs", number, "--tail", "1", "--follow")
    bad(fake, NOT_FOUND, "logs", "99")


def test_logs_of_a_deploy_followed(fake):
    number = str(fake.deploy("shop/production", "bad"))
    fake.drops = [3]
    done = run(fake, "logs", number, "--follow")
    lines = [line[20:] for line in done.stdout.splitlines()]
    assert lines[:4] == ["step  resolving", "step  queued", "step  pulling", "info  pulled 12 MB"]
    assert lines[-1] == f"end   rolled back: {REASON}"
    assert done.returncode == OK and "connection lost" in done.stderr


# poll, webhook, apply, healthcheck


def test_poll(fake):
    assert "slipway status shop/production" in good(fake, "poll", "shop/production")
    fake.stages[0]["poll"]["interval_ms"] = 0
    assert "is not polled" in bad(fake, CONFLICT, "poll", "shop/production")


def url_of(fake, number):
    return f"http://127.0.0.1:{fake.listener.port}/api/webhook/6f1c9c1e-0000-4000-8000-00000000000{number}\n"


def test_webhook(fake):
    assert good(fake, "webhook", "show", "shop") == url_of(fake, 1)
    assert good(fake, "webhook", "show", "--all") == url_of(fake, 0)
    assert good(fake, "webhook", "rotate", "shop") == good(fake, "webhook", "show", "shop") == url_of(fake, 2)
    assert good(fake, "webhook", "show", "--all") == url_of(fake, 0)
    assert json.loads(good(fake, "webhook", "show", "shop", "--json"))["project"] == "shop"
    bad(fake, NOT_FOUND, "webhook", "show", "nope")
    fake.webhook_why = "no such file"
    done = run(fake, "webhook", "show", "shop")
    assert done.returncode == OK and done.stdout == url_of(fake, 2) and "no such file" in done.stderr


@pytest.mark.parametrize("words, why", [
    (("list", "shop"), "show, rotate and test are"), (("show",), "takes a PROJECT, or --all"),
    (("rotate", "shop", "--all"), "takes no PROJECT with --all"), (("rotate",), "takes a PROJECT, or --all"),
    (("test", "shop"), "and an IMAGE"), (("test", "--all"), "and an IMAGE"),
    (("show", "shop", "image:v1"), "takes a PROJECT, or --all")])
def test_webhook_in_other_words(fake, words, why):
    assert why in bad(fake, USAGE, "webhook", *words)


def test_webhook_is_tried(fake):
    """The exit code says whether anything would be deployed."""
    printed = good(fake, "webhook", "test", "shop", "127.0.0.1:5000/shop:v3")
    assert re.search(r"^shop/production +yes +v3 ", printed, re.MULTILINE)
    assert re.search(r"^shop/staging +no +v3 .*by hand", printed, re.MULTILINE)
    assert "no stage has this image" in bad(fake, FAILED, "webhook", "test", "shop", "127.0.0.1:5000/other:v3")
    assert "no stage would deploy" in bad(fake, FAILED, "webhook", "test", "--all", "127.0.0.1:5000/shop:x")
    fake.webhook_why = "no such file"
    assert "no such file" in bad(fake, FAILED, "webhook", "test", "shop", "127.0.0.1:5000/shop:v3")


def test_apply(fake, tmp_path):
    file = tmp_path / "slipway.yml"
    file.write_text("projects: {}\n")
    assert good(fake, "apply", str(file)) == "add     stage shop/production\nchange  project shop\n2 changes made\n"
    assert fake.requests[0][1:] == ("/api/v1/apply?dry=0", fake.requests[0][2], "projects: {}\n")
    assert fake.requests[0][2]["Content-Type"] == "application/yaml"
    assert good(fake, "apply", "--dry-run", "-", text="{}").endswith(
        "2 changes would be made (--dry-run: nothing was)\n")
    assert fake.requests[1][1] == "/api/v1/apply?dry=1"
    assert json.loads(good(fake, "apply", str(file), "--json")) == fake.plan
    fake.plan = {"changes": 0, "plan": []}
    assert good(fake, "apply", str(file)) == "nothing to change\n"


CHANGED = {"changes": 2, "etag": '"tag-1"', "plan": [
    {"action": "add", "what": "stage shop/staging", "awaits_deploy": False,
     "changes": [{"key": "image", "from": None, "to": "r/shop"}]},
    {"action": "keep", "what": "engine local", "changes": []},
    {"action": "change", "what": "stage shop/production", "awaits_deploy": True, "changes": [
        {"key": "replicas", "from": "1", "to": "2"}, {"key": "poll", "from": "30s", "to": None},
        {"key": "env.A", "from": None, "to": '"\x1b[31mx"'}]},
    {"action": "left alone", "what": "stage blog/production", "changes": []}]}
OF_CHANGED = ("change  stage shop/production (what is live takes it with its next deploy)\n"
              "  ~ replicas: 1 -> 2\n  - poll: 30s\n  + env.A: \"?[31mx\"\n")


def test_export(fake):
    assert good(fake, "export") == "version: 1 # \nprojects: {}\n"
    assert good(fake, "export", "shop") == "version: 1 # project=shop\nprojects: {}\n"


def test_diff(fake):
    """As diff(1): 0, 1, and more when it cannot be told."""
    fake.plan = CHANGED
    done = run(fake, "diff", "-", text="{}")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f"add     stage shop/staging\n  + image: r/shop\n{OF_CHANGED}left alone stage blog/production\n"
    assert fake.requests[0][1] == "/api/v1/apply?dry=1"
    done = run(fake, "diff", "-", "--json", text="{}")
    assert done.returncode == 1 and json.loads(done.stdout) == CHANGED
    fake.plan = {"changes": 0, "plan": [{"action": "keep", "what": "engine local"}]}
    assert good(fake, "diff", "-", text="{}") == "nothing to change\n"
    assert "has 2 faults" in bad(fake, INVALID, "diff", "-", text="fault")
    assert "is empty" in bad(fake, USAGE, "diff", "-", text="")


def test_apply_shows_what_changes(fake):
    fake.plan = CHANGED
    assert good(fake, "apply", "-", text="{}") == (
        f"add     stage shop/staging\n{OF_CHANGED}left alone stage blog/production\n2 changes made\n")


def test_apply_upon_a_condition(fake):
    good(fake, "apply", "-", "--if-match", '"tag-1"', text="{}")
    assert fake.requests[0][2]["If-Match"] == '"tag-1"'
    fake.etag = '"tag-2"'
    assert "has been changed since" in bad(fake, CONFLICT, "apply", "-", "--if-match", '"tag-1"', text="{}")


@pytest.mark.parametrize("answer, sent, code", [("y", 2, 0), ("n", 1, 1), ("", 1, 1), ("yes", 2, 0)])
def test_apply_asks_on_a_terminal(fake, tmp_path, answer, sent, code):
    """The plan first; what is agreed to is that plan and no other."""
    fake.plan = CHANGED
    file = tmp_path / "slipway.yml"
    file.write_text("{}")
    said, ended = on_terminal(fake, "apply", str(file), typed=f"{answer}\n")
    assert ended == code and "these 2 changes? [y/N]" in said and "~ replicas: 1 -> 2" in said
    assert [path for _, path, *_ in fake.requests] == ["/api/v1/apply?dry=1", "/api/v1/apply?dry=0"][:sent]
    assert ("nothing was changed" in said) == (sent == 1)
    if sent == 2:
        assert fake.requests[1][2]["If-Match"] == '"tag-1"'


def test_apply_does_not_ask_in_vain(fake, tmp_path):
    file = tmp_path / "slipway.yml"
    file.write_text("{}")
    fake.plan = CHANGED
    assert "[y/N]" not in on_terminal(fake, "apply", str(file), "--yes")[0]
    assert fake.requests[0][1] == "/api/v1/apply?dry=0"
    fake.plan = {"changes": 0, "plan": []}
    assert "nothing to change" in on_terminal(fake, "apply", str(file))[0]


def test_apply_of_a_plan_that_holds_no_more(fake, tmp_path):
    """Somebody else applies while a person reads the plan."""
    fake.plan = {**CHANGED, "etag": '"before"'}
    file = tmp_path / "slipway.yml"
    file.write_text("{}")
    said, code = on_terminal(fake, "apply", str(file), typed="y\n")
    assert code == CONFLICT and "has been changed since" in said


def test_a_pipe_is_as_good_as_a_file(fake, tmp_path):
    """`slipway apply <(generate)`, and a named pipe whose writer comes later."""
    shell = 'slipway() { "$BINARY" "$@"; }; slipway apply <(echo "projects: {}"); slipway check <(echo "version: 1")'
    done = subprocess.run(["bash", "-c", shell], env=environment(fake, BINARY=BINARY), capture_output=True, text=True,
                          timeout=30, check=False)
    assert "2 changes made" in done.stdout and fake.requests[0][3] == "projects: {}\n"
    assert "'projects' is missing" in done.stdout and done.returncode == 1
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([BINARY, "apply", str(pipe)], env=environment(fake), stdout=subprocess.PIPE,
                          text=True) as client:
        with open(pipe, "w", encoding="ascii") as writer:
            writer.write("projects: ")
            writer.flush()
            writer.write("{}\n")
        assert "2 changes made" in client.communicate(timeout=30)[0]
    large = f'"$BINARY" apply <(head -c {(1 << 20) + 1} /dev/zero)'
    done = subprocess.run(["bash", "-c", large], env=environment(fake, BINARY=BINARY), capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == USAGE and "larger than 1048576 bytes" in done.stderr


def test_apply_tells_warnings(fake):
    fake.plan["warnings"] = [{"line": 2, "column": 3, "message": "no health check"}]
    done = run(fake, "apply", "-", text="{}")
    assert done.returncode == OK and done.stderr == "standard input:2:3: warning: no health check\n"


def test_apply_tells_every_fault(fake, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text('{"fault": 1}')
    assert bad(fake, INVALID, "apply", str(file)) == (
        f"{file}:3:5: unknown key 'fault'\n{file}: no project\n"
        f"slipway: {file} has 2 faults; nothing was changed\n")
    assert fake.requests[0][2]["Content-Type"] == "application/json"


def test_apply_of_no_file(fake, tmp_path):
    assert "cannot be opened: No such file" in bad(fake, USAGE, "apply", str(tmp_path / "none.yml"))
    assert "is empty" in bad(fake, USAGE, "apply", "-", text="")
    assert "larger than" in bad(fake, USAGE, "apply", "-", text="#" * ((1 << 20) + 1))
    assert fake.requests == []


def test_healthcheck(fake):
    assert good(fake, "healthcheck", SLIPWAY_TOKEN=None) == "healthy: slipway 0.1.0, up 3m\n"
    assert good(fake, "healthcheck", SLIPWAY_TOKEN="bad")
    assert all("Authorization" not in headers for _, _, headers in fake.requests)
    fake.health = {"status": "starting"}
    assert "says that it is 'starting'" in bad(fake, FAILED, "healthcheck")


def test_healthcheck_finds_the_listener_of_its_environment(fake):
    assert good(fake, "healthcheck", SLIPWAY_URL=None, SLIPWAY_LISTEN=f"0.0.0.0:{fake.listener.port}")


# what goes wrong


@pytest.mark.parametrize("words", [
    ["deploy", "shop/production", "v3"], ["deploy", "shop/production", "v3", "--wait"], ["status"],
    ["status", "shop/production"], ["history"], ["show", "1"], ["logs", "1"], ["logs", "shop/production"],
    ["logs", "1", "--follow"], ["logs", "shop/production", "--follow"], ["poll", "shop/production"],
    ["webhook", "show", "shop"], ["cancel", "1"], ["rollback", "shop/production"]])
def test_without_server(fake, words):
    port = fake.listener.port
    fake.listener.stop()
    try:
        assert bad(fake, UNREACHABLE, *words) == (
            f"slipway: cannot reach slipway at http://127.0.0.1:{port}: connection refused; "
            "is `slipway serve` running? (set SLIPWAY_URL)\n")
        assert "connection refused" in bad(fake, FAILED, "healthcheck")
    finally:
        fake.listener = Listener(fake, port)


def test_a_server_that_hangs(fake):
    """It takes connections, as a process that is stopped does, and never answers: nobody waits for ever."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        asked = [subprocess.Popen([BINARY, *words], env=environment(fake, SLIPWAY_URL=url), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for words in (["status"], ["show", "1"], ["healthcheck"])]
        ends = [client.communicate(timeout=40) for client in asked]
    for code, client, (out, err) in zip((UNREACHABLE, UNREACHABLE, FAILED), asked, ends):
        assert client.returncode == code and out == ""
        assert f"slipway at {url} does not answer" in err and "it is stopped, hangs, or" in err


def test_status_tells_what_keeps_the_server_from_its_work(fake):
    fake.health = {**fake.health, "edge": {"ready": True, "why": ""},
                   "engines": [{"name": "local", "reachable": True, "why": ""}]}
    assert run(fake, "status").stderr == ""
    fake.health["edge"] = {"ready": False, "why": "HAProxy runs but does not\x1b[2J answer"}
    fake.health["engines"].append({"name": "far", "reachable": False, "why": "cannot reach it"})
    for words in (["status"], ["status", "shop/production"]):
        done = run(fake, *words)
        assert done.returncode == OK and done.stderr.splitlines()[0] == "slipway: engine far: cannot reach it"
        assert "slipway: edge: HAProxy runs but does not" in done.stderr and "\x1b" not in done.stderr
    assert run(fake, "status", "--json").stderr == ""
    fake.health = {"status": "healthy", "backups": {"interval_ms": 1000, "newest_ms": 1, "overdue": False, "why": ""}}
    assert run(fake, "status").stderr == ""
    fake.health["backups"]["overdue"] = True
    assert run(fake, "status").stderr == "slipway: backup: the newest one is older than it may be\n"
    fake.health["backups"]["why"] = "the disk is full"
    assert run(fake, "status").stderr == "slipway: backup: the disk is full\n"


def test_tokens(fake, tmp_path):
    assert "wants a token; set SLIPWAY_TOKEN" in bad(fake, UNAUTHORIZED, "status", SLIPWAY_TOKEN=None)
    assert "does not take this token; set SLIPWAY_TOKEN" in bad(
        fake, UNAUTHORIZED, "status", SLIPWAY_TOKEN="another-token-than-that")
    assert "SLIPWAY_TOKEN: the value must have 16" in bad(fake, USAGE, "status", SLIPWAY_TOKEN="short")
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    good(fake, "status", SLIPWAY_TOKEN=None, SLIPWAY_TOKEN_FILE=str(file))


def test_settings_of_a_server_do_not_matter_to_a_client(fake):
    good(fake, "status", SLIPWAY_DATA="/nowhere", SLIPWAY_EDGE="perhaps", SLIPWAY_UNKNOWN="1")
    assert "must begin with http" in bad(fake, USAGE, "status", SLIPWAY_URL="127.0.0.1")


def test_refusals(fake):
    assert "there is no stage 'shop/nope'; `slipway status` lists" in bad(
        fake, NOT_FOUND, "deploy", "shop/nope", "v3")
    assert "takes no new work; try again" in bad(fake, UNREACHABLE, "deploy", "shop/production", "busy")
    assert bad(fake, FAILED, "deploy", "shop/production", "broken") == (
        "slipway: the server failed (500): the store?[2J is gone; its log tells more about request request-7\n")
    assert "(tag)" in bad(fake, INVALID, "deploy", "shop/production", "--", "-v3")
    assert "may have acted all the same" in bad(fake, UNREACHABLE, "deploy", "shop/production", "lost")


def test_names_are_escaped(fake):
    bad(fake, NOT_FOUND, "deploy", "sh op?#/%2f..", "v3")
    assert fake.requests[0][1] == "/api/v1/projects/sh%20op%3F%23/stages/%252f../deploys"


def test_another_server(fake):
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        assert "is no slipway; set SLIPWAY_URL" in bad(fake, UNREACHABLE, "status", SLIPWAY_URL=url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("words, told", [
    ([], "usage: slipway COMMAND"),
    (["depoly"], "unknown command 'depoly'; did you mean 'deploy'?"),
    (["xyzzy"], "unknown command 'xyzzy'; `slipway help` lists them"),
    (["help", "depoly"], "did you mean 'deploy'?"),
    (["deploy", "shop/production", "v3", "--forse"], "unknown option --forse; did you mean --force?"),
    (["deploy", "shop/production", "v3", "--qqq"], "unknown option --qqq\n"),
    (["deploy", "shop/production", "v3", "-x"], "unknown option -x\n"),
    (["deploy", "shop/production", "v3", "--digest"], "--digest needs a value: --digest DIGEST"),
    (["deploy", "shop/production", "v3", "--digest", "--wait"], "--digest needs a value"),
    (["deploy", "shop/production", "v3", "--force=1"], "--force takes no value"),
    (["deploy", "shop/production", "v3", "--wait", "-w"], "--wait is given twice"),
    (["deploy", "shop/production"], "deploy needs PROJECT/STAGE TAG"),
    (["deploy", "shop/production", "v3", "v4"], "deploy takes no 'v4'"),
    (["deploy", "shop", "v3"], "'shop' names no stage; write PROJECT/STAGE"),
    (["deploy", "shop/", "v3"], "is not of the form PROJECT/STAGE"),
    (["deploy", "a/b/c", "v3"], "is not of the form PROJECT/STAGE"),
    (["logs", "twelve"], "'twelve' is no id of a deploy"),
    (["--wait"], "which command?"),
    (["completion", "zsh"], "no completion for 'zsh'"),
    (["serve", "now"], "serve takes no 'now'"),
])
def test_usage(fake, words, told):
    done = run(fake, *words)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert told in done.stderr
    assert fake.requests == []


def test_full_disk(fake):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([BINARY, "status"], env=environment(fake), stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert done.returncode == FAILED and "cannot write to standard output" in done.stderr


# help, version, completion

COMMANDS = ["deploy", "rollback", "restart", "stop", "start", "remove", "promote", "promotable", "approve", "reject",
            "freeze", "unfreeze", "audit",
            "retention", "cancel", "status", "history", "stats", "show", "top", "logs", "poll", "explain", "plan",
            "lift", "inspect", "quick", "webhook", "registry", "export", "diff", "apply", "secrets", "notify",
            "serve", "edge", "check", "db", "machines", "healthcheck", "version", "completion", "help"]


def test_help(fake):
    overview = good(fake, "help")
    assert overview == good(fake, "--help") == good(fake, "-h")
    assert re.findall(r"^  (\w+) .*  ", overview.split("commands:\n")[1].split("\n\n")[0], re.M) == COMMANDS
    assert [line for line in overview.split("exit codes:\n")[1].splitlines() if line.startswith("  3")]
    for command in COMMANDS:
        text = good(fake, "help", command)
        assert text.startswith(f"slipway {command} - ") and f"usage: slipway {command}" in text
        assert text == good(fake, command, "--help")
    assert max(map(len, overview.splitlines())) <= 100


def test_version(fake):
    assert re.fullmatch(r"slipway \d+\.\d+\.\d+\S*\n", good(fake, "version"))
    assert good(fake, "version") == good(fake, "--version")


def complete(fake, *words):
    """What bash offers for the last word."""
    script = ('source <("$0" completion bash) && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) && _slipway'
              ' && ((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"; true')
    done = subprocess.run(["bash", "-uc", script, BINARY, BINARY, *words], env=environment(fake), check=True,
                          capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_completion(fake):
    assert complete(fake, "") == COMMANDS
    assert complete(fake, "he") == ["healthcheck", "help"]
    assert complete(fake, "deploy", "--") == ["--digest", "--force", "--as", "--override", "--wait", "--json", "--help"]
    assert complete(fake, "deploy", "sh") == ["shop/production", "shop/staging"]
    assert complete(fake, "deploy", "--force", "shop/p") == ["shop/production"]
    assert complete(fake, "deploy", "shop/production", "") == []
    assert complete(fake, "history", "--limit", "5", "b") == ["blog/production"]
    assert complete(fake, "history", "--limit", "") == []
    assert complete(fake, "history", "--state", "r") == ["resolving", "retiring", "reviving", "returning", "rolled-back", "refused"]
    assert complete(fake, "webhook", "") == ["show", "rotate", "test"]
    assert complete(fake, "webhook", "show", "") == ["blog", "shop"]
    assert complete(fake, "webhook", "--all", "rotate", "s") == ["shop"]
    assert complete(fake, "registry", "") == ["list", "test", "tags"]
    assert complete(fake, "help", "roll") == ["rollback"]
    fake.stages = []
    assert complete(fake, "deploy", "") == []


def test_completion_is_quiet_without_a_server(fake):
    assert run(fake, "completion", "stages", SLIPWAY_URL="http://127.0.0.1:1").stdout == ""
    assert run(fake, "completion", "stages", SLIPWAY_TOKEN="short").stderr == ""


# a terminal


def on_terminal(fake, *words, width=80, typed="", **more):
    """Run on a terminal of that width; returns what it was sent, and the exit code."""
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    with subprocess.Popen([BINARY, *words], env=environment(fake, **{"TERM": "xterm", **more}), stdin=its,
                          stdout=its, stderr=its, start_new_session=True) as client:
        os.close(its)
        os.write(mine, typed.encode())
        sent = b""
        while True:
            try:
                piece = os.read(mine, 65536)
            except OSError:
                break
            if not piece:
                break
            sent += piece
        code = client.wait(10)
    os.close(mine)
    return sent.decode(), code


def shown(sent):
    """The screen as it ends up: a small terminal for what the client may send."""
    lines, text = [], ""
    for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r\n|.|\n", re.sub(r"\r\r\n", "\r\n", sent), re.S):
        if token == "\r\n":
            lines.append(text.rstrip())
            text, column = "", 0
        elif token == "\r":
            column = 0
        elif token == "\x1b[K":
            text = text[:column]
        elif not token.startswith("\x1b"):
            column = column if text else 0
            text = text[:column] + token + text[column + 1:]
            column += 1
    return lines + ([text] if text else [])


@pytest.mark.parametrize("width", [200, 80, 40, 12])
def test_progress_on_a_terminal(fake, width):
    fake.hold.clear()
    threading.Timer(0.5, fake.hold.set).start()
    sent, code = on_terminal(fake, "deploy", "shop/production", "v3", "--wait", width=width)
    assert code == OK
    assert shown(sent) == ["    0.3 s  pulled 12 MB", "live: shop/production v3 (deploy 13) in 1.8 s"]
    drawn = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", sent)]
    live = [line for line in drawn if re.search(r"(resolving|swapping) ", line)]
    assert len(live) > 3 and all(len(line) < width for line in live), "it never wraps"
    assert "\x1b[2J" not in sent and "\x1b[?25l" not in sent


def test_colours_only_when_wanted(fake):
    assert "\x1b[32m" in on_terminal(fake, "deploy", "shop/production", "v3", "--wait")[0]
    plain = on_terminal(fake, "deploy", "shop/production", "v3", "--wait", NO_COLOR="1")[0]
    assert not re.search(r"\x1b\[\d*m", plain)
    dumb = on_terminal(fake, "deploy", "shop/production", "v3", "--wait", TERM="dumb")[0]
    assert "\x1b" not in dumb and "    0.2 s  pulling" in dumb


def test_a_terminal_is_not_steered_by_others(fake):
    sent, code = on_terminal(fake, "logs", "shop/production", "--tail", "1")
    assert (code, sent) == (OK, "\x1b[31mred\x1b[0m ?]0;title?\r\n")


def test_tables_fit_the_terminal(fake):
    fake.stages[0]["domains"] = ["a-very-long-name-of-a-shop.example.org"] * 4
    sent, _ = on_terminal(fake, "status", width=60)
    assert max(len(line) for line in sent.split("\r\n")) == 60 and ".." in sent
