# SPDX-License-Identifier: MIT
"""The API: it describes itself, does once what is asked twice, and tells what became of the deploys."""
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 6s}
    stages:
      production: {tags: "v*", domains: [shop.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"
DEPLOYS = "/api/v1/projects/shop/stages/production/deploys"


def run(demo):
    """A key over a crash, and statistics that agree with what was seen."""
    demo.serve(PROJECTS)

    def described():
        document = demo.slipway.get("/openapi.json")
        calls = sum(method in item for item in document["paths"].values()
                    for method in ("get", "post", "put", "patch", "delete"))
        page = demo.slipway.call("GET", "/docs", token=None)[2]
        if "/docs/page.js" not in page:
            raise SystemExit("demo: the page of the reference is not served")
        return f"{calls} calls in /openapi.json; /docs shows them"

    def first():
        demo.push("shop/web", "v1")
        return demo.first(STAGE, "v1", HOST)

    def once():
        demo.push("shop/web", "v2")
        key = {"Idempotency-Key": "release-42"}
        status, _, begun = demo.slipway.call("POST", DEPLOYS, {"tag": "v2"}, headers=key)
        demo.slipway.kill()
        demo.slipway.start()
        again, headers, answer = demo.slipway.call("POST", DEPLOYS, {"tag": "v2"}, headers=key)
        if (again, answer, headers.get("Idempotency-Replayed")) != (status, begun, "true"):
            raise SystemExit(f"demo: asked again, the answer is {again} {answer}")
        demo.expect(begun["id"], "LIVE")
        demo.served(HOST, "v2")
        other = demo.slipway.call("POST", DEPLOYS, {"tag": "v1"}, headers=key)[0]
        made = len(demo.slipway.deploys())
        if (other, made) != (409, 2):
            raise SystemExit(f"demo: another request is answered {other}, there are {made} deploys")
        return f"kill -9, sent again: deploy {begun['id']} both times, one deploy"

    def figures():
        demo.push("shop/web", "v3", HEALTH="fail")
        demo.expect(demo.slipway.deploy(STAGE, "v3"), "ROLLED_BACK")
        demo.run("stats")
        item = demo.slipway.get("/api/v1/statistics")["items"][0]
        if (item["deploys"], item["live"], item["rolled_back"]) != (3, 2, 1):
            raise SystemExit(f"demo: the statistics say {item}")
        return f"3 deploys, 2 live, 1 taken back; swap {item['swap_ms']['p50']} ms"

    for name, action in (("the API describes itself", described), ("v1: first deploy", first),
                         ("v2: asked twice with one key, over a crash", once),
                         ("what became of the deploys", figures)):
        demo.step(name, action)
    say("\nWhoever lost an answer asks again, and nothing is done twice.")
