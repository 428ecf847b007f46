#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The main job, shown on real parts: `make demo`.

A private Docker engine, a registry, the edge and slipway are started below build/demo; two projects are
seeded from YAML; then, with independent load on the edge all the time, images are pushed and slipway
deploys them: by webhook, by polling, a bad one that is rolled back, one across a crash of slipway, one
across its shutdown, a rollback, ten projects at once. Every request is counted; none may fail. With
--stay it sets the same up and stays for use by hand (`make run`). With --proxy the visitors come in
through Nginx Proxy Manager (a stand-in for its API, on a real nginx) or Caddy, by either way. With
--scenario one part is shown instead, by the module of that name in tools/scenarios.
"""
import argparse
import importlib
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from bed.front import WAYS  # noqa: E402
from bed.wait import wait_for  # noqa: E402
from overhead import measure_overhead  # noqa: E402
from show import Show, say  # noqa: E402

MANY = 10
SCENARIOS = sorted(path.stem for path in (ROOT / "tools" / "scenarios").glob("*.py"))


def projects(front):
    """Return YAML: two projects to watch closely, and ten small ones."""
    replicas = 1 if front.way == "npm-direct" else 2
    small = "\n".join(f"""
  app{i}:
    image: {{registry}}/many/app{i}
    port: 8080
    health: {{http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 30s}}
    warm_keep: 0s
    stages:
      production: {{tags: "v*", domains: [app{i}.localhost]{front.stage}}}""" for i in range(MANY))
    return f"""projects:
  shop:
    image: {{registry}}/shop/web
    port: 8080
    warm_keep: 0s
    health: {{http: /health, successes: 3, interval: 100ms, min_uptime: 0s, deadline: 5s}}
    stages:
      production: {{tags: "v*", poll: 1s, domains: [shop.localhost], replicas: {replicas}{front.stage}}}
  blog:
    image: {{registry}}/blog/web
    port: 8080
    warm_keep: 0s
    health: {{http: /health, successes: 3, interval: 100ms, min_uptime: 0s, deadline: 5s}}
    stages:
      production: {{tags: "v*", domains: [blog.localhost]{front.stage}}}
{small}
"""


class MainJob(Show):
    """The steps of the main job."""

    def begin(self):
        """Start everything; nothing is deployed yet."""
        say("Setting up")
        self.set_up()
        self.serve(projects(self.front))
        self.loaded_host = "shop.localhost"

    def everywhere(self):
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
        self.begin()
        for name, action in (
                ("v1: first deploy", self.everywhere), ("v2: by webhook", self.by_webhook),
                ("v3: found by polling", self.by_poll), ("v4: never healthy", self.never_healthy),
                ("v5: kill -9 of slipway in the middle", self.across_a_crash),
                ("v6: SIGTERM in the middle", self.across_a_shutdown),
                ("rollback to v3", self.back_to_v3), ("ten projects at once", self.many)):
            self.step(name, action)
        self.checker.stop()
        self.checker = None
        say("\nOverhead: the same engine calls made by hand, side by side")
        overhead = measure_overhead(self.slipway, self.engine, self.registry, rounds=5)
        say(f"  by hand {overhead['floor_ms']:.0f} ms, by slipway {overhead['deploy_ms']:.0f} ms:"
            f" ratio {overhead['ratio']:.3f}")
        failed = self.report(overhead_ratio=round(overhead["ratio"], 3))
        promised = self.slipway.get("/api/v1/projects/shop/stages/production")["proxy"]
        say(f"guaranteed by {promised['way']}: {promised['promise']}")
        return failed == 0 or promised["promise"] != "no request fails"

    def stay(self):
        """Set up for use by hand until Ctrl-C."""
        self.begin()
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


def scenario(demo, name):
    """Show one part: the module sets up what it needs beyond the engine and the registry."""
    module = importlib.import_module(f"scenarios.{name}")
    say(f"{module.__doc__.strip()}\n\nSetting up")
    demo.set_up()
    module.run(demo)
    return 1 if demo.report(scenario=name) else 0


def main():
    """Parse the arguments; run; always clean up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stay", action="store_true", help="set up and stay until Ctrl-C")
    parser.add_argument("--proxy", default="edge", choices=(*WAYS, "npm", "caddy"), help="how visitors come in")
    parser.add_argument("--scenario", choices=SCENARIOS, help="show this part instead of the main job")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", sys.executable, *sys.argv])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place = ROOT / "build" / ("scenario" if arguments.scenario else "demo")
    demo = MainJob(place, arguments.proxy if arguments.proxy in WAYS else f"{arguments.proxy}-edge",
                   rate=500 if arguments.scenario else 1500)
    try:
        if arguments.stay:
            demo.stay()
            return 0
        if arguments.scenario:
            return scenario(demo, arguments.scenario)
        return 0 if demo.play() else 1
    except KeyboardInterrupt:
        say("\ninterrupted; cleaning up")
        return 130
    finally:
        demo.tear_down()


if __name__ == "__main__":
    sys.exit(main())
