#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make bench`: measures slipway beside what it stands on, and writes docs/benchmarks.md.

Every comparison is made side by side in one run, because absolute times of a small machine move by a
factor of two from one run to the next; the ratios are what to trust. Bounded in count and time.
"""
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from bed.checker import Checker  # noqa: E402
from bed.engine import Engine  # noqa: E402
from bed.front import WAYS, Front  # noqa: E402
from bed.image import push_app  # noqa: E402
from bed.ports import free_port  # noqa: E402
from bed.registry import Registry  # noqa: E402
from bed.slipway import TOKEN, Slipway  # noqa: E402
from bed.wait import wait_for  # noqa: E402
import lists  # noqa: E402
from fake_registry import FakeRegistry  # noqa: E402
from overhead import bring_up, measure_overhead  # noqa: E402

PLACE = ROOT / "build" / "bench"
SWAP_STAGES = 4
SWAPS = int(os.environ.get("BENCH_SWAPS", "1000"))
WAY_SWAPS = int(os.environ.get("BENCH_WAY_SWAPS", "30"))
MANY = 100
PROMOTIONS = 22
REPOSITORIES = 1000
SETTLE_S = 4  # two seconds after its start the server gives back what only the start needed
HEALTH = "{http: /health, successes: 1, interval: 20ms, min_uptime: 0s, deadline: 60s}"


def say(text):
    """Print at once."""
    print(text, flush=True)


def project(name, image, more):
    """Return one project of slipway.yml."""
    return f"""  {name}:
    image: {image}
    port: 8080
    warm_keep: 0s
    health: {HEALTH}
    stages:
      production: {{{more}}}
"""


def document(engine, registry, projects, proxies=""):
    """Return a whole slipway.yml."""
    return (f'version: 1\nengines:\n  local: {{host: "{engine.host}"}}\nregistries:\n'
            f'  "{registry}": {{insecure: true}}\n{proxies}projects:\n' + "".join(projects))


def rss_kb(pid):
    """Resident memory, and the part of it that is the process's own."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return [int(re.search(name + r":\s+(\d+)", status).group(1)) for name in ("VmRSS", "RssAnon")]


