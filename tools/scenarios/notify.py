# SPDX-License-Identifier: MIT
"""Notifications: people are told how deploys end, by a signed webhook, a chat and mail, also across a crash."""
from bed.mail_server import MailServer
from bed.receiver import Receiver
from bed.wait import wait_for
from show import say

CONFIGURATION = """receivers:
  ops: {{kind: webhook, url: "{ops}/hooks", secret_env: OPS_KEY}}
  chat: {{kind: slack, url_env: SLACK_URL}}
  mail:
    kind: email
    url: smtp://127.0.0.1:{mail}
    from: slipway@example.org
    to: [team@example.org]
    insecure: true
    events: [deploy_rolled_back, instance_gone]
notify: [ops]
projects:
  shop:
    image: {{registry}}/shop/web
    port: 8080
    health: {{http: /health, successes: 2, interval: 100ms, min_uptime: 0s, deadline: 6s}}
    notify: [ops, chat, mail]
    stages:
      production: {{tags: "v*", domains: [shop.localhost]}}
"""
STAGE = "shop/production"
HOST = "shop.localhost"


def run(demo):
    """A good version, a bad one, a receiver that is away while slipway is killed."""
    with Receiver("webhook", "a key") as ops, Receiver("slack", "T0/B0/abc") as chat, MailServer() as mail:
        text = CONFIGURATION.format(ops=ops.url, mail=mail.port)
        demo.serve(text, OPS_KEY="a key", SLACK_URL=f"{chat.url}/services/T0/B0/abc")

        def tried():
            demo.run("notify", "receivers")
            demo.run("notify", "test", STAGE)
            return "each receiver took a try"

        def good():
            demo.push("shop/web", "v1")
            first = demo.first(STAGE, "v1", HOST)
            wait_for(lambda: "deploy_success" in ops.events(), 20, "the webhook")
            say(f"  webhook: {ops.requests[-1]['json']['title']}"
                f" ({ops.requests[-1]['headers']['X-Hub-Signature-256'][:22]}...)")
            return f"{first}; told to webhook and chat"

        def bad():
            demo.push("shop/web", "v2", HEALTH="fail")
            demo.expect(demo.slipway.deploy(STAGE, "v2"), "ROLLED_BACK")
            wait_for(lambda: len(mail.messages) == 2, 20, "the mail")
            say(f"  mail: {mail.messages[-1]['Subject']}")
            return "rolled back; told to all three"

        def away():
            ops.answers = ["hang"]
            demo.push("shop/web", "v3")
            demo.expect(demo.slipway.deploy(STAGE, "v3"), "LIVE")
            demo.served(HOST, "v3")
            begun = wait_for(lambda: [one for one in ops.seen if one["json"]["tag"] == "v3"], 20, "the first try")
            demo.slipway.kill()
            demo.slipway.start()
            wait_for(lambda: len(tries := [one for one in ops.seen if one["json"]["tag"] == "v3"]) == 2 and tries,
                     20, "the second try")
            ids = {one["json"]["delivery"] for one in ops.seen if one["json"]["tag"] == "v3"}
            ops.release()
            demo.run("notify", "list", STAGE)
            if ids != {begun[0]["json"]["delivery"]}:
                raise SystemExit("demo: the second try has another delivery id")
            return "killed while the webhook hung: told again, same delivery id"

        for name, action in (("notify test", tried), ("v1: good", good), ("v2: never healthy", bad),
                             ("v3: kill -9 in the middle", away)):
            demo.step(name, action)
        faults = ops.faults + chat.faults + mail.faults
        if faults:
            raise SystemExit(f"demo: a receiver refused what it got: {faults}")
        say(f"\n{len(ops.seen)} to the webhook, {len(chat.requests)} to the chat, {len(mail.messages)} mails;"
            " none was refused, none forgotten.")
