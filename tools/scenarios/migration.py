# SPDX-License-Identifier: MIT
"""Migration: a version's own command, run once before anything of it starts, whatever is killed meanwhile."""
from bed.wait import wait_for
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 20s}
    volumes: ["DATA:/data:shared"]
    migration:
      command: [sh, -c, "SCRIPT"]
      timeout: 60s
    stages:
      production: {tags: "v*", domains: [shop.localhost]}
"""
SCRIPT = ("echo begin $SLIPWAY_TAG >> /data/migrations; echo migrating to $SLIPWAY_TAG; sleep ${SECONDS_NEEDED:-1};"
          " [ -z $FAILS_WITH ] || exit $FAILS_WITH; echo end $SLIPWAY_TAG >> /data/migrations")
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """v2 is migrated across a kill -9 and once; v3's migration fails; v2 again is not migrated again."""
    data = demo.place / "slipway-data"
    data.mkdir(mode=0o777, exist_ok=True)
    data.chmod(0o777)
    journal = data / "migrations"
    journal.unlink(missing_ok=True)
    demo.serve(PROJECTS.replace("DATA", str(data)).replace("SCRIPT", SCRIPT), SLIPWAY_ALLOW_VOLUME_PATHS=str(data))

    def lines(tag):
        return [line for line in journal.read_text("utf-8").splitlines() if line.endswith(tag)]

    def first():
        demo.push("shop/web", "v1")
        demo.first(STAGE, "v1", HOST)
        demo.loaded_host = HOST
        return f"v1 live; its migration: {', '.join(lines('v1'))}"

    def killed():
        demo.push("shop/web", "v2", SECONDS_NEEDED=4)
        deploy = demo.slipway.deploy(STAGE, "v2")
        wait_for(lambda: lines("v2"), 30, "the migration to begin")
        demo.slipway.kill()
        say("  slipway is killed; the migration goes on, v1 serves")
        demo.slipway.start()
        demo.expect(deploy, "LIVE")
        demo.served(HOST, "v2")
        demo.run("show", str(deploy))
        if lines("v2") != ["begin v2", "end v2"]:
            raise SystemExit(f"demo: the migration of v2 did {lines('v2')}")
        return "v2 live; its migration ran once"

    def failing():
        demo.push("shop/web", "v3", FAILS_WITH=3)
        over = demo.expect(demo.slipway.deploy(STAGE, "v3"), "FAILED")
        demo.run("logs", str(over["id"]))
        if "v3" in demo.checker.versions(HOST):
            raise SystemExit("demo: v3 got traffic")
        return f"v3 failed: {over['reason'][:38]}; v2 serves on"

    def again():
        over = demo.slipway.wait_over(demo.slipway.deploy(STAGE, "v2", force=True))
        if over["state"] != "LIVE" or lines("v2") != ["begin v2", "end v2"]:
            raise SystemExit(f"demo: v2 again is {over['state']}, its migration did {lines('v2')}")
        return "v2 deployed again by force, not migrated again"

    for name, action in (("v1: migrated, then deployed", first), ("v2: kill -9 in the middle", killed),
                         ("v3: its migration fails", failing), ("v2 once more, by force", again)):
        demo.step(name, action)
    say("\nA digest is migrated once in a stage, and nothing of a version starts before.")
