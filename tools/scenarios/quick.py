# SPDX-License-Identifier: MIT
"""Quick deploy: an image that nobody has configured is inspected, deployed, and found by a webhook."""
import json

from bed.wait import wait_for

CONFIGURATION = "projects: {}\n"


def run(demo):
    """By a person, then by the webhook of all projects."""
    demo.serve(CONFIGURATION, SLIPWAY_QUICK_DEPLOY="webhook", SLIPWAY_QUICK_DOMAIN="{project}.localhost")
    registry = demo.registry.address

    def inspect():
        demo.push("team/hello", "v1")
        demo.run("inspect", f"{registry}/team/hello:v1")
        return "nothing was pulled, nothing is configured"

    def quick():
        demo.run("quick", f"{registry}/team/hello:v1", "--wait")
        demo.checker.add("hello.localhost", demo.front.address(demo.slipway))
        demo.served("hello.localhost", "v1")
        return "hello.localhost serves v1"

    def hook():
        demo.push("team/news", "v1")
        path = demo.slipway.get("/api/v1/webhook")["webhook_path"]
        status, _, answer = demo.slipway.call("POST", path, json.dumps({"image": f"{registry}/team/news:v1"}),
                                              token=None, headers={"Content-Type": "application/json"})
        if status != 202:
            raise SystemExit(f"demo: the webhook was answered with {status}: {answer}")
        demo.slipway.wait_over(answer["id"])
        demo.checker.add("news.localhost", demo.front.address(demo.slipway))
        demo.served("news.localhost", "v1")
        return f"one webhook: the project {answer['deploys'][0]['project']} is there and serves v1"

    def export():
        wait_for(lambda: len(demo.slipway.get("/api/v1/projects")["items"]) == 2, 20, "both projects")
        demo.run("export", "news")
        return "from here on it is a project like any other"

    for name, action in (("inspect", inspect), ("quick", quick), ("a webhook for an image nobody knows", hook),
                         ("export", export)):
        demo.step(name, action)
