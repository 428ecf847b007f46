# SPDX-License-Identifier: MIT
"""Stop-first: two versions may not write one volume, so the old one is stopped while requests wait at the edge."""
from show import say

PROJECTS = """projects:
  wiki:
    image: {registry}/wiki/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 5s}
    stages:
      production: {tags: "v*", domains: [wiki.localhost], volumes: ["wiki-data:/data"], stop_timeout: 5s}
"""
STAGE = "wiki/production"
HOST = "wiki.localhost"


def run(demo):
    """v2 takes over, v3 fails and v2 comes back, v4 goes on over a kill of slipway; no request fails."""
    demo.serve(PROJECTS)
    figures = []

    def first():
        demo.push("wiki/web", "v1")
        return demo.first(STAGE, "v1", HOST)

    def plan():
        demo.run("plan", STAGE)
        return "told before anything is deployed"

    def _took(deploy):
        steps = demo.slipway.show(deploy)["steps"]
        begin = next(step["at_ms"] for step in steps if step["to"] == "HALTING")
        end = next(step["at_ms"] for step in steps if step["at_ms"] > begin
                   and step["to"] in ("CONFIRMING", "RESTORED"))
        figures.append(end - begin)
        return f"nobody served for {end - begin} ms"

    def second():
        demo.push("wiki/web", "v2")
        deploy = demo.slipway.deploy(STAGE, "v2")
        demo.expect(deploy, "LIVE", "wiki")
        demo.served(HOST, "v2")
        return _took(deploy)

    def bad():
        demo.push("wiki/web", "v3", HEALTH="fail")
        deploy = demo.slipway.deploy(STAGE, "v3")
        demo.expect(deploy, "ROLLED_BACK", "wiki")
        demo.checker.wait_requests(100)
        demo.served(HOST, "v2")
        return f"rolled back; {_took(deploy)}, then v2 again"

    def killed():
        demo.push("wiki/web", "v4", LISTEN_DELAY_MS=1000)
        deploy = demo.slipway.deploy(STAGE, "v4")
        at = demo.slipway.wait_state(deploy, ("STARTING", "PROBING"))["state"]
        demo.slipway.kill()
        demo.slipway.start()
        demo.expect(deploy, "LIVE", "wiki")
        demo.served(HOST, "v4")
        return f"killed in {at}; {_took(deploy)}"

    for name, action in (("v1: first deploy", first), ("what will happen", plan), ("v2: stop, start, go on", second),
                         ("v3: never healthy", bad), ("v4: kill -9 while nobody serves", killed)):
        demo.step(name, action)
    waited = demo.checker.snapshot()["latency_ms"]["max"]
    say(f"\nNobody served for {', '.join(map(str, figures))} ms; the longest that a request waited was {waited:.0f} ms;"
        " none failed.")
