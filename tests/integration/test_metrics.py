# SPDX-License-Identifier: MIT
"""/metrics: what Prometheus reads, and that it is so."""
import http.client
import re

import pytest

from bed.scene import Scene
from bed.slipway import TOKEN
from bed.wait import wait_for

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|\+Inf)$')
UNITS = ("_seconds", "_bytes", "_total", "_info")


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("metrics")) as scene:
        yield scene


def scrape(app, token=TOKEN):
    """Ask as Prometheus does; returns (status, type, text)."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read().decode()


def read(text):
    """{name: {labels: value}} of a page in the text format; what is not of it is a fault."""
    found, kinds, helped = {}, {}, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in helped and len(line.split()) > 3, line
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert kind in ("counter", "gauge", "histogram") and name not in kinds, line
            kinds[name] = kind
        else:
            sample = SAMPLE.match(line)
            assert sample, line
            name, labels, value = sample.groups()
            family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in kinds else name
            assert family in kinds and family in helped, line
            assert kinds[family] != "counter" or name.endswith("_total"), line
            series = found.setdefault(name, {})
            assert (labels or "") not in series, line
            series[labels or ""] = float(value)
    assert text.endswith("\n")
    return found, kinds


def test_it_is_read_and_true(scene):
    """Well formed; what was deployed is counted by its end and by who wanted it, how long it took, and where."""
    with scene.app() as app:
        scene.push(app, "v1")
        scene.push(app, "v2", HEALTH="fail")
        before, _ = read(scrape(app)[2])
        assert before['slipway_deploys_total']['status="live",trigger="manual"'] == 0
        live = app.live("v1")
        app.wait_over(app.deploy(app.stage_name, "v2"))
        status, _ = app.webhook(app.name, f"{scene.registry.address}/{app.repository}:v2")
        assert status in (200, 202)
        _, kind, text = scrape(app)
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        found, kinds = read(text)
        ends = found["slipway_deploys_total"]
        assert ends['status="live",trigger="manual"'] == 1 and ends['status="rolled-back",trigger="manual"'] == 1
        took = found["slipway_deploy_duration_seconds_sum"]['status="live"']
        assert abs(took - (live["ended_ms"] - live["created_ms"]) / 1000) < 0.002
        for name in [name for name, kind in kinds.items() if kind == "histogram"]:
            for labels, count in found[f"{name}_count"].items():
                buckets = [value for key, value in found[f"{name}_bucket"].items() if key.startswith(f"{labels},")]
                assert buckets == sorted(buckets) and buckets[-1] == count, (name, labels)
        states = found["slipway_deploy_state_seconds_count"]
        assert states['state="pulling"'] == states['state="probing"'] == 2 and states['state="swapping"'] == 1
        assert found["slipway_deploy_state_seconds_sum"]['state="probing"'] > 0.05
        assert found["slipway_engine_up"] == {'engine="local"': 1}
        assert found["slipway_registry_up"] == {f'registry="{scene.registry.address}"': 1}
        assert found["slipway_proxy_up"] == {'proxy="edge"': 1}
        where = f'project="{app.name}",stage="production"'
        assert found["slipway_stage_replicas"] == found["slipway_stage_replicas_running"] == {where: 1}
        assert found["slipway_stage_stopped"] == {where: 0}
        assert found["slipway_actors"]['machine="stage",state="idle"'] == 1
        assert found["slipway_http_responses_total"][f'of="webhook",code="{status}"'] == 1
        assert found["slipway_cpu_seconds_total"][""] > 0 and found["slipway_resident_memory_bytes"][""] > 1e6
        assert 5 < found["slipway_open_descriptors"][""] < found["slipway_max_descriptors"][""]
        assert found["slipway_store_bytes"][""] > 4096 and found["slipway_disk_free_bytes"][""] > 0
        scene.engine.api.remove(app.containers()[0]["Id"])
        wait_for(lambda: read(scrape(app)[2])[0]["slipway_stage_replicas_running"] == {where: 0}, 20, "a replica to miss")


def test_it_is_not_for_everybody(scene):
    """Figures tell of projects: they need the token."""
    with scene.app(edge=False) as app:
        assert scrape(app, None)[0] == 401
        assert scrape(app, "wrong" * 8)[0] == 401
