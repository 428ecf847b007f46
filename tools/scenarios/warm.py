# SPDX-License-Identifier: MIT
"""A version that was kept warm: going back to it starts nothing, and is over in a moment."""
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 3, interval: 1s, min_uptime: 3s, deadline: 20s}
    stages:
      production: {tags: "v*", domains: [shop.localhost], replicas: 2, warm_keep: 5m}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """v2 takes over, and is left again for v1, three times each way; what that took is measured."""
    demo.serve(PROJECTS)
    figures = []

    def _containers():
        return {one["Id"] for one in demo.engine.api.containers(label="slipway.managed=true")}

    def _took(deploy):
        steps = [step for step in demo.slipway.show(deploy)["steps"]]
        end = next(step["at_ms"] for step in steps if step["on"] == "CONFIRMED")
        return end - demo.slipway.show(deploy)["created_ms"]

    def first():
        demo.push("shop/web", "v1")
        return demo.first(STAGE, "v1", HOST)

    def second():
        demo.push("shop/web", "v2")
        deploy = demo.slipway.deploy(STAGE, "v2")
        demo.expect(deploy, "LIVE")
        demo.served(HOST, "v2")
        demo.run("status", STAGE)
        return f"by a whole deploy, {_took(deploy)} ms until it served"

    def back_and_forth():
        before = _containers()
        for tag in ("v1", "v2") * 3:
            demo.checker.expect(HOST, tag)
            deploy = demo.slipway.rollback(STAGE)
            demo.expect(deploy, "LIVE")
            demo.served(HOST, tag)
            figures.append(_took(deploy))
        if _containers() != before:
            raise SystemExit("demo: a container was started or removed")
        return "six times, and no container was started"

    for name, action in (("v1: first deploy", first), ("v2: a whole deploy", second),
                         ("back and forth", back_and_forth)):
        demo.step(name, action)
    if max(figures) >= 1000:
        raise SystemExit(f"demo: going back took {max(figures)} ms")
    say(f"\nFrom the wish to the other version confirmed by the edge: {', '.join(map(str, figures))} ms.")
