# SPDX-License-Identifier: MIT
"""What a person sees of deploys that were removed by rule, and of those that never are."""
import http.client
import json
import sys
from pathlib import Path

import pytest
from bed.fake_engine import FakeEngine
from bed.slipway import TOKEN, Slipway
from bed.wait import wait_for

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from fake_registry import FakeRegistry  # noqa: E402

KEPT = 10
STAGE = "shop/production"


@pytest.fixture(scope="module", name="server")
def fixture_server(tmp_path_factory):
    """A server that keeps ten deploys a stage, and no older ones for a day."""
    place = tmp_path_factory.mktemp("retention")
    with FakeEngine(place) as engine, FakeRegistry() as registry:
        config = f"""version: 1
engines:
  local: {{host: "{engine.host}"}}
registries:
  "{registry.address}": {{insecure: true}}
projects:
  shop:
    image: {registry.address}/shop
    port: {engine.port}
    health: {{http: /health, successes: 1, interval: 20ms, min_uptime: 0s, deadline: 20s}}
    stages:
      production: {{domains: [shop.localhost]}}
"""
        server = Slipway(place, config, edge=False, SLIPWAY_KEEP_DEPLOYS=str(KEPT), SLIPWAY_KEEP_DAYS="0",
                         SLIPWAY_KEEP_ROLLBACKS="2")
        with server:
            server.made = [deploy(server, tag) for tag in ("v1", "v2")]
            server.made += [deploy(server, "v3", force=True) for _ in range(KEPT + 4)]
            wait_for(lambda: server.call("GET", f"/api/v1/deploys/{server.made[5]}")[0] == 404, 20,
                     "the sixth deploy to be removed")
            yield server


def deploy(server, tag, **more):
    """Deploy a tag and wait until it is live; returns its id."""
    made = server.deploy(STAGE, tag, **more)
    assert server.wait_over(made)["state"] == "LIVE"
    return made


def events(server, path, last_id, count):
    """Return the first events of a stream as (name, data)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream",
                                             "Last-Event-ID": str(last_id)})
    answer = connection.getresponse()
    found = []
    name = None
    while len(found) < count:
        line = answer.readline().decode().strip()
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            found.append((name, json.loads(line[6:])))
    connection.close()
    return found


def test_the_list_ends_with_what_is_kept(server):
    """Ten newest, and the older versions that a rollback may go to; pages lead to all of them."""
    kept = [*reversed(server.made[-KEPT:]), server.made[1], server.made[0]]
    assert [one["id"] for one in server.deploys(limit=500)] == kept
    paged, before = [], None
    while True:
        page = server.get("/api/v1/deploys?limit=5" + (f"&before={before}" if before else ""))
        paged += [one["id"] for one in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert paged == kept
    for one in kept:
        assert server.show(one)["steps"] and server.log_of(one)


def test_a_removed_deploy_says_so(server):
    """Neither itself nor its log is there; the answer says why."""
    for path in ("", "/log"):
        status, _, body = server.call("GET", f"/api/v1/deploys/{server.made[5]}{path}")
        assert status == 404 and "SLIPWAY_KEEP_DEPLOYS" in body["error"]["message"], body
    status, _, body = server.call("GET", f"/api/v1/deploys/{server.made[-1] + 1000}")
    assert status == 404 and "SLIPWAY_KEEP" not in body["error"]["message"]


def test_a_resumed_stream_tells_of_the_gap(server):
    """A position among removed steps is answered with `gap` first; one behind them is not."""
    gap, first = events(server, "/api/v1/events", 1, 2)
    assert gap[0] == "gap" and gap[1]["after"] == 1 and gap[1]["until"] > 1
    assert first[0] == "step" and first[1]["deploy"] == server.made[0]
    step = events(server, "/api/v1/events", gap[1]["until"], 1)[0]
    assert step[0] == "step" and step[1]["seq"] > gap[1]["until"]
    ahead = events(server, "/api/v1/events", 10**9, 1)[0]
    assert ahead[0] == "gap" and ahead[1]["after"] == 10**9


def test_filters_name_what_exists(server):
    """A project that does not exist is no empty list."""
    for path in ("deploys?project=shap", "stages?project=shap", "deploys?project=shap&stage=production"):
        status, _, body = server.call("GET", f"/api/v1/{path}")
        assert status == 404 and "shap" in body["error"]["message"], body
    assert len(server.get("/api/v1/stages?project=shop")["items"]) == 1


def test_one_can_still_go_back(server):
    """To the version before, though a dozen deploys of the live one came after it; twice, over a restart."""
    over = server.wait_over(server.rollback(STAGE))
    assert (over["state"], over["tag"]) == ("LIVE", "v2")
    assert server.terminate() == 0
    server.start()
    newer = server.rollback(STAGE, to=server.made[0])
    assert newer > over["id"]
    assert server.wait_over(newer)["tag"] == "v1"
