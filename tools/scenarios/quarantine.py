# SPDX-License-Identifier: MIT
"""Quarantine: a version that was rolled back is not deployed again until a person says so."""
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 6s}
    stages:
      production: {tags: {semver: ">=1.0.0"}, domains: [shop.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """1.1.0 is bad: it goes back, stays away from hooks, and comes by a person's word only."""
    demo.serve(PROJECTS)

    def first():
        demo.push("shop/web", "1.0.0")
        return demo.first(STAGE, "1.0.0", HOST)

    def bad():
        image = demo.push("shop/web", "1.1.0", HEALTH="fail")
        over = demo.expect(demo.slipway.webhook("shop", image)[1]["id"], "ROLLED_BACK")
        return f"rolled back: {over['reason'][:48]}"

    def again():
        image = demo.registry.reference("shop/web", "1.1.0")
        status, answer = demo.slipway.webhook("shop", image)
        over = demo.expect(answer["id"], "SKIPPED")
        demo.run("explain", STAGE)
        demo.run("status", STAGE)
        return f"the hook is answered {status}; held: {over['reason'][:38]}"

    def newer():
        image = demo.push("shop/web", "1.2.0")
        demo.expect(demo.slipway.webhook("shop", image)[1]["id"], "LIVE")
        demo.served(HOST, "1.2.0")
        return "a newer version is not held"

    def back():
        demo.checker.expect(HOST, "1.0.0")  # an earlier version is right from here on
        demo.run("rollback", STAGE, "--wait")
        demo.served(HOST, "1.0.0")
        image = demo.registry.reference("shop/web", "1.2.0")
        demo.expect(demo.slipway.webhook("shop", image)[1]["id"], "SKIPPED")
        return "1.2.0 was left by a person: its hook is held, too"

    def lifted():
        demo.checker.expect(HOST, "1.2.0")
        demo.run("lift", STAGE)
        image = demo.registry.reference("shop/web", "1.2.0")
        demo.expect(demo.slipway.webhook("shop", image)[1]["id"], "LIVE")
        demo.served(HOST, "1.2.0")
        return "lifted: the same hook deploys 1.2.0"

    for name, action in (("1.0.0: first deploy", first), ("1.1.0: never healthy", bad),
                         ("its hook once more", again), ("1.2.0: newer and good", newer),
                         ("a person rolls back", back), ("a person lifts the quarantine", lifted)):
        demo.step(name, action)
    say("\nNo hook and no poll brings a bad version back.")