def cpu_ms(pid):
    """Processor time used so far by all threads, from the scheduler's own count."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e6


class Bench:
    """The shared engine and registry, and the lines of the report."""

    def __init__(self, engine, registry):
        self.engine = engine
        self.registry = registry
        self.rows = []
        self.part = ""

    def row(self, what, figure, aim):
        """Add one line to the report."""
        self.rows.append((self.part, what, figure, aim))
        say(f"  {what}: {figure}")

    def slipway(self, name, projects, registry=None, proxies="", **settings):
        """Return a server on new data, not started."""
        shutil.rmtree(PLACE / name, ignore_errors=True)
        text = document(self.engine, registry or self.registry.address, projects, proxies)
        return Slipway(PLACE / name, text, **settings)

    def memory_and_start(self):
        """Idle memory; the time from exec to the first answer."""
        one = project("app", f"{self.registry.address}/bench/app", "domains: [app.localhost]")
        server = self.slipway("empty", [one])
        times = []
        try:
            for _ in range(5):
                begin = time.monotonic()
                server.start()
                times.append((time.monotonic() - begin) * 1000)
                server.kill()
            self.row("start to first answer, an empty store", f"{statistics.median(times):.0f} ms", "50 ms")
            server.start()
            wait_for(lambda: server.call("GET", "/health")[2]["edge"]["ready"], 20, "the edge")
            time.sleep(SETTLE_S)
            self._memory_row(server, "memory of `serve`, idle")
            push_app(self.registry, "bench/app", "v1")
            server.wait_over(server.deploy("app/production", "v1"))
            self._memory_row(server, "memory of `serve`, after its first deploy")
        finally:
            server.stop()
        many = [project(f"p{i}", f"{self.registry.address}/bench/p{i}", f"domains: [p{i}.localhost]")
                for i in range(REPOSITORIES)]
        server = self.slipway("thousand", many)
        times = []
        try:
            server.start(60)
            server.kill()
            for _ in range(3):
                begin = time.monotonic()
                server.start(60)
                times.append((time.monotonic() - begin) * 1000)
                server.kill()
            self.row("start to first answer, 1,000 stages", f"{statistics.median(times):.0f} ms", "300 ms")
        finally:
            server.stop()

    def apply(self):
        """A thousand stages at once: new, the same again, all changed, planned, exported."""
        def text(replicas):
            many = [project(f"p{i}", f"{self.registry.address}/bench/p{i}", f"replicas: {replicas}, domains: [p{i}.localhost]")
                    for i in range(REPOSITORIES)]
            return document(self.engine, self.registry.address, many)

        with self.slipway("apply", [], edge=False) as server:
            took = {}
            for name, path, body in (("new", "apply", text(1)), ("the same again", "apply", text(1)),
                                     ("all changed", "apply", text(2)), ("planned", "apply?dry=1", text(3)),
                                     ("exported", "config", None)):
                begin = time.monotonic()
                status, _, answer = server.call("POST" if body else "GET", f"/api/v1/{path}", body, timeout_s=60,
                                                headers={"Content-Type": "application/yaml"})
                took[name] = (time.monotonic() - begin) * 1000
                assert status == 200, answer
        self.row("apply of 1,000 stages", "; ".join(f"{name} {ms:.0f} ms" for name, ms in took.items()), "1 s")

    def _memory_row(self, server, what):
        total, own = rss_kb(server.pid)
        self.row(what, f"{total / 1024:.1f} MiB resident, of which {own / 1024:.1f} MiB its own (the rest is pages"
                 " of libraries)", "12 MiB")

    def overhead(self):
        """A deploy beside the same engine calls made by hand."""
        one = project("app", f"{self.registry.address}/bench/app", "domains: [app.localhost]")
        with self.slipway("overhead", [one]) as server:
            got = measure_overhead(server, self.engine, self.registry, rounds=25)
        self.row("deploy of a replacing version (median of 25)", f"{got['deploy_ms']:.0f} ms, by hand"
                 f" {got['floor_ms']:.0f} ms: ratio {got['ratio']:.3f}, {got['added_ms']:+.0f} ms; resolve, swap,"
                 f" confirmation and drain together {got['own_ms']:.0f} ms",
                 "ratio 1.05, 30 ms")

    def swaps(self):
        """Real deploys one after the other on a few stages at once, under load: every request counts."""
        names = [f"swap{i}" for i in range(SWAP_STAGES)]
        projects = [project(name, f"{self.registry.address}/bench/swap", f"domains: [{name}.localhost]")
                    for name in names]
        for tag in ("v1", "v2"):
            push_app(self.registry, "bench/swap", tag)
        with self.slipway("swaps", projects) as server:
            for name in names:
                server.wait_over(server.deploy(f"{name}/production", "v1"))
            with Checker([], rate=1000, workers=8).start() as checker:
                for name in names:
                    checker.add(f"{name}.localhost", server.edge_address, app="bench/swap")
                    for tag in ("v1", "v2"):
                        checker.expect(f"{name}.localhost", tag) if tag == "v1" else None
                took = []
                begin = time.monotonic()

                def go(name):
                    for i in range(SWAPS // SWAP_STAGES):
                        over = server.wait_over(server.deploy(f"{name}/production", ("v2", "v1")[i % 2]), 120)
                        assert over["state"] == "LIVE", over
                        steps = [s for s in over["steps"] if s["actor"] == "SWAP"]
                        took.append(steps[-1]["at_ms"] - steps[0]["at_ms"])

                with ThreadPoolExecutor(SWAP_STAGES) as pool:
                    list(pool.map(go, names))
                spent_s = time.monotonic() - begin
                checker.wait_requests(500)
                seen = checker.stop()
        took.sort()
        self.row(f"{len(took)} swaps under load, real deploys", f"{seen['failed']} of {seen['requests']} requests"
                 f" failed; a swap with its confirmation took {statistics.median(took):.0f} ms (p99"
                 f" {took[len(took) * 99 // 100]} ms); {len(took) / spent_s * 60:.0f} deploys a minute", "0 failed")

    def ways(self):
        """The same swaps by each proxy and each way, one after the other in this run: deploys of one stage,
        each under load on fresh and on kept connections; with the drain, which the elder's requests need."""
        for tag in ("v1", "v2"):
            push_app(self.registry, "bench/way", tag)
        for way in WAYS:
            self._one_way(way)
            self._remove_all()

    def _one_way(self, way):
        shutil.rmtree(PLACE / f"front-{way}", ignore_errors=True)
        with Front(PLACE / f"front-{way}", way) as front:
            one = project("way", f"{self.registry.address}/bench/way", f"domains: [way.localhost]{front.stage}")
            with self.slipway(f"way-{way}", [one], proxies=front.configuration, **front.settings) as server:
                server.wait_over(server.deploy("way/production", "v1"))
                with Checker([], rate=1000, workers=8).start() as checker:
                    checker.add("way.localhost", front.address(server), app="bench/way")
                    took = []
                    for i in range(WAY_SWAPS):
                        checker.expect("way.localhost", "v1") if i % 2 else None
                        over = server.wait_over(server.deploy("way/production", ("v2", "v1")[i % 2]), 120)
                        assert over["state"] == "LIVE", over
                        steps = [s for s in over["steps"] if s["actor"] == "SWAP"]
                        took.append(steps[-1]["at_ms"] - steps[0]["at_ms"])
                    checker.wait_requests(500)
                    seen = checker.stop()
                promised = server.get("/api/v1/projects/way/stages/production")["proxy"]
        took.sort()
        reasons = ", ".join(f"{count} {name}" for name, count in seen["reasons"].items() if count)
        self.row(f"{WAY_SWAPS} swaps: {promised['way']}", f"{statistics.median(took):.0f} ms a swap with its"
                 f" confirmation (p99 {took[len(took) * 99 // 100]} ms); {seen['failed']} of {seen['requests']}"
                 f" requests failed{f' ({reasons})' if reasons else ''}", promised["promise"])

    def hundred(self):
        """100 first deploys at once, beside the same calls for the same containers by hand, four at a time."""
        digest = push_app(self.registry, "bench/hundred", "v1")
        image = self.registry.reference("bench/hundred", digest=digest)
        self.engine.api.pull(image)

        def measure_by_hand():
            begin = time.monotonic()
            with ThreadPoolExecutor(2 * os.cpu_count()) as pool:
                list(pool.map(lambda _: bring_up(self.engine.api, image), range(MANY)))
            spent_s = time.monotonic() - begin
            self._remove_all()
            return spent_s

        projects = [project(f"h{i}", f"{self.registry.address}/bench/hundred", f"domains: [h{i}.localhost]")
                    for i in range(MANY)]
        def measure_slipway(turn):
            with self.slipway(f"hundred{turn}", projects) as server:
                begin = time.monotonic()
                for i in range(MANY):
                    server.deploy(f"h{i}/production", "v1")
                # Asked for seldom: what asks takes its processor time from what is measured.
                wait_for(lambda: len(server.deploys(state="LIVE", limit=MANY)) == MANY, 240, "all to be live", 0.1)
                spent_s = time.monotonic() - begin
            self._remove_all()
            return spent_s

        self._network()
        hand_s, slipway_s = [measure_by_hand()], []
        for turn in range(3):
            slipway_s.append(measure_slipway(turn))
            hand_s.append(measure_by_hand())
        ratio = statistics.mean(hand_s) / statistics.mean(slipway_s)
        self.row("100 deploys at once, three times", f"{seconds(slipway_s)}; the same calls to start them by hand, as many at"
                 f" a time, in turns: {seconds(hand_s)}: {ratio:.2f} of the engine's limit", "0.95")

    def readers(self):
        """The dashboard's questions while 100 deploys are under way: what one person's browser would ask."""
        push_app(self.registry, "bench/readers", "v1")
        projects = [project(f"r{i}", f"{self.registry.address}/bench/readers", f"domains: [r{i}.localhost]")
                    for i in range(MANY)]
        took = []
        with self.slipway("readers", projects) as server:
            for i in range(MANY):
                server.deploy(f"r{i}/production", "v1")
            for turn in range(100000):
                path = ("stages", "deploys?limit=50", "projects/r1/stages/production")[turn % 3]
                begin = time.monotonic()
                server.get(f"/api/v1/{path}")
                took.append((time.monotonic() - begin) * 1000)
                if turn % 30 == 0 and len(server.deploys(state="LIVE", limit=MANY)) == MANY:
                    break
                time.sleep(0.02)
        self._remove_all()
        took.sort()
        self.row("GET of stages, deploys and one stage during 100 deploys at once",
                 f"{statistics.median(took):.1f} ms, p99 {took[len(took) * 99 // 100]:.1f} ms ({len(took)} requests)",
                 "p99 20 ms")

    def promotion(self):
        """A version promoted by its digest, beside the same version deployed by its tag, in turns."""
        text = (f"  app:\n    image: {self.registry.address}/bench/promotion\n    port: 8080\n    health: {HEALTH}\n"
                "    warm_keep: 0s\n    stages:\n      staging: {}\n      free: {}\n"
                "      production: {auto: false, promote_from: staging}\n")
        for tag in ("v1", "v2"):
            push_app(self.registry, "bench/promotion", tag)
        took = {"promoted": [], "deployed": []}
        with self.slipway("promotion", [text], edge=False) as server:
            def measure(name, ask):
                begin = time.monotonic()
                over = server.wait_over(ask(), 60)
                took[name].append((time.monotonic() - begin) * 1000)
                assert over["state"] == "LIVE", over

            for turn in range(PROMOTIONS):
                tag = ("v1", "v2")[turn % 2]
                server.wait_over(server.deploy("app/staging", tag), 60)
                measure("deployed", lambda: server.deploy("app/free", tag))
                measure("promoted", lambda: server.post("/api/v1/projects/app/stages/production/promote",
                                                        {"by": "bench"})["id"])
        self._remove_all()
        promoted, deployed = (statistics.median(took[name][2:]) for name in ("promoted", "deployed"))
        self.row(f"a promotion to live (median of {PROMOTIONS - 2})", f"{promoted:.0f} ms, a deploy of the same by its"
                 f" tag {deployed:.0f} ms: {promoted / deployed:.2f}", "1.05")

    def _network(self):
        """The network that slipway makes with its first container."""
        if not any(one["Name"] == "slipway" for one in self.engine.api.networks()):
            self.engine.api.create_network("slipway")

    def _remove_all(self):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.engine.api.remove, [c["Id"] for c in self.engine.api.containers()]))

    def polls(self):
        """1,000 polled repositories against a fast fake registry: spread over the interval, and all at once."""
        with FakeRegistry() as fake:
            projects = [project(f"r{i}", f"{fake.address}/many/r{i}", 'tags: "v*", poll: 10s')
                        for i in range(REPOSITORIES)]
            server = self.slipway("polls", projects, registry=fake.address, edge=False)
            try:
                server.start(60)
                wait_for(lambda: fake.requests() >= 2 * REPOSITORIES, 40, "every repository to be asked", 0.2)
                before, asked, begin = cpu_ms(server.pid), fake.requests(), time.monotonic()
                wait_for(lambda: fake.requests() >= asked + 2 * REPOSITORIES, 60, "one more round", 0.2)
                spent, polls = cpu_ms(server.pid) - before, (fake.requests() - asked) / 2
                wall_s = time.monotonic() - begin
                asked, before, begin = fake.requests(), cpu_ms(server.pid), time.monotonic()
                nudge_all(server)
                wait_for(lambda: fake.requests() >= asked + 2 * REPOSITORIES, 60, "all at once", 0.005)
                sweep_s, sweep_spent = time.monotonic() - begin, cpu_ms(server.pid) - before
            finally:
                server.stop()
        self.row("polling 1,000 repositories (tag list and digest each), every 10 s",
                 f"{spent / polls * 1000:.0f} us of processor a poll, {spent / wall_s / 10:.1f} % of a core", "-")
        self.row("the same, all asked for at once by the API", f"{sweep_s:.2f} s, of which {sweep_spent / 1000:.2f} s of"
                 " processor", "-")

    def explain(self):
        """Every tag of a large repository explained: listed, judged, sorted, and told by the API."""
        with FakeRegistry() as fake:
            policies = {"semver": '{semver: "^1.2"}', "regex": '{regex: "^1[.]([0-9]+)[.]([0-9]+)$", numeric: true}'}
            projects = [project(name, f"{fake.address}/large/app", f"tags: {policy}")
                        for name, policy in policies.items()]
            server = self.slipway("explain", projects, registry=fake.address, edge=False)
            found = {}
            try:
                server.start(20)
                for name in policies:
                    took = []
                    for _ in range(20):
                        begin = time.monotonic()
                        answer = server.get(f"/api/v1/projects/{name}/stages/production/tags?limit=1")
                        took.append((time.monotonic() - begin) * 1000)
                        assert answer["total"] == 10000, answer
                    begin = time.monotonic()
                    body = server.get(f"/api/v1/projects/{name}/stages/production/tags")
                    assert len(body["items"]) == 10000
                    found[name] = (statistics.median(took), (time.monotonic() - begin) * 1000)
            finally:
                server.stop()
        self.row("10,000 tags explained, with listing them on ten pages (median of 20)",
                 "; ".join(f"{name} {took:.0f} ms, with all of them in the answer {whole:.0f} ms"
                           for name, (took, whole) in found.items()), "50 ms")

    def webhooks(self):
        """Webhooks accepted, each delivery with a number of its own and on the disk before its answer: while the
        registry is slow, so that they merge with the deploy that asks it, and when it answers at once."""
        found = {}
        with FakeRegistry() as fake:
            slow = f"127.0.0.1:{free_port()}"  # nobody: the deploy goes on asking
            for name, address in (("while the registry is awaited", slow), ("registry answers at once", fake.address)):
                projects = [project("hook", f"{address}/bench/hook", 'tags: "v*", auto: true')]
                server = self.slipway("webhooks", projects, registry=address, edge=False)
                try:
                    server.launch("taskset", "-c", "0")
                    wait_for(lambda: server.get("/health"), 20, "slipway")
                    path = server.get("/api/v1/projects/hook/webhook")["webhook_path"]
                    script = PLACE / "webhook.lua"
                    script.write_text(f'''local n = 0
local body = '{{"image":"{address}/bench/hook:v1"}}'
function request()
  n = n + 1
  return wrk.format("POST", "{path}", {{["Content-Type"] = "application/json", ["Idempotency-Key"] = "bench-" .. n}}, body)
end
''', "ascii")
                    before = cpu_ms(server.pid)
                    rate, p99 = wrk(server.url + path, "-s", str(script))
                    found[name] = (rate, p99, (cpu_ms(server.pid) - before) / (rate * 5) * 1000)
                finally:
                    server.stop()
        self.row("webhooks accepted durably, 32 connections, a number each",
                 "; ".join(f"{name} {rate:.0f} a second, p99 {p99}, {each_us:.0f} us of processor each"
                           for name, (rate, p99, each_us) in found.items()),
                 "5,000 a second")

    def reads(self):
        """API reads beside nginx serving the same bytes."""
        one = project("app", f"{self.registry.address}/bench/app", "domains: [app.localhost]")
        push_app(self.registry, "bench/app", "v1")
        server = self.slipway("reads", [one])
        try:
            server.launch("taskset", "-c", "0")
            wait_for(lambda: server.get("/health"), 20, "slipway")
            for _ in range(20):
                server.wait_over(server.deploy("app/production", "v1"))
            for path in ("/health", "/api/v1/deploys?limit=20"):
                body = subprocess.run(["curl", "-s", "-H", f"Authorization: Bearer {TOKEN}", server.url + path],
                                      capture_output=True, check=True).stdout
                ours = wrk(server.url + path)
                with Nginx(body) as nginx:
                    theirs = wrk(nginx.url)
                self.row(f"GET {path} ({len(body)} bytes), 32 connections",
                         f"{ours[0]:.0f} a second, p99 {ours[1]}; nginx with the same bytes as a file"
                         f" {theirs[0]:.0f}, p99 {theirs[1]}: {ours[0] / theirs[0]:.2f}", "-")
        finally:
            server.stop()

    def lists(self):
        """Every list of the API over a large store, on one connection."""
        server = self.slipway("lists", lists.projects(), SLIPWAY_KEEP_DEPLOYS="10000", SLIPWAY_KEEP_DAYS="36500")
        try:
            server.start(60)
            server.terminate()
            first = lists.fill(server.data / "slipway.db")
            server.start(60)
            wait_for(lambda: server.call("GET", "/health")[2]["edge"]["ready"], 60, "the edge")
            found = lists.measure(server, first)
        finally:
            server.stop()
        slowest = sorted(found.items(), key=lambda item: -item[1][0])
        self.row(f"{len(found)} lists and pages of the API over {lists.STEPS:,} steps, {lists.DEPLOYS:,} deploys and"
                 f" {lists.STAGES:,} stages (median of {lists.ROUNDS})",
                 "; ".join(f"{name} {took_ms:.1f} ms" for name, (took_ms, _, _) in slowest[:4]) + "; the others"
                 f" {slowest[-1][1][0]:.1f} to {slowest[4][1][0]:.1f} ms", "5 ms each")

    def write(self):
        """Write docs/benchmarks.md."""
        lines = ["# Benchmarks", "",
                 f"Made by `make bench` on {machine()}, with a private Docker engine, a real registry and the real edge.",
                 "Where two things are compared they ran side by side in one run; trust the ratios more than the times.",
                 "The last column is the argument that measures that line alone: `sudo python3 tests/bench/bench.py NAME`.",
                 "", "| what | measured | aim | name |", "|---|---|---|---|"]
        lines += [f"| {what} | {figure} | {aim} | {part} |" for part, what, figure, aim in self.rows]
        lines += ["", "How:", "",
                  "- *start*: from exec to the first answer of `/health`, the edge not counted: it is adopted or comes later.",
                  "- *overhead*: the floor is a script that makes the same engine calls in the same order (inspect the image,",
                  "  create, start, inspect, a first answer, list, stop, remove), in turns with the deploys; the gate has no waits.",
                  "- *swaps*: deploys of four stages, each replacing a version under load on fresh and kept connections, GET and",
                  "  POST; a request that fails in any way counts.",
                  "- *ways*: one stage; Nginx Proxy Manager is a stand-in for its API that follows its schema, on a real nginx;",
                  "  Caddy is Debian's. 1,000 requests a second, half of them on kept connections.",
                  "- *readers*: one client that asks all the time; the engine has the processors meanwhile.",
                  "- *reads*: server and nginx pinned to one core, wrk to another.",
                  "- *lists*: rows written into the store's file beforehand; from the request to the last byte of the answer,",
                  "  as Python sees it; pages of 500 deploys, all the stages at once."]
        (ROOT / "docs" / "benchmarks.md").write_text("\n".join(lines) + "\n", "utf-8")
        say("docs/benchmarks.md written")


