# SPDX-License-Identifier: MIT
"""Promotion: production takes only what staging runs, after a soak and with two approvals; a freeze holds."""
from bed.wait import wait_for
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 10s}
    stages:
      staging: {tags: "v*", domains: [staging.localhost]}
      production: {auto: false, promote_from: staging, soak: 2s, approvals: 2, domains: [shop.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def pending(demo):
    """Return the deploy that pends in production."""
    return wait_for(lambda: demo.slipway.stage(STAGE)["pending"], 20, "a pending deploy")["deploy"]


def bring(demo, tag):
    """A version comes to production: by its digest from staging, and by two people."""
    image = demo.push("shop/web", tag)
    demo.expect(demo.slipway.webhook("shop", image)[1]["id"], "LIVE")
    demo.run("promote", STAGE, "--as", "ann")
    deploy = pending(demo)
    demo.run("approve", str(deploy), "--as", "bob")
    demo.run("approve", str(deploy), "--as", "cid")
    demo.expect(deploy, "LIVE")
    return deploy


def run(demo):
    """v1 and v2 by the way through staging; what else is tried is told why not."""
    demo.serve(PROJECTS)

    def first():
        deploy = bring(demo, "v1")
        demo.checker.add(HOST, demo.front.address(demo.slipway))
        demo.served(HOST, "v1")
        return f"deploy {deploy}: soaked, and approved by two people"

    def early():
        demo.push("shop/web", "v2")
        status, _, answer = demo.slipway.call("POST", "/api/v1/projects/shop/stages/production/deploys",
                                              {"tag": "v2", "by": "ann"})
        return f"{status}: {answer['error']['message'][:60]}"

    def frozen():
        demo.run("freeze", STAGE, "--as", "ann", "--reason", "sale weekend")
        status, _, answer = demo.slipway.call("POST", "/api/v1/projects/shop/stages/production/promote", {"by": "bob"})
        demo.run("unfreeze", STAGE, "--as", "ann")
        return f"{status}: {answer['error']['message'][:60]}"

    def second():
        demo.checker.expect(HOST, "v2")
        deploy = bring(demo, "v2")
        demo.served(HOST, "v2")
        demo.run("promotable", STAGE)
        demo.run("show", str(deploy))
        return f"deploy {deploy}: no request failed meanwhile"

    def audited():
        demo.run("audit")
        entries = demo.slipway.get("/api/v1/audit")["items"]
        return f"{len(entries)} decisions are kept with their names"

    for name, action in (("v1: by staging", first), ("v2 past staging", early), ("a freeze", frozen),
                         ("v2: by staging", second), ("the audit log", audited)):
        demo.step(name, action)
    say("Production has only what staging ran, and each step has a name.")
