# SPDX-License-Identifier: MIT
"""The verification window: a version that passes its gate and then answers 500 under load is left by itself."""
import signal

from bed.wait import wait_for
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 20s}
    verify: {for: 8s}
    stages:
      production: {tags: "v*", domains: [shop.localhost], replicas: 2}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """v2 is watched and stays; v3 goes bad in its window, and the traffic returns to v2."""
    demo.serve(PROJECTS)
    figures = {}

    def _ids():
        return {one["Id"] for one in demo.engine.api.containers(label="slipway.managed=true")}

    def first():
        demo.push("shop/web", "v1")
        demo.run("plan", STAGE)
        return demo.first(STAGE, "v1", HOST)

    def good():
        demo.push("shop/web", "v2")
        deploy = demo.slipway.deploy(STAGE, "v2")
        demo.slipway.wait_state(deploy, "VERIFYING")
        demo.served(HOST, "v2")
        demo.run("show", str(deploy))
        demo.expect(deploy, "LIVE")
        return "watched for 8 s, then live"

    def bad():
        served = _ids()
        demo.push("shop/web", "v3", ERROR_AFTER_MS=0, AFTER="SIGUSR1")
        deploy = demo.slipway.deploy(STAGE, "v3")
        wait_for(lambda: "v3" in demo.checker.versions(HOST), 30, "v3 to have the traffic")
        demo.slipway.wait_state(deploy, "VERIFYING")
        for one in demo.engine.api.containers(label="slipway.tag=v3"):
            demo.engine.api.signal(one["Id"], signal.SIGUSR1)
        demo.checker.expect(HOST, "v2")
        over = demo.expect(deploy, "ROLLED_BACK")
        demo.served(HOST, "v2")
        if _ids() != served:
            raise SystemExit("demo: a container of v2 was started or removed")
        steps = {step["to"]: step["at_ms"] for step in over["steps"]}
        figures["judged"] = steps["SWAPPING_BACK"] - steps["VERIFYING"]
        figures["back"] = steps["RESTORED"] - steps["SWAPPING_BACK"]
        figures["hit"] = demo.checker.snapshot()["reasons"]["status_5xx"]
        demo.run("show", str(deploy), code=0)
        return f"v3 led back by itself: {over['reason'][:48]}"

    def again():
        answer = demo.slipway.webhook("shop", demo.registry.reference("shop/web", "v3"))[1]
        over = demo.expect(answer["id"], "SKIPPED")
        return f"v3 is held: {over['reason'][:44]}"

    for name, action in (("v1: the first", first), ("v2: passes its window", good)):
        demo.step(name, action)
    action = bad()
    say(f"\nv3: 500 for every visitor from some moment of its window on; /health stays good\n  {action}")
    demo.step("v3 again, by a webhook", again)
    say(f"\nv3 was found bad {figures['judged'] / 1000:.1f} s after its window began; all traffic was at v2 again"
        f" {figures['back']} ms later.\n{figures['hit']} requests were answered with 500, and v2 was started by nobody:"
        " it ran on.")