def machine():
    """The class of this machine in some words."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    memory_kb = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text("ascii"))[1])
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text("utf-8"))[1]
    return (f"a machine with {os.cpu_count()} cores ({cpu[1] if cpu else 'unknown'}), {memory_kb / 2**20:.0f} GB,"
            f" {system}, Linux {os.uname().release.split('-')[0]}")


def seconds(values):
    """Return times as people read them."""
    return ", ".join(f"{value:.1f}" for value in values) + " s"


def nudge_all(server):
    """Ask for a poll of every repository, in one breath: 1,000 pipelined requests."""
    one = ("POST /api/v1/projects/r{}/stages/production/poll HTTP/1.1\r\nHost: bench\r\n"
           f"Authorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n")
    text = "".join(one.replace("{}", str(i)) for i in range(REPOSITORIES)).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        sender = threading.Thread(target=connection.sendall, args=(text,))
        sender.start()
        answers = b""
        while answers.count(b"HTTP/1.1 202 ") < REPOSITORIES:
            piece = connection.recv(65536)
            assert piece, answers[-500:]
            answers += piece
        sender.join()


def wrk(url, *more):
    """Return (requests a second, p99) of five seconds on the other core."""
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c32", "-d5s", "--latency", "-H",
                          f"Authorization: Bearer {TOKEN}", *more, url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), re.search(r"99%\s+(\S+)", out).group(1)


class Nginx:
    """nginx with one worker on the same core, serving one file."""

    def __init__(self, body):
        self.place = PLACE / "nginx"
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.place.chmod(0o755)
        (self.place / "body.json").write_bytes(body)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/body.json"
        (self.place / "nginx.conf").write_text(f"""daemon off; pid {self.place}/pid; worker_processes 1;
error_log {self.place}/error.log; user root;
events {{ worker_connections 512; }}
http {{ access_log off; open_file_cache max=10; keepalive_requests 1000000; sendfile on; tcp_nopush on;
  server {{ listen 127.0.0.1:{port}; root {self.place}; }} }}
""", "ascii")
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(["taskset", "-c", "0", "nginx", "-p", str(self.place), "-c",
                                         str(self.place / "nginx.conf")])
        wait_for(lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", self.url], check=False).returncode == 0,
                 10, "nginx")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def main():
    """All of it, in the order of the report."""
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-E", sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = sys.argv[1:]
    shutil.rmtree(PLACE, ignore_errors=True)
    with Engine(PLACE / "docker") as engine, Registry(PLACE / "registry") as registry:
        bench = Bench(engine, registry)
        for name in chosen or ("memory_and_start", "overhead", "hundred", "swaps", "ways", "readers", "promotion", "polls", "explain",
                               "webhooks", "reads", "lists", "apply"):
            say(name)
            bench.part = name
            getattr(bench, name)()
        if not chosen:
            bench.write()
    return 0


if __name__ == "__main__":
    threading.stack_size(512 * 1024)
    sys.exit(main())
