# SPDX-License-Identifier: MIT
"""The same swaps by every proxy and each way, under load: what is guaranteed is kept."""
import http.client

import pytest

from bed.checker import Checker
from bed.front import WAYS, Front
from bed.plain_app import App
from bed.ports import free_port
from bed.scene import Scene
from bed.wait import wait_for

HEALTH = "{http: /health, successes: 2, interval: 50ms, min_uptime: 0s, deadline: 10s}"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("fronts")) as scene:
        yield scene


def app_behind(scene, front):
    """A server whose one stage is reached through the front."""
    return scene.app(stage="domains: [{name}.localhost]" + front.stage, front=front)


def serves_only(checker, host, tag):
    """The deploy is over: no request that begins now gets another version. While the servers of both took requests,
    for the moment between two commands to HAProxy, one might."""
    checker.wait_version(host, tag)
    before = checker.snapshot()["stale_version"]
    checker.wait_requests(50)
    assert checker.snapshot()["stale_version"] == before


@pytest.mark.parametrize("way", WAYS[1:])
def test_swaps_under_load(scene, way, tmp_path):
    """First deploy, three that replace, a bad one, a rollback, GET and POST on kept and fresh connections."""
    with Front(tmp_path / "front", way) as front, app_behind(scene, front) as app:
        for tag in ("v1", "v2", "v3"):
            scene.push(app, tag)
        scene.push(app, "bad", HEALTH="fail")
        app.live("v1")
        promise = app.get(f"/api/v1/projects/{app.name}/stages/production")["proxy"]["promise"]
        with Checker([], rate=300, workers=6).start() as checker:
            checker.add(app.host, front.address(app), app=app.repository)
            checker.wait_requests(50)
            for tag in ("v2", "v3"):
                app.live(tag)
                serves_only(checker, app.host, tag)
            assert app.wait_over(app.deploy(app.stage_name, "bad"))["state"] == "ROLLED_BACK"
            checker.expect(app.host, "v2")
            assert app.wait_over(app.rollback(app.stage_name))["state"] == "LIVE"
            serves_only(checker, app.host, "v2")
            seen = checker.stop()
        failed = dict(seen["reasons"])
        if promise != "no request fails":
            failed.pop("stale", None)
            failed.pop("reset", None)
        assert not any(failed.values()), {"reasons": {k: n for k, n in failed.items() if n}, "first": seen["failures"][:3]}
        assert promise == ("no request fails" if way != "npm-direct" else "idle keep-alive connections may be reset")
        wait_for(lambda: app.versions() == ["v2"], 10, "the others to go")


def notes(app, deploy):
    """What the log of a deploy says, in one text."""
    return "\n".join(line["text"] for line in app.get(f"/api/v1/deploys/{deploy}/log")["items"])


def test_an_edge_that_the_proxy_does_not_reach(scene, tmp_path):
    """A site that was there would be gone: it gets back what it had, and the deploy says where to look."""
    before = App()
    try:
        with Front(tmp_path / "front", "npm-edge") as front:
            nowhere = free_port()
            front.more = f"    edge_address: 127.0.0.1:{nowhere}\n"
            with app_behind(scene, front) as app:
                scene.push(app, "v1")
                row = front.proxy.host([app.host], forward_port=before.port)
                deploy = app.deploy(app.stage_name, "v1")
                done = app.wait_over(deploy, 180)
                assert done["state"] == "ROLLED_BACK"
                assert f"did not come from the edge at 127.0.0.1:{nowhere}; see 'edge_address'" in notes(app, deploy)
                assert front.proxy.row(row["id"])["forward_port"] == before.port
    finally:
        before.end()


def test_an_edge_address_where_somebody_else_answers(scene, tmp_path):
    """Its answer is good, and still it is not the edge's: visitors would come to another app."""
    other = App()
    try:
        with Front(tmp_path / "front", "npm-edge") as front:
            front.more = f"    edge_address: {other.address}\n"
            with app_behind(scene, front) as app:
                scene.push(app, "v1")
                deploy = app.deploy(app.stage_name, "v1")
                assert app.wait_over(deploy, 60)["state"] == "ROLLED_BACK"
                assert f"status 200 did not come from the edge at {other.address}" in notes(app, deploy)
                assert front.proxy.find(app.host) is None
    finally:
        other.end()


