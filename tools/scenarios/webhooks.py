# SPDX-License-Identifier: MIT
"""Webhooks: every sender's dialect from recorded shapes, one receiver; a signature, a replay, a lie, a rotation."""
import hashlib
import hmac

from bed.webhooks import recorded, recordings
from show import say

SECRET = "a secret that the sender knows, too"
PROJECTS = """projects:
  shop:
    image: {registry}/acme/shop
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 5s}
    stages:
      production: {tags: "v*", domains: [shop.localhost]}
  signed:
    webhook: {secret_env: DEMO_WEBHOOK_SECRET}
    image: {registry}/acme/signed
    port: 8080
    health: {http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 5s}
    stages:
      production: {tags: "v*", domains: [signed.localhost]}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """What each sender says is understood; what is deployed, the registry tells."""
    demo.serve(PROJECTS, DEMO_WEBHOOK_SECRET=SECRET)

    def path(project):
        return demo.slipway.get(f"/api/v1/projects/{project}/webhook")["webhook_path"]

    def send(shape, where, repository="acme/shop", **more):
        headers, body = recorded(shape, repository)
        if shape.startswith("generic"):
            body = body.replace("registry.example:5000", demo.registry.address)
        status, _, answer = demo.slipway.call("POST", where, body, token=None, headers={**headers, **more})
        return status, answer

    def first():
        demo.push("acme/shop", "v1.0.0")
        return demo.first(STAGE, "v1.0.0", HOST)

    def dialects():
        demo.push("acme/shop", "v1.2.3")
        begun, ignored, live = [], 0, 0
        for shape in recordings():
            status, answer = send(shape, path("shop"))
            if status == 202 and answer["deploys"]:
                over = demo.slipway.wait_over(answer["id"], 60)
                live += over["state"] == "LIVE"
                begun.append(over)
                said = f"deploy {answer['id']} {over['state']}"
            else:
                ignored += 1
                said = answer.get("ignored") or answer["error"]["message"]
            say(f"    {shape:24} {status} {said[:70]}")
        demo.served(HOST, "v1.2.3")
        if live != 1 or {over["digest"] for over in begun} != {demo.registry.digest("acme/shop", "v1.2.3")}:
            raise SystemExit(f"demo: {live} deploys went live")
        return f"{len(begun)} told of the push, one deploy went live; {ignored} were ignored, each with its reason"

    def lies():
        image = demo.registry.reference("acme/shop", "v1.2.3")
        body = {"image": image, "digest": "sha256:" + "ab" * 32}
        status, _, answer = demo.slipway.call("POST", path("shop"), body, token=None)
        over = demo.expect(answer["id"], "SKIPPED")
        return f"answered {status}; what the registry has is what counts: {over['digest'][:19]}"

    def signed():
        demo.push("acme/signed", "v1.2.3")
        headers, body = recorded("gitea_created", "acme/signed")
        none = demo.slipway.call("POST", path("signed"), body, token=None, headers=headers)[0]
        mac = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        wrong = send("gitea_created", path("signed"), "acme/signed", **{"X-Gitea-Signature": "0" * 64})[0]
        good, answer = send("gitea_created", path("signed"), "acme/signed", **{"X-Gitea-Signature": mac})
        demo.expect(answer["id"], "LIVE", "signed")
        again, said = send("gitea_created", path("signed"), "acme/signed", **{"X-Gitea-Signature": mac})
        if (none, wrong, good, again) != (401, 401, 202, 200) or said["id"] != answer["id"]:
            raise SystemExit(f"demo: answered {none}, {wrong}, {good}, {again}")
        return "unsigned 401, wrong 401, signed 202, the same delivery again 200: acted on once"

    def everyone():
        where = demo.slipway.get("/api/v1/webhook")["webhook_path"]
        status, answer = send("quay_push", where)
        return f"one URL for all projects: {status}, {answer['deploys'][0]['project']} is meant"

    def rotated():
        before = path("shop")
        demo.run("webhook", "rotate", "shop")
        status, _ = send("docker_hub", before)
        if status != 404:
            raise SystemExit(f"demo: the old URL answered {status}")
        demo.run("webhook", "test", "shop", demo.registry.reference("acme/shop", "v1.2.3"))
        return "the old URL is not found"

    for name, action in (("v1.0.0: first deploy", first), ("every recorded shape", dialects),
                         ("a body that lies", lies), ("a secret", signed), ("one URL for all", everyone),
                         ("another URL", rotated)):
        demo.step(name, action)
    say("\nOne receiver for all of them; the body is a hint, the registry is the truth.")
