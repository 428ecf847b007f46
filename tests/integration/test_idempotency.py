# SPDX-License-Identifier: MIT
"""A POST with an Idempotency-Key is done once, over crashes too; and statistics of what was done."""
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bed.scene import HEALTH, Scene  # noqa: E402
from bed.slipway import Slipway  # noqa: E402

CONFIG = """version: 1
projects:
  shop:
    image: 127.0.0.1:9/shop/web
    port: 8080
    health: none
    stages:
      production: {tags: "v*", auto: false}
      staging: {tags: "v*", auto: false}
"""
STAGE = "/api/v1/projects/shop/stages/production"


@pytest.fixture(name="server")
def fixture_server(tmp_path):
    """A server whose registry is away: deploys are begun, and stay under way."""
    with Slipway(tmp_path, CONFIG, edge=False) as slipway:
        yield slipway


def post(slipway, key, body, path=STAGE + "/deploys"):
    """Returns (status, whether it was given again, answer)."""
    status, headers, answer = slipway.call("POST", path, body, headers={"Idempotency-Key": key})
    return status, headers.get("Idempotency-Replayed") == "true", answer


def test_done_once_over_a_crash(server):
    first = post(server, "one", {"tag": "v1"})
    assert first[:2] == (202, False)
    server.post(f"/api/v1/deploys/{first[2]['id']}/cancel")  # the same wish would not be merged with it any more
    server.wait_over(first[2]["id"])
    assert post(server, "one", {"tag": "v1"}) == (202, True, first[2])
    server.kill()
    server.start()
    assert post(server, "one", {"tag": "v1"}) == (202, True, first[2])
    assert [deploy["id"] for deploy in server.deploys()] == [first[2]["id"]]
    other = post(server, "two", {"tag": "v1"})
    assert other[:2] == (202, False) and other[2] != first[2]


def test_a_key_is_of_one_request(server):
    assert post(server, "one", {"tag": "v1"})[0] == 202
    for body, path in (({"tag": "v2"}, STAGE + "/deploys"), ({"tag": "v1"}, STAGE + "/deploys?a=b"),
                       ({"tag": "v1"}, STAGE.replace("production", "staging") + "/deploys")):
        status, _, answer = post(server, "one", body, path)
        assert (status, answer["error"]["code"]) == (409, "CONFLICT")
        assert "was sent with another request" in answer["error"]["message"]
    assert len(server.deploys()) == 1


def test_what_was_refused_may_come_again(server):
    assert post(server, "one", {"tag": "no tag"})[0] == 400
    assert post(server, "one", {"to": 99}, STAGE + "/rollback")[0] in (404, 409)
    assert post(server, "one", {"tag": "v1"})[:2] == (202, False)


@pytest.mark.parametrize("key", ["a b", "k" * 129, "\u00e4"])
def test_what_is_no_key(server, key):
    status, _, answer = post(server, key.encode(), {"tag": "v1"})
    assert status == 400 and "an Idempotency-Key has at most 128 visible" in answer["error"]["message"]
    assert server.deploys() == []


def test_without_a_token_nothing_is_kept(server):
    path = server.get("/api/v1/projects/shop")["webhook_path"]
    for _ in range(2):
        status, headers, _ = server.call("POST", path, {"image": "a/b:c"}, token=None, headers={"Idempotency-Key": "one"})
        assert status == 200 and "Idempotency-Replayed" not in headers
    assert post(server, "one", {"tag": "v1"})[:2] == (202, False)


def test_an_answer_that_is_too_large(server):
    stages = "".join(f"      s{i}: {{tags: \"v*\"}}\n" for i in range(300))
    sent = {"Idempotency-Key": "one", "Content-Type": "application/yaml"}
    status, _, plan = server.call("POST", "/api/v1/apply", CONFIG + stages, headers=sent)
    assert status == 200 and len(json.dumps(plan)) > 16 << 10
    status, _, answer = server.call("POST", "/api/v1/apply", CONFIG + stages, headers=sent)
    assert status == 409 and "was done; its answer was over" in answer["error"]["message"]


def test_statistics(tmp_path):
    """Three versions live, one taken back, one rollback: as the deploys themselves say."""
    with Scene(tmp_path) as scene, scene.app(health=HEALTH.replace("deadline: 8s", "deadline: 3s")) as app:
        for tag in ("v1", "v2", "v3"):
            scene.push(app, tag)
            app.live(tag)
        scene.push(app, "v4", HEALTH="fail")
        assert app.wait_over(app.deploy(app.stage_name, "v4"))["state"] == "ROLLED_BACK"
        app.wait_over(app.rollback(app.stage_name))
        told = app.get("/api/v1/statistics")
        (item,) = told["items"]
        lives = [app.show(deploy["id"]) for deploy in app.deploys(state="LIVE")]
        assert {key: item[key] for key in ("deploys", "live", "failed", "rolled_back", "rollbacks")} == {
            "deploys": 5, "live": 4, "failed": 0, "rolled_back": 1, "rollbacks": 1}
        to_live, swaps = [], []
        for deploy in lives:
            at = {(step["from"], step["on"]): step["at_ms"] for step in deploy["steps"] if step["actor"] == "DEPLOY"}
            to_live.append(at["SWAPPING", "SWAPPED"] - deploy["created_ms"])
            swaps.append(at["SWAPPING", "SWAPPED"] - at["PROBING", "GRANTED"])
        assert item["time_to_live_ms"] == {"p50": sorted(to_live)[1], "p95": sorted(to_live)[3]}
        assert item["swap_ms"] == {"p50": sorted(swaps)[1], "p95": sorted(swaps)[3]}
        assert told["truncated"] is False
        assert app.get(f"/api/v1/statistics?project={app.name}&stage=production")["items"] == [item]
        assert app.get("/api/v1/statistics?days=0")["items"][0]["time_to_live_ms"] is None
        shown = app.run("stats", app.name).stdout.splitlines()
        assert shown[0].split()[:3] == ["STAGE", "DEPLOYS", "LIVE"]
        assert shown[1].split()[:6] == [app.stage_name, "5", "4", "0", "1", "1"]
        assert json.loads(app.run("stats", "--json").stdout)["items"] == [item]
        assert app.run("stats", "nothing").returncode == 3
