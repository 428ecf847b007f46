#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The main job, shown on real parts: `make demo`.

A private Docker engine, a registry, the edge and slipway are started below build/demo; two projects are
seeded from YAML; then, with independent load on the edge all the time, images are pushed and slipway
deploys them: by webhook, by polling, a bad one that is rolled back, one across a crash of slipway, one
across its shutdown, a rollback, ten projects at once. Every request is counted; none may fail. With
--stay it sets the same up and stays for use by hand (`make run`). With --proxy the visitors come in
through Nginx Proxy Manager (a stand-in for its API, on a real nginx) or Caddy, by either way.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from bed.checker import Checker, difference, target  # noqa: E402
from bed.engine import Engine  # noqa: E402
from bed.front import WAYS, Front  # noqa: E402
from bed.image import push_app  # noqa: E402
from bed.registry import Registry  # noqa: E402
from bed.slipway import Slipway  # noqa: E402
from bed.wait import wait_for  # noqa: E402
from overhead import measure_overhead  # noqa: E402

PLACE = ROOT / "build" / "demo"
MANY = 10
SCRIPT = "function delay() return 4 end\n"  # wrk waits 4 ms before each request: a bounded load


def say(text=""):
    """Print at once, also into a pipe."""
    print(text, flush=True)


def configuration(engine, registry, front):
    """Return slipway.yml: two projects to watch closely, and ten small ones."""
    replicas = 1 if front.way == "npm-direct" else 2
    small = "\n".join(f"""
  app{i}:
    image: {registry.address}/many/app{i}
    port: 8080
    health: {{http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 30s}}
    stages:
      production: {{tags: "v*", domains: [app{i}.localhost]{front.stage}}}""" for i in range(MANY))
    return f"""version: 1
engines:
  local: {{host: "{engine.host}"}}
registries:
  "{registry.address}": {{insecure: true}}
{front.configuration}projects:
  shop:
    image: {registry.address}/shop/web
    port: 8080
    health: {{http: /health, successes: 3, interval: 100ms, min_uptime: 0s, deadline: 5s}}
    stages:
      production: {{tags: "v*", poll: 1s, domains: [shop.localhost], replicas: {replicas}{front.stage}}}
  blog:
    image: {registry.address}/blog/web
    port: 8080
    health: {{http: /health, successes: 3, interval: 100ms, min_uptime: 0s, deadline: 5s}}
    stages:
      production: {{tags: "v*", domains: [blog.localhost]{front.stage}}}
{small}
"""


