# SPDX-License-Identifier: MIT
"""What demos are made of: real parts below build/, steps under load, a count of every request.

A demo sets up an engine and a registry, serves a configuration, plays steps and reports. `make demo` plays
the main job (tools/demo.py), `make demo SCENARIO=name` one module of tools/scenarios.
"""
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from bed.checker import PATIENCE_MS, Checker, difference  # noqa: E402
from bed.engine import Engine  # noqa: E402
from bed.front import Front  # noqa: E402
from bed.image import push_app  # noqa: E402
from bed.process import tied  # noqa: E402
from bed.registry import Registry  # noqa: E402
from bed.slipway import Slipway  # noqa: E402

SCRIPT = "function delay() return 4 end\n"  # wrk waits 4 ms before each request: a bounded load


def say(text=""):
    """Print at once, also into a pipe."""
    print(text, flush=True)


class Load:
    """wrk beside the checker: plain pressure on one host; counts what fails."""

    def __init__(self, place, address, host):
        script = place / "wrk.lua"
        script.write_text(SCRIPT, "ascii")
        self._process = subprocess.Popen(
            tied(["wrk", "-t1", "-c8", "-d3600s", "--timeout", "10s", "-s", str(script), "-H", f"Host: {host}",
                  f"http://{address}/"]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self):
        """Return (requests, failed)."""
        self._process.send_signal(signal.SIGINT)
        text = self._process.communicate(timeout=30)[0]
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        failed = sum(map(int, errors.groups())) if errors else 0
        return requests, failed + (int(bad.group(1)) if bad else 0)


class Show:
    """The set-up, the steps and the report of one demo."""

    def __init__(self, place, way="edge", rate=1500):
        self.place = place
        self.rate = rate  # of the checker, requests a second
        self.way = way
        self.loaded_host = None  # gets wrk's load, too
        self.front = None
        self.steps = []
        self.engine = self.registry = self.slipway = self.checker = None

    def set_up(self):
        """Start engine, registry and the proxy in front; slipway comes with serve()."""
        shutil.rmtree(self.place / "slipway", ignore_errors=True)
        self.place.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        self.engine = Engine(self.place / "docker").start()
        self.registry = Registry(self.place / "registry").start()
        say(f"  engine and registry up in {time.monotonic() - begin:.1f} s (registry {self.registry.address})")
        begin = time.monotonic()
        shutil.rmtree(self.place / "front", ignore_errors=True)
        self.front = Front(self.place / "front", self.way).start()
        if self.front.proxy:
            say(f"  {self.front.kind} up in {time.monotonic() - begin:.1f} s")
        self.checker = Checker([], rate=self.rate, workers=8, timeout_ms=PATIENCE_MS).start()

    def heading(self):
        """Return the top of a slipway.yml: engine, registry, proxy."""
        return f"""version: 1
engines:
  local: {{host: "{self.engine.host}"}}
registries:
  "{self.registry.address}": {{insecure: true}}
{self.front.configuration}"""

    def serve(self, projects, **settings):
        """Start slipway with these projects (YAML from `projects:` on; {registry} is its address)."""
        begin = time.monotonic()
        text = self.heading() + projects.replace("{registry}", self.registry.address)
        self.slipway = Slipway(self.place / "slipway", text, **self.front.settings, **settings).start()
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
        """Run one step under load; count its requests. The action returns what it did, in words."""
        say(f"\n{name}")
        before = self.checker.snapshot()
        load = None
        if self.loaded_host and before["targets"]:
            load = Load(self.place, self.front.address(self.slipway), self.loaded_host)
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

    def run(self, *words, code=0, given=""):
        """Run slipway's command line as a user would, showing it; returns what it printed."""
        say(f"  $ slipway {' '.join(words)}")
        done = self.slipway.run(*words, given=given)
        for line in (done.stdout + done.stderr).splitlines():
            say(f"    {line}")
        if done.returncode != code:
            raise SystemExit(f"demo: it ended with {done.returncode}, not {code}")
        return done.stdout

    def expect(self, deploy, state, project="shop"):
        """Wait for the end of a deploy; it must be the one expected."""
        over = self.slipway.wait_over(deploy, 90)
        if over["state"] != state:
            for line in self.slipway.log_of(deploy):
                say(f"    {line['level']:5} {line['text']}")
            raise SystemExit(f"demo: deploy {deploy} of {project} is {over['state']} ({over['reason']}),"
                             f" not {state}")
        return over

    def first(self, name, tag, host):
        """Deploy the first version of PROJECT/STAGE; visitors of the host are counted from then on."""
        self.expect(self.slipway.deploy(name, tag), "LIVE", name)
        self.checker.add(host, self.front.address(self.slipway))
        self.served(host, tag)
        return f"{tag} live"

    def served(self, host, version):
        """Wait until the checker sees this version on the host."""
        self.checker.wait_version(host, version, 20)

    def report(self, **more):
        """Print the table, write report.json; returns how many requests failed."""
        requests = sum(step["requests"] for step in self.steps)
        failed = sum(step["failed"] for step in self.steps)
        width = max(len(step["result"]) for step in self.steps)
        name_width = max(len(step["name"]) for step in self.steps)
        say(f"\n{'step':{name_width}} {'result':{width}} {'time':>8} {'requests':>9} {'failed':>6}")
        for step in self.steps:
            say(f"{step['name']:{name_width}} {step['result']:{width}} {step['ms'] / 1000:6.2f} s"
                f" {step['requests']:9} {step['failed']:6}")
        say(f"{'':{name_width}} {'in total':{width}} {'':8} {requests:9} {failed:6}")
        (self.place / "report.json").write_text(json.dumps({
            "steps": self.steps, "requests": requests, "failed": failed, **more}, indent=1) + "\n", "utf-8")
        say(f"\n{self.place.relative_to(ROOT)}/report.json written; {'no request failed' if failed == 0 else 'REQUESTS FAILED'}")
        return failed
