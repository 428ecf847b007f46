# SPDX-License-Identifier: MIT
"""Images by rule: what goes and why the rest stays, a pin, a rollback without the registry, a disk that is too full."""
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 6s}
    keep_versions: 1
    warm_keep: 0s
    stages:
      production: {tags: "v*", domains: [shop.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """Five versions and a bad one, of which two stay; going back; no room for one more."""
    demo.serve(PROJECTS, SLIPWAY_KEEP_IMAGES="0s")
    digests = {}

    def there(tag):
        return demo.engine.api.image(f"{demo.registry.address}/shop/web@{digests[tag]}") is not None

    def push(tag, **behaviour):
        demo.push("shop/web", tag, **behaviour)
        digests[tag] = demo.registry.digest("shop/web", tag)

    def versions():
        push("v1")
        demo.first(STAGE, "v1", HOST)
        for tag in ("v2", "v3", "v4", "v5"):
            push(tag)
            demo.expect(demo.slipway.deploy(STAGE, tag), "LIVE")
            demo.served(HOST, tag)
        push("v6", HEALTH="fail")
        demo.expect(demo.slipway.deploy(STAGE, "v6"), "ROLLED_BACK")
        first = demo.slipway.deploys()[-1]["id"]
        demo.run("retention", "pin", str(first))
        return "v1 to v5 live in turn, v6 never healthy; v1 is pinned"

    def preview():
        demo.run("retention", STAGE)
        (engine,) = demo.slipway.get("/api/v1/retention")["engines"]
        goes = {one["digest"] for one in engine["images"] if one["goes"]}
        if goes != {digests[tag] for tag in ("v2", "v3", "v6")}:
            raise SystemExit(f"demo: {goes} would go")
        return "v2, v3 and v6 would go; live, pinned and the one to go back to stay"

    def removed():
        demo.run("retention", "run")
        left = [tag for tag in sorted(digests) if there(tag)]
        if left != ["v1", "v4", "v5"]:
            raise SystemExit(f"demo: {left} are left")
        return f"left on the engine: {', '.join(left)}"

    def back():
        demo.registry.stop(keep_data=True)
        demo.checker.expect(HOST, "v4")
        demo.expect(demo.slipway.rollback(STAGE), "LIVE")
        demo.served(HOST, "v4")
        demo.registry.start()
        demo.run("rollback", STAGE, "--list")
        return "v4 live again while the registry was away"

    def full():
        demo.slipway.terminate()
        demo.slipway.settings["SLIPWAY_DISK_FLOOR_MB"] = "1000000000"
        demo.slipway.start()
        push("v7")
        over = demo.expect(demo.slipway.deploy(STAGE, "v7"), "FAILED")
        demo.served(HOST, "v4")
        if there("v7"):
            raise SystemExit("demo: v7 was pulled")
        return f"v7: {over['reason'][:70]}...; v4 served on"

    for name, action in (("five versions, and one that is not healthy", versions), ("what would go", preview),
                         ("what may go, goes", removed), ("back by one, without the registry", back),
                         ("a disk that is too full", full)):
        demo.step(name, action)
    say("\nWhat one can go back to is never removed; what nothing needs does not fill the disk.")
