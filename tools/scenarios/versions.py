# SPDX-License-Identifier: MIT
"""Several versions at once, each reached by its tag: the oldest goes when a newer one serves, and going back starts
nothing."""
from bed.wait import wait_for

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, min_uptime: 1s}
    stages:
      production: {tags: "v*", domains: [shop.localhost, "{tag}-shop.localhost"], max_instances: 3}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """v1 to v4 one after the other, with visitors of each all the time; then back to v2, and v3 is removed."""
    demo.serve(PROJECTS)

    def _name(tag):
        return f"{tag}-{HOST}"

    def _visit(tag):
        demo.checker.add(_name(tag), demo.slipway.edge_address, app="shop/web")
        demo.checker.expect(_name(tag), tag)
        demo.served(_name(tag), tag)

    def _tags():
        containers = demo.engine.api.containers(label="slipway.managed=true")
        return sorted(one["Labels"]["slipway.tag"] for one in containers if one["State"] == "running")

    def first():
        demo.push("shop/web", "v1")
        return demo.first(STAGE, "v1", HOST)

    def three():
        for tag in ("v2", "v3"):
            demo.push("shop/web", tag)
            demo.expect(demo.slipway.deploy(STAGE, tag), "LIVE")
            demo.served(HOST, tag)
        for tag in ("v2", "v3"):
            _visit(tag)
        demo.run("status", STAGE)
        return f"{', '.join(_tags())} run, each with visitors of its own"

    def fourth():
        demo.push("shop/web", "v4")
        demo.expect(demo.slipway.deploy(STAGE, "v4"), "LIVE")
        demo.served(HOST, "v4")
        wait_for(lambda: _tags() == ["v2", "v3", "v4"], 60, "v1 to go")
        _visit("v4")
        return "v1 went once v4 served; nobody else noticed"

    def back():
        kept = demo.slipway.stage(STAGE)["kept"]
        deploy = next(one["deploy"] for one in kept if one["tag"] == "v2")
        demo.checker.expect(HOST, "v2")
        demo.expect(demo.slipway.rollback(STAGE, to=deploy), "LIVE")
        demo.served(HOST, "v2")
        if _tags() != ["v2", "v3", "v4"]:
            raise SystemExit(f"demo: {_tags()} run")
        return f"v2 serves {HOST} again, and nothing was started"

    for name, action in (("v1: first deploy", first), ("v2, v3: beside it", three), ("v4: the oldest goes", fourth),
                         ("back to v2", back)):
        demo.step(name, action)