def test_an_edge_behind_a_password(scene, tmp_path):
    """What cannot be seen from here is believed, and told."""
    with Front(tmp_path / "front", "npm-edge") as front, app_behind(scene, front) as app:
        scene.push(app, "v1")
        listed = front.proxy.access_list("people")["id"]
        front.proxy.host([app.host], forward_port=9, access_list_id=listed)
        deploy = app.deploy(app.stage_name, "v1")
        assert app.wait_over(deploy, 60)["state"] == "LIVE"
        assert "it could not be seen: an answer with status 401 did not come from the edge" in notes(app, deploy)


@pytest.mark.parametrize("way", ("npm-edge", "caddy-edge"))
def test_domains_of_a_version_that_goes_back(scene, way, tmp_path):
    """Its new domain has been set at the proxy when the edge refuses it: the old one leads here as before."""
    with Front(tmp_path / "front", way) as front:
        front.more = "    drift: report\n"  # whatever is not given back stays away
        stages = '      other: {{domains: ["{{tag}}.{name}.localhost"]}}\n'
        with scene.app(stage="domains: [{name}.localhost]" + front.stage, stages=stages, front=front) as app:
            for tag in ("v1", "taken"):
                scene.push(app, tag)
            app.live("v1")
            assert app.wait_over(app.deploy(f"{app.name}/other", "taken"))["state"] == "LIVE"
            text = app.config_file.read_text("utf-8")
            (app.directory / "next.yml").write_text(
                text.replace(f"domains: [{app.host}]", f"domains: [taken.{app.host}]"), "utf-8")
            done = app.run("apply", app.directory / "next.yml")
            assert done.returncode == 0, done.stdout + done.stderr
            over = app.wait_over(app.deploy(app.stage_name, "v1"), 60)
            assert over["state"] == "ROLLED_BACK" and "is served by" in over["reason"], over
            wait_for(lambda: answers(app.host, front.address(app)) == 200, 20, "the old domain to lead here again")
            wait_for(lambda: answers(f"taken.{app.host}", front.address(app)) is None, 20, "the new one to lead nowhere")


def answers(host, address):
    """The status of one request for a host."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/version", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status if answer.headers["App-Version"] else None
    finally:
        connection.close()


@pytest.mark.parametrize("way", ("npm-edge", "npm-direct", "caddy-edge", "caddy-direct"))
def test_another_way(scene, way, tmp_path):
    """`way` is changed while a version serves: visitors are led by the old one until the new one stands."""
    with Front(tmp_path / "front", way) as front, \
            scene.app(stage="domains: [{name}.localhost]" + front.stage, front=front, SLIPWAY_SWEEP_INTERVAL="1s") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        other = "direct" if front.path == "edge" else "edge"
        text = app.config_file.read_text("utf-8").replace(f"way: {front.path}", f"way: {other}")
        if "names:" not in text:
            text = text.replace("    server: edge\n", f"    server: edge\n    names: 127.0.0.1:{free_port()}\n")
        (app.directory / "next.yml").write_text(text, "utf-8")
        with Checker([], rate=100, workers=3).start() as checker:
            checker.add(app.host, front.address(app), app=app.repository)
            checker.wait_requests(50)
            done = app.run("apply", app.directory / "next.yml")
            assert done.returncode == 0, done.stdout + done.stderr
            wait_for(lambda: "proxy.mended" in app.log.read_text("utf-8"), 40, "the other way")
            checker.wait_requests(200)
            app.live("v2")
            checker.wait_version(app.host, "v2")
            failed = {name: count for name, count in checker.stop()["reasons"].items() if count}
        for name in ("stale", "reset"):  # the way is the proxy's own configuration, which both load anew for it: a
            failed.pop(name, None)  # connection may be closed at that moment, with Caddy one that was just accepted, too
        assert not failed
