# SPDX-License-Identifier: MIT
"""spec/openapi.yaml is what the server does: its routes, who may call them, what bodies they take, every example
and every code of a failure."""
import http.client
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bed.image import push_app  # noqa: E402
from bed.openapi import OpenApi, parsed  # noqa: E402
from bed.scene import Scene  # noqa: E402
from bed.slipway import ROOT, TOKEN, Slipway, binary  # noqa: E402
from bed.wait import wait_for  # noqa: E402

DOCUMENT = OpenApi()
CODES = DOCUMENT.root["components"]["schemas"]["ErrorCode"]
# Not to be had from a server that is well; the unit tests that have them.
ELSEWHERE = {
    "INTERNAL": ("test_http_life.c", "500"),
    "ANSWER_TOO_LARGE": ("test_http.c", "500"),
    "NO_ANSWER_YET": ("test_http_time.c", "504"),
    "REQUEST_TIMEOUT": ("test_http_time.c", "408"),
}
IDS = [operation.name for operation in DOCUMENT.operations]


def tool(document, routes):
    """Run tools/openapi; returns the finished process."""
    return subprocess.run([ROOT / "tools/openapi", document, routes], capture_output=True, text=True, check=False)


# The document


def test_document_is_well_formed():
    assert DOCUMENT.root["openapi"].startswith("3.1")
    DOCUMENT.check()


def test_routes_are_the_ones_described(tmp_path):
    """Route by route, in both directions, with who may come in."""
    routes = tmp_path / "routes.txt"
    routes.write_text(subprocess.run([binary(), "check", "--routes"], capture_output=True, text=True,
                                     check=True).stdout)
    done = tool(ROOT / "spec/openapi.yaml", routes)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == DOCUMENT.root
    assert len(routes.read_text().splitlines()) == len(DOCUMENT.operations) > 20


@pytest.mark.parametrize("change, told", [
    (lambda lines: [*lines, "GET /api/v1/things"], "lacks GET /api/v1/things: add under 'paths'"),
    (lambda lines: lines[1:], "has GET /health, which the program does not serve"),
    (lambda lines: [line.removesuffix(" open") for line in lines], "GET /health needs a token in the program"),
    (lambda lines: [f"{line} open" for line in lines], "GET /api/v1/stages needs no token in the program"),
])
def test_a_difference_is_named(tmp_path, change, told):
    routes = tmp_path / "routes.txt"
    routes.write_text("\n".join(change((ROOT / "spec/generated/routes.txt").read_text().splitlines())) + "\n")
    done = tool(ROOT / "spec/openapi.yaml", routes)
    assert done.returncode == 1 and told in done.stderr


def test_codes_are_the_ones_described():
    """Each status and code that the sources answer with, and no other."""
    said = {(one["status"], code) for code, one in CODES["x-statuses"].items()}
    assert {code for _, code in said} == set(CODES["enum"])
    source = "".join(path.read_text("utf-8") for folder in ("http", "api") for path in (ROOT / "src" / folder).glob("*.c"))
    answered = {(int(status), code) for status, code in re.findall(r'\b([45]\d\d), "([A-Z_]+)"', source)}
    assert answered == said


@pytest.mark.parametrize("code", ELSEWHERE)
def test_codes_that_are_shown_elsewhere(code):
    file, status = ELSEWHERE[code]
    assert CODES["x-statuses"][code]["status"] == int(status)
    assert re.search(rf"client_answer\(.*\), {status}\);", (ROOT / "tests/unit" / file).read_text("utf-8"))


# A server


