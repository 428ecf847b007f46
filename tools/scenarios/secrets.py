# SPDX-License-Identifier: MIT
"""Secrets: sealed in the store, given to the container alone, sealed anew with a new key."""
from show import say

PROJECTS = """projects:
  shop:
    image: {registry}/shop/web
    port: 8080
    env: {DATABASE_PASSWORD: {secret: shop-database}, MODE: demo}
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 5s}
    stages:
      production: {tags: "v*", domains: [shop.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"
FIRST = "correct-horse-battery-staple"
SECOND = "a-better-password-than-the-first"


def run(demo):
    """A password is set, deployed, changed, deployed again; a new key; its plain text is nowhere."""
    demo.serve(PROJECTS)

    def environment():
        found = [one for one in demo.engine.api.containers(label="slipway.project=shop") if one["State"] == "running"]
        pairs = demo.engine.api.inspect(found[0]["Id"])["Config"]["Env"]
        return dict(pair.split("=", 1) for pair in pairs)["DATABASE_PASSWORD"]

    def must(is_so, what):
        if not is_so:
            raise SystemExit(f"demo: {what}")

    def missing():
        demo.push("shop/web", "v1")
        over = demo.expect(demo.slipway.deploy(STAGE, "v1"), "FAILED")
        return f"refused: {over['reason'][:60]}"

    def first():
        demo.run("secrets", "set", "shop-database", given=FIRST + "\n")
        result = demo.first(STAGE, "v1", HOST)
        must(environment() == FIRST, "the container has another password")
        return f"{result}, with its password"

    def changed():
        demo.run("secrets", "set", "shop-database", given=SECOND + "\n")
        demo.run("status")
        deploy = demo.slipway.deploy(STAGE, "v1")
        demo.expect(deploy, "SKIPPED")  # the same version: a person insists
        demo.push("shop/web", "v2")
        deploy = demo.slipway.deploy(STAGE, "v2")
        demo.expect(deploy, "LIVE")
        demo.served(HOST, "v2")
        demo.run("show", str(deploy))
        must(environment() == SECOND, "the container has the old password")
        return "v2 live, with the new password"

    def rotated():
        before = (demo.slipway.data / "secrets.key").read_text("ascii")
        demo.run("secrets", "rotate")
        demo.run("secrets", "list")
        must((demo.slipway.data / "secrets.key").read_text("ascii") != before, "the key is the same")
        return "sealed anew with a new key"

    def nowhere():
        files = [path for path in (*demo.slipway.data.rglob("*"), demo.slipway.log) if path.is_file()]
        for text in (FIRST, SECOND):
            found = [path for path in files if text.encode() in path.read_bytes()]
            must(not found, f"the plain text is in {found}")
        size = sum(path.stat().st_size for path in files)
        return f"neither password is in {len(files)} files of data and log ({size / 1e6:.1f} MB)"

    def again():
        demo.push("shop/web", "v3")
        demo.expect(demo.slipway.deploy(STAGE, "v3"), "LIVE")
        demo.served(HOST, "v3")
        must(environment() == SECOND, "the container has another password")
        return "v3 live: what was sealed anew opens"

    for name, action in (("v1 without its secret", missing), ("set, and v1 again", first),
                         ("a new password, and v2", changed), ("a new key", rotated),
                         ("where the plain text is", nowhere), ("v3 with the new key", again)):
        demo.step(name, action)
    say("\nThe store has seals, the engine has the value, and nothing shows it again.")
