# SPDX-License-Identifier: MIT
"""Hooks: before the switch, behind it and behind the retirement; one that fails leads the traffic back."""
from bed.wait import wait_for
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 20s}
    volumes: ["DATA:/data:shared"]
    hooks:
      pre_switch: {command: [sh, -c, "echo pre_switch $SLIPWAY_TAG >> /data/hooks; exit ${PRE_CODE:-0}"]}
      post_switch:
        command: [sh, -c, "echo post_switch $SLIPWAY_TAG >> /data/hooks; sleep 1; exit ${POST_CODE:-0}"]
        swap_back: true
      post_retire: {command: [sh, -c, "echo post_retire $SLIPWAY_TAG >> /data/hooks"]}
    stages:
      production: {tags: "v*", domains: [shop.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """v2 passes all three; v3 fails before the switch, v4 behind it."""
    data = demo.place / "slipway-data"
    data.mkdir(mode=0o777, exist_ok=True)
    data.chmod(0o777)
    journal = data / "hooks"
    journal.unlink(missing_ok=True)
    demo.serve(PROJECTS.replace("DATA", str(data)), SLIPWAY_ALLOW_VOLUME_PATHS=str(data))

    def lines(tag):
        return [line.split()[0] for line in journal.read_text("utf-8").splitlines() if line.endswith(tag)]

    def first():
        demo.push("shop/web", "v1")
        demo.first(STAGE, "v1", HOST)
        demo.loaded_host = HOST
        return f"v1 live; its hooks: {', '.join(lines('v1'))}"

    def good():
        demo.push("shop/web", "v2")
        deploy = demo.slipway.deploy(STAGE, "v2")
        demo.expect(deploy, "LIVE")
        demo.served(HOST, "v2")
        demo.run("show", str(deploy))
        return f"v2 live; its hooks: {', '.join(lines('v2'))}"

    def before():
        demo.push("shop/web", "v3", PRE_CODE=3)
        over = demo.expect(demo.slipway.deploy(STAGE, "v3"), "ROLLED_BACK")
        if "v3" in demo.checker.versions(HOST):
            raise SystemExit("demo: v3 got traffic")
        return f"v3 had no traffic: {over['reason'][:46]}"

    def behind():
        demo.push("shop/web", "v4", POST_CODE=4)
        deploy = demo.slipway.deploy(STAGE, "v4")
        wait_for(lambda: "v4" in demo.checker.versions(HOST), 30, "v4 to have the traffic")
        demo.checker.expect(HOST, "v2")
        over = demo.expect(deploy, "ROLLED_BACK")
        demo.served(HOST, "v2")
        return f"v4 had the traffic, and v2 has it again: {over['reason'][:47]}"

    for name, action in (("v1: the first", first), ("v2: all of them end well", good),
                         ("v3: fails before the switch", before), ("v4: fails behind the switch", behind)):
        demo.step(name, action)
    say("\nA version stays when its hooks have said so.")