class World:
    """A server with a project `shop`: v1 and v2 were live in production, staging is empty."""

    def __init__(self, scene, directory):
        self.scene = scene
        self.codes = set()
        self.slipway = Slipway(directory, f"""version: 1
engines:
  local: {{host: "{scene.engine.host}"}}
registries:
  "{scene.registry.address}": {{insecure: true}}
projects:
  shop:
    image: {scene.registry.address}/shop/web
    port: 8080
    health: {{http: /health, successes: 1, interval: 50ms, min_uptime: 0s, deadline: 5s}}
    stages:
      production: {{tags: "v*", poll: 1h, domains: [shop.localhost]}}
      staging: {{tags: "v*", auto: false}}
""", SLIPWAY_BACKUP_INTERVAL="1h")
        self.first = None

    def begin(self):
        """Deploy both versions."""
        for tag in ("v1", "v2"):
            push_app(self.scene.registry, "shop/web", tag)
        self.slipway.start()
        for tag in ("v1", "v2"):
            self.first = self.live(tag)
        return self

    def live(self, tag, **more):
        """Deploy and wait; returns the id."""
        over = self.slipway.wait_over(self.slipway.deploy("shop/production", tag, **more))
        assert over["state"] == "LIVE", over
        return over["id"]

    def settle(self):
        """Wait until no deploy is under way."""
        wait_for(lambda: all(d["ended_ms"] for d in self.slipway.deploys()), 30, "the deploys to end", 0.02)

    def values(self):
        """What stands for each parameter of a path."""
        webhook = self.slipway.get("/api/v1/projects/shop")["webhook_path"].rsplit("/", 1)[1]
        return {"project": "shop", "stage": "production", "replica": 0, "id": self.first, "uuid": webhook,
                "name": "shop-database", "host": self.scene.registry.address}

    def ask(self, operation, url, headers=None, body=None, method=None):
        """Send one request; the answer must be as described. Returns (status, content type, answer)."""
        sent = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.slipway.port, timeout=30)
        try:
            connection.request(method or operation.method, url, body, {k: v for k, v in sent.items() if v != ""})
            answer = connection.getresponse()
            content_type = answer.getheader("Content-Type")
            content = b"" if content_type == "text/event-stream" else answer.read()
            assert answer.getheader("X-Request-ID") and answer.getheader("X-Content-Type-Options") == "nosniff"
            for name in operation.responses.get(str(answer.status), {}).get("headers", {}):
                assert answer.getheader(name), name
        finally:
            connection.close()
        told = "" if content_type == "text/event-stream" else parsed(content)
        if content_type != "application/json":
            told = content.decode()
        assert operation.faults(answer.status, content_type, told) == []
        if answer.status >= 400:
            self.codes.add(told["error"]["code"])
            assert CODES["x-statuses"][told["error"]["code"]]["status"] == answer.status
        return answer.status, content_type, told


@pytest.fixture(scope="module", name="world")
def fixture_world(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("openapi")) as scene:
        world = World(scene, scene.directory / "slipway")
        try:
            yield world.begin()
        except BaseException:
            print(world.slipway.log_tail())
            raise
        finally:
            world.slipway.stop()


def under_way(world):
    """A deploy that takes its time: v9 is not healthy for long."""
    push_app(world.scene.registry, "shop/web", "v9", behaviour={"HEALTH": "fail"})
    deploy = world.slipway.deploy("shop/production", "v9")
    world.slipway.wait_state(deploy, "PROBING")
    return {"id": deploy}


# What an example needs before it can be shown: a function that returns values of the path.
BEFORE = {("cancelDeploy", "under-way"): under_way}


EXAMPLES = [(operation, *example) for operation in DOCUMENT.operations for example in operation.answer_examples()]


@pytest.mark.parametrize("operation, status, content_type, name, example", EXAMPLES,
                         ids=[f"{operation.name}-{status}-{name}" for operation, status, _, name, _ in EXAMPLES])
def test_example(world, operation, status, content_type, name, example):
    """Asked as the example says, the server answers as the example says."""
    world.settle()
    more = example.get("x-request", {})
    values = {**world.values(), **more.get("path", {})}
    if (operation.name, name) in BEFORE:
        values |= BEFORE[operation.name, name](world)
    sent_type, body = operation.request_example(name)
    if "body" in more:
        sent_type, body = "application/json", more["body"]
    headers = {**({"Content-Type": sent_type} if sent_type else {}), **more.get("headers", {})}
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    if body is not None:
        body = body.replace("127.0.0.1:5000", world.scene.registry.address)
    answer = world.ask(operation, operation.url(values, more.get("query")), headers, body)
    assert (str(answer[0]), answer[1]) == (status, content_type), answer
    if int(status) >= 400:
        said, wanted = answer[2]["error"], example["value"]["error"]
        assert said["code"] == wanted["code"]
        assert re.sub(r"\d+", "0", said["message"]) == re.sub(r"\d+", "0", wanted["message"])
        assert isinstance(said["detail"], type(wanted["detail"]))


def test_every_body_example_has_its_answer():
    for operation in DOCUMENT.operations:
        answers = {name for _, _, name, _ in operation.answer_examples()}
        for media in operation.requests.values():
            assert set(media.get("examples", {})) <= answers, operation