class Load:
    """wrk beside the checker: plain pressure on one host; counts what fails."""

    def __init__(self, address, host):
        script = PLACE / "wrk.lua"
        script.write_text(SCRIPT, "ascii")
        self._process = subprocess.Popen(
            ["wrk", "-t1", "-c8", "-d3600s", "--timeout", "10s", "-s", str(script), "-H", f"Host: {host}",
             f"http://{address}/"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self):
        """Return (requests, failed)."""
        self._process.send_signal(signal.SIGINT)
        text = self._process.communicate(timeout=30)[0]
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        failed = sum(map(int, errors.groups())) if errors else 0
        return requests, failed + (int(bad.group(1)) if bad else 0)


class Demo:
    """The set-up and the steps."""

    def __init__(self, way):
        self.way = way
        self.front = None
        self.steps = []
        self.requests = 0
        self.failed = 0
        self.overhead = None
        self.engine = self.registry = self.slipway = self.checker = None

    def set_up(self):
        """Start everything; nothing is deployed yet."""
        shutil.rmtree(PLACE / "slipway", ignore_errors=True)
        PLACE.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        self.engine = Engine(PLACE / "docker").start()
        self.registry = Registry(PLACE / "registry").start()
        say(f"  engine and registry up in {time.monotonic() - begin:.1f} s (registry {self.registry.address})")
        begin = time.monotonic()
        shutil.rmtree(PLACE / "front", ignore_errors=True)
        self.front = Front(PLACE / "front", self.way).start()
        if self.front.proxy:
            say(f"  {self.front.kind} up in {time.monotonic() - begin:.1f} s")
        begin = time.monotonic()
        self.slipway = Slipway(PLACE / "slipway", configuration(self.engine, self.registry, self.front),
                               **self.front.settings).start()
        say(f"  slipway up in {(time.monotonic() - begin) * 1000:.0f} ms: API {self.slipway.url},"
            f" visitors http://{self.front.address(self.slipway)}")

    def tear_down(self):
        """Stop everything that was started, whatever state it is in."""
        for part in (self.checker, self.slipway, self.front, self.engine, self.registry):
            if part:
                try:
                    part.stop()
                except Exception as fault:  # pylint: disable=broad-except
                    say(f"  while stopping: {fault}")
        self.checker = self.slipway = self.front = self.engine = self.registry = None

    def push(self, repository, tag, **behaviour):
        """Push one version; returns its reference."""
        push_app(self.registry, repository, tag, behaviour=behaviour)
        return self.registry.reference(repository, tag)

    def step(self, name, action):
        """Run one step under load; count its requests."""
        say(f"\n{name}")
        before = self.checker.snapshot()
        load = Load(self.front.address(self.slipway), "shop.localhost") if before["targets"] else None
        begin = time.monotonic()
        result = action()
        took_ms = (time.monotonic() - begin) * 1000
        if self.checker.snapshot()["targets"]:
            self.checker.wait_requests(200)  # what comes after the step counts, too
        seen = difference(before, self.checker.snapshot())
        requests, failed = seen["requests"], seen["failed"]
        if load:
            more, bad = load.stop()
            requests, failed = requests + more, failed + bad
        if seen["failed"]:
            say(f"  FAILED requests: {seen['reasons']}")
        self.steps.append({"name": name, "result": result, "ms": round(took_ms), "requests": requests,
                           "failed": failed})
        say(f"  {result}; {took_ms / 1000:.2f} s, {requests} requests, {failed} failed")

    def expect(self, deploy, state, project="shop"):
        """Wait for the end of a deploy; it must be the one expected."""
        over = self.slipway.wait_over(deploy, 90)
        if over["state"] != state:
            for line in self.slipway.log_of(deploy):
                say(f"    {line['level']:5} {line['text']}")
            raise SystemExit(f"demo: deploy {deploy} of {project} is {over['state']} ({over['reason']}),"
                             f" not {state}")
        return over

    def served(self, host, version):
        """Wait until the checker sees this version on the host."""
        self.checker.wait_version(host, version, 20)

    def first(self):
        """v1: nothing serves yet."""
        repositories = {"shop": "shop/web", "blog": "blog/web"} | {f"app{i}": f"many/app{i}" for i in range(MANY)}
        deploys = {}
        for project, repository in repositories.items():
            self.push(repository, "v1")
            deploys[project] = self.slipway.deploy(f"{project}/production", "v1")
        for project, deploy in deploys.items():
            self.expect(deploy, "LIVE", project)
        for project, repository in repositories.items():
            host = f"{project}.localhost"
            self.checker.add(host, self.front.address(self.slipway), app=repository)
            self.served(host, "v1")
        return f"v1 live on {2 + MANY} projects"

    def by_webhook(self):
        """v2: the registry's hook says so, three times."""
        image = self.push("shop/web", "v2")
        answers = [self.slipway.webhook("shop", image) for _ in range(3)]
        self.expect(answers[0][1]["id"], "LIVE")
        self.served("shop.localhost", "v2")
        lives = [d for d in self.slipway.deploys(project="shop") if d["tag"] == "v2" and d["state"] == "LIVE"]
        if len(lives) != 1:
            raise SystemExit(f"demo: three hooks made {len(lives)} deploys")
        return "v2 live; three hooks were one deploy"

    def _newest(self, tag):
        found = [d for d in self.slipway.deploys(project="shop") if d["tag"] == tag]
        return found[0]["id"] if found else None

    def by_poll(self):
        """v3: nobody says anything."""
        self.push("shop/web", "v3")
        deploy = wait_for(lambda: self._newest("v3"), 30, "the poll to find v3")
        self.expect(deploy, "LIVE")
        self.served("shop.localhost", "v3")
        return "v3 found by polling, live"

    def never_healthy(self):
        """v4: starts, but answers 503 on /health for ever."""
        self.push("shop/web", "v4", HEALTH="fail")
        deploy = wait_for(lambda: self._newest("v4"), 30, "the poll to find v4")
        over = self.expect(deploy, "ROLLED_BACK")
        if "v4" in self.checker.versions("shop.localhost"):
            raise SystemExit("demo: v4 got traffic")
        return f"v4 rolled back ({over['reason'][:60]}); v3 served on"

    def across_a_crash(self):
        """v5: slipway is killed in the middle, with no chance to tidy up."""
        image = self.push("shop/web", "v5")
        deploy = self.slipway.webhook("shop", image)[1]["id"]
        at = self.slipway.wait_state(deploy, ("PROBING", "SWAPPING", "DRAINING"))["state"]
        self.slipway.kill()
        self.checker.wait_requests(300)  # the edge serves on alone
        begin = time.monotonic()
        self.slipway.start()
        again_ms = (time.monotonic() - begin) * 1000
        self.expect(deploy, "LIVE")
        self.served("shop.localhost", "v5")
        return f"killed in {at}, back in {again_ms:.0f} ms, v5 live"

    def across_a_shutdown(self):
        """v6: SIGTERM in the middle; it finishes the deploy before it ends."""
        image = self.push("shop/web", "v6")
        deploy = self.slipway.webhook("shop", image)[1]["id"]
        at = self.slipway.wait_state(deploy, ("STARTING", "PROBING"))["state"]
        code = self.slipway.terminate()
        self.served("shop.localhost", "v6")
        self.slipway.start()
        self.expect(deploy, "LIVE")
        if code != 0:
            raise SystemExit(f"demo: slipway ended with {code}")
        return f"SIGTERM in {at}: v6 was live before it ended"

    def back_to_v3(self):
        """Rollback to the deploy of v3."""
        to = [d for d in self.slipway.deploys(project="shop", state="LIVE") if d["tag"] == "v3"][0]["id"]
        self.checker.expect("shop.localhost", "v3")
        self.expect(self.slipway.rollback("shop/production", to=to), "LIVE")
        self.served("shop.localhost", "v3")
        return "v3 live again"

    def many(self):
        """Ten projects at once."""
        for i in range(MANY):
            self.push(f"many/app{i}", "v2")
        deploys = [self.slipway.deploy(f"app{i}/production", "v2") for i in range(MANY)]
        for i, deploy in enumerate(deploys):
            self.expect(deploy, "LIVE", f"app{i}")
            self.served(f"app{i}.localhost", "v2")
        return f"{MANY} projects live"

    def play(self):
        """All steps, the table, the report."""
        say("Setting up")
        self.set_up()
        self.checker = Checker([], rate=1500, workers=8).start()
        for name, action in (
                ("v1: first deploy", self.first), ("v2: by webhook", self.by_webhook),
                ("v3: found by polling", self.by_poll), ("v4: never healthy", self.never_healthy),
                ("v5: kill -9 of slipway in the middle", self.across_a_crash),
                ("v6: SIGTERM in the middle", self.across_a_shutdown),
                ("rollback to v3", self.back_to_v3), ("ten projects at once", self.many)):
            self.step(name, action)
        self.checker.stop()
        self.checker = None
        say("\nOverhead: the same engine calls made by hand, side by side")
        self.overhead = measure_overhead(self.slipway, self.engine, self.registry, rounds=5)
        say(f"  by hand {self.overhead['floor_ms']:.0f} ms, by slipway {self.overhead['deploy_ms']:.0f} ms:"
            f" ratio {self.overhead['ratio']:.3f}")
        return self.report()

    def report(self):
        """Print the table, write report.json; returns whether nothing failed."""
        requests = sum(step["requests"] for step in self.steps)
        failed = sum(step["failed"] for step in self.steps)
        width = max(len(step["result"]) for step in self.steps)
        say(f"\n{'step':38} {'result':{width}} {'time':>8} {'requests':>9} {'failed':>6}")
        for step in self.steps:
            say(f"{step['name']:38} {step['result']:{width}} {step['ms'] / 1000:6.2f} s"
                f" {step['requests']:9} {step['failed']:6}")
        say(f"{'':38} {'in total':{width}} {'':8} {requests:9} {failed:6}")
        (PLACE / "report.json").write_text(json.dumps({
            "steps": self.steps, "requests": requests, "failed": failed,
            "overhead_ratio": round(self.overhead["ratio"], 3)}, indent=1) + "\n", "utf-8")
        promised = self.slipway.get("/api/v1/projects/shop/stages/production")["proxy"]
        say(f"\nguaranteed by {promised['way']}: {promised['promise']}")
        say(f"build/demo/report.json written; {'no request failed' if failed == 0 else 'REQUESTS FAILED'}")
        return failed == 0 or promised["promise"] != "no request fails"

    def stay(self):
        """Set up for use by hand until Ctrl-C."""
        say("Setting up")
        self.set_up()
        for project in ("shop", "blog"):
            self.push(f"{project}/web", "v1")
            self.expect(self.slipway.deploy(f"{project}/production", "v1"), "LIVE", project)
        say(f"""
Slipway runs. In another terminal:

    export SLIPWAY_URL={self.slipway.url} SLIPWAY_TOKEN={self.slipway.settings['SLIPWAY_TOKEN']}
    build/slipway status
    curl -H 'Host: shop.localhost' http://{self.front.address(self.slipway)}/

Push images to {self.registry.address} (shop/web is polled every second). Ctrl-C ends everything.""")
        signal.pause()


def main():
    """Parse the arguments; run; always clean up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stay", action="store_true", help="set up and stay until Ctrl-C")
    parser.add_argument("--proxy", default="edge", choices=(*WAYS, "npm", "caddy"), help="how visitors come in")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", sys.executable, *sys.argv])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = Demo(arguments.proxy if "-" in arguments.proxy or arguments.proxy == "edge" else f"{arguments.proxy}-edge")
    try:
        if arguments.stay:
            demo.stay()
            return 0
        return 0 if demo.play() else 1
    except KeyboardInterrupt:
        say("\ninterrupted; cleaning up")
        return 130
    finally:
        demo.tear_down()


if __name__ == "__main__":
    sys.exit(main())