@pytest.mark.parametrize("operation", DOCUMENT.operations, ids=IDS)
def test_what_every_call_refuses(world, operation):
    """No token, another method, a thing that is not there, a body of another kind: as described."""
    values = world.values()
    url = operation.url(values)
    status, _, _ = world.ask(operation, url, {"Authorization": ""})
    assert operation.is_open or status == 401
    assert world.ask(operation, url, method="OPTIONS" if operation.method == "PATCH" else "PATCH")[0] in (204, 405)
    for parameter in operation.parameters.values():
        if parameter["in"] == "path":
            wrong = operation.url({**values, parameter["name"]: "77777777"})
            body = None if operation.method == "GET" or not operation.requests else "{}"
            answer = world.ask(operation, wrong, {"Content-Type": "application/json"}, body)
            assert answer[0] in (400, 404) and answer[2]["error"]["code"] in ("NOT_FOUND", "INVALID"), parameter
        elif parameter["schema"].get("type") == "integer":
            query = {parameter["name"]: "x"}
            assert world.ask(operation, operation.url(values, query))[0] in (400, 415), parameter
            if "maximum" in parameter["schema"]:
                query = {parameter["name"]: parameter["schema"]["maximum"] + 1}
                assert world.ask(operation, operation.url(values, query))[0] == 400, parameter
    if operation.requests:
        assert world.ask(operation, url, {"Content-Type": "text/csv"}, "a,b")[0] == 415


WITH_BODIES = [operation for operation in DOCUMENT.operations if operation.body_schema()]
WRONG = {"string": 7, "integer": "7", "boolean": "yes", "array": {}, "object": []}


@pytest.mark.parametrize("operation", WITH_BODIES, ids=[operation.name for operation in WITH_BODIES])
def test_bodies_are_judged_as_described(world, operation):
    """Members that the schema knows are the ones that the server knows; each refuses another type."""
    schema = operation.body_schema()
    url = operation.url(world.values())
    headers = {"Content-Type": "application/json"}
    status, _, told = world.ask(operation, url, headers, '{"no-such-member": 1}')
    assert status == 400 and told["error"]["detail"] == "no-such-member"
    known = set(re.findall(r"'([^']+)'", told["error"]["message"].split(": ", 1)[1]))
    assert known == set(schema.get("properties", {}))
    for name, member in schema.get("properties", {}).items():
        kind = DOCUMENT.resolve(member)["type"]
        for wrong in (WRONG[kind], None, 1.5):
            status, _, told = world.ask(operation, url, headers, json.dumps({name: wrong}))
            assert (status, told["error"]["detail"]) == (400, name), (name, wrong)
    for name in schema.get("required", []):
        assert world.ask(operation, url, headers, "{}")[2]["error"]["detail"] == name
    for broken in ("[]", "{", '{"a": 1, "a": 2}'):
        assert world.ask(operation, url, headers, broken)[0] == 400


def raw(world, request):
    """Send bytes; returns the answer's status and body."""
    with socket.create_connection(("127.0.0.1", world.slipway.port), 20) as link:
        link.sendall(request)
        answer = http.client.HTTPResponse(link)
        answer.begin()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("code, request_bytes", [
    ("TOO_LARGE", b"POST /api/v1/apply HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"),
    ("URI_TOO_LONG", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("HEADERS_TOO_LARGE", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000 + b"\r\n\r\n"),
    ("EXPECTATION_FAILED", b"POST /health HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\na"),
    ("NOT_IMPLEMENTED", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("VERSION_NOT_SUPPORTED", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("INVALID", b"GET / HTTP/1.1\r\n\r\n"),
])
def test_what_is_no_good_http(world, code, request_bytes):
    status, told = raw(world, request_bytes)
    assert DOCUMENT.faults(DOCUMENT.root["components"]["schemas"]["Error"], told) == []
    assert (status, told["error"]["code"]) == (CODES["x-statuses"][code]["status"], code)
    world.codes.add(code)


def test_the_page(world):
    """It is drawn by what is served here alone, and what it needs is let through."""
    def get(path):
        status, headers, body = world.slipway.call("GET", path, token=None)
        assert status == 200
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        return headers["Content-Type"], body, policy

    kind, page, policy = get("/docs")
    assert kind == "text/html; charset=utf-8"
    assert {"script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(policy.split("; "))
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(linked) == {"/docs/page.css", "/docs/page.js", "/openapi.json"}
    assert not re.search(r"<style|<script(?! src=)|\son\w+=|style=", page), "the policy would stop it"
    kinds = {path: get(path) for path in linked}
    assert kinds["/docs/page.css"][0].startswith("text/css") and kinds["/docs/page.js"][0].startswith("text/javascript")
    assert "url(" not in kinds["/docs/page.css"][1] and "@import" not in kinds["/docs/page.css"][1]
    assert not re.search(r"innerHTML|eval\(|https?://|\.style\b", kinds["/docs/page.js"][1])
    assert kinds["/openapi.json"][:2] == ("application/json", DOCUMENT.root)


def test_usage_is_what_the_engine_counts(world):
    """Of the container that is live: its memory and processes, and processor time that only grows."""
    first, second = (world.slipway.get("/api/v1/projects/shop/stages/production/instances/0/usage") for _ in range(2))
    (instance,) = world.slipway.get("/api/v1/projects/shop/stages/production/instances")["items"]
    counted = world.scene.engine.api.call(
        "GET", f"/containers/{instance['container_id']}/stats?stream=false&one-shot=true")
    assert 0 < first["cpu_ns"] <= second["cpu_ns"] <= counted["cpu_stats"]["cpu_usage"]["total_usage"]
    assert first["at_ms"] <= second["at_ms"] and first["replica"] == 0
    assert second["memory_limit_bytes"] == counted["memory_stats"]["limit"]
    assert 0 < second["memory_bytes"] < 1 << 30
    assert second["processes"] == counted["pids_stats"]["current"] >= 1
    shown = world.slipway.run("top", "shop/production").stdout.splitlines()
    assert shown[0].split() == ["REPLICA", "CONTAINER", "STATUS", "CPU", "MEMORY", "OF", "PROCESSES"]
    assert shown[1].split()[:3] == ["0", instance["name"], "running"] and re.search(r" \d+\.\d% ", shown[1])
    told = json.loads(world.slipway.run("top", "shop/production", "--json").stdout)
    assert (told["project"], told["stage"], len(told["items"])) == ("shop", "production", 1)
    (item,) = told["items"]
    assert (item["replica"], item["name"], item["status"]) == (0, instance["name"], "running")
    assert item["usage"]["memory_limit_bytes"] == second["memory_limit_bytes"] and item["usage"]["processes"] >= 1
    assert item["usage"]["cpu_milli"] >= 0 and item["usage"]["memory_bytes"] > 0
    assert json.loads(world.slipway.run("top", "shop/staging", "--json").stdout)["items"] == []
    assert world.slipway.run("top", "shop/staging").stdout == "nothing is live\n"
    assert world.slipway.run("top", "shop/none").returncode == 3


def test_zz_the_engine_and_the_registry_are_away(world):
    """502 from both, and 503 while shutting down; with that every code has been had."""
    world.settle()
    by_name = {operation.name: operation for operation in DOCUMENT.operations}
    values = world.values()
    world.scene.registry.stop()
    explain = by_name["explainTags"]
    assert world.ask(explain, explain.url(values))[2]["error"]["code"] == "REGISTRY"
    world.scene.engine.stop()
    logs = by_name["readInstanceLog"]
    assert world.ask(logs, logs.url(values))[2]["error"]["code"] == "ENGINE"
    usage = by_name["showInstanceUsage"]
    assert world.ask(usage, usage.url(values))[2]["error"]["code"] == "ENGINE"
    deploy = by_name["deploy"]
    world.slipway.deploy("shop/production", "v8")  # with its registry away that takes a while
    world.slipway.process.terminate()
    wait_for(lambda: world.slipway.get("/health")["draining"], 10, "the server to drain", 0.01)
    status, _, told = world.ask(deploy, deploy.url(values), {"Content-Type": "application/json"}, '{"tag": "v1"}')
    assert (status, told["error"]["code"]) == (503, "BUSY")
    assert world.codes | set(ELSEWHERE) >= set(CODES["enum"])


def test_switched_off(tmp_path):
    """With SLIPWAY_API_DOCS=off nobody is told; not even that there could be something."""
    with Slipway(tmp_path, "version: 1\nprojects: {}\n", edge=False, SLIPWAY_API_DOCS="off") as slipway:
        for path in ("/openapi.json", "/docs", "/docs/page.js", "/docs/page.css"):
            assert slipway.call("GET", path, token=None)[0] == 401
            assert slipway.call("GET", path)[0] == 404
