# SPDX-License-Identifier: MIT
"""Nginx Proxy Manager, driven: what a person set stays, hosts and certificates, swaps. Faults are in
test_faults_npm.py."""
import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.behind_npm import OTHER, apply, ask, behind, cancel, leads_to, over, wait_step
from bed.faults import wait_line
from bed.front import Front
from bed.long_lived import Stream, WebSocket
from bed.npm import NginxProxyManager
from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("npm")) as scene:
        yield scene


@pytest.fixture(name="front")
def _front(tmp_path):
    with Front(tmp_path / "front", "npm-direct") as front:
        yield front


def test_what_a_person_set_stays(scene, front):
    """A host that was there is used; its columns, its other domain and its own directives stay, and it gets back
    what it had when the deploy fails."""
    with behind(scene, front) as app:
        scene.push(app, "bad", HEALTH="fail")
        listed = front.proxy.access_list("people")["id"]
        row = front.proxy.host([app.host, "also.test"], forward_port=9, block_exploits=True, access_list_id=listed,
                               advanced_config="add_header X-Mine yes always;\n",
                               locations=[{"path": "/api", "forward_scheme": "http", "forward_host": "127.0.0.1",
                                           "forward_port": 9}])
        front.proxy.edit(row["id"], meta={"theirs": {"note": 1}})
        app.live("v1")
        kept = front.proxy.row(row["id"])
        for column in ("domain_names", "block_exploits", "access_list_id", "locations", "enabled", "certificate_id"):
            assert kept[column] == row[column], column
        assert kept["meta"]["theirs"] == {"note": 1}
        assert kept["advanced_config"].startswith("add_header X-Mine yes always;\n")
        assert kept["meta"]["slipway"]["before"] == {"forward_scheme": "http", "forward_host": "127.0.0.1",
                                                     "forward_port": 9}
        assert ask(app, front)[0] == 401  # its access list protects it still
        basic = {"Authorization": "Basic cmVhZGVyOmEtcGFzc3dvcmQtZm9yLXRlc3RzLW9ubHk="}
        assert ask(app, front, **basic)[1] == "v1"
        assert all(set(properties(one)) <= {"forward_scheme", "forward_host", "forward_port", "meta",
                                           "advanced_config"} for one in front.proxy.writes())
        assert over(app, "bad")["state"] == "ROLLED_BACK"
        assert ask(app, front, **basic)[1] == "v1"


def properties(exchange):
    """The properties that a request has sent."""
    return json.loads(exchange.body)


def test_a_first_deploy_that_fails_gives_the_host_back(scene, front):
    """A version that cannot be confirmed through nginx: the person's host leads where it led."""
    with behind(scene, front) as app:
        row = front.proxy.host(app.host, forward_port=9)
        front.proxy.edit(row["id"], advanced_config="if ($request_uri ~ slipway) { return 500; }\n")
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "could not be confirmed" in done["reason"], done
        kept = front.proxy.row(row["id"])
        assert leads_to(kept) == OTHER and "slipway" not in kept["meta"]
        assert kept["advanced_config"] == "if ($request_uri ~ slipway) { return 500; }\n"


@pytest.mark.parametrize("version", ["2.9", "2.11", "2.13", "2.15"])
def test_versions(scene, tmp_path, version):
    """From 2.9 to 2.15: a host is made, switched, and goes when its first deploy is undone."""
    front = Front(tmp_path / "front", "npm-direct")
    front.proxy = NginxProxyManager(tmp_path / version, version)
    with front, behind(scene, front) as app:
        app.live("v1")
        app.live("v2")
        assert ask(app, front)[1] == "v2"
        assert front.proxy.overlaps() == []


def test_a_disabled_host_and_an_own_location(scene, front):
    """What a person decided is not overruled."""
    with behind(scene, front) as app:
        row = front.proxy.host(app.host, advanced_config="location / { return 204; }\n")
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and 'a "location /" of its own' in done["reason"]
        front.proxy.delete(row["id"])
        row = front.proxy.host(app.host, enabled=False)
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "is disabled" in done["reason"]
        assert front.proxy.writes() == []


def test_a_location_for_everything_is_switched_too(scene, front):
    """A custom location "/" decides where a host leads."""
    with behind(scene, front) as app:
        front.proxy.host(app.host, locations=[{"path": "/", "forward_scheme": "http", "forward_host": "127.0.0.1",
                                               "forward_port": 9}])
        for tag in ("v1", "v2"):
            app.live(tag)
            assert ask(app, front)[1] == tag


def test_a_location_for_everything_is_given_back(scene, front):
    """A first deploy that is canceled: the host and its location lead where they led."""
    with behind(scene, front) as app:
        own = "if ($request_uri ~ slipway) { return 500; }\n"
        row = front.proxy.host(app.host, forward_port=8, advanced_config=own, locations=[
            {"path": "/", "forward_scheme": "http", "forward_host": "127.0.0.1", "forward_port": 9}])
        deploy = app.deploy(app.stage_name, "v1")
        wait_step(app, deploy, "CONFIRMING")
        assert front.proxy.row(row["id"])["locations"][0]["forward_port"] == 8080
        cancel(app, deploy)
        kept = front.proxy.row(row["id"])
        assert (kept["forward_port"], kept["locations"], kept["advanced_config"]) == (8, row["locations"], own)
        assert "slipway" not in kept["meta"]


def test_a_host_that_forces_https(scene, front):
    """Whoever answers is asked over HTTPS there; its certificate and its force stay."""
    with behind(scene, front) as app:
        certificate = front.proxy.certificate(app.host)["id"]
        row = front.proxy.host(app.host, forward_port=9, certificate_id=certificate, ssl_forced=True)
        for tag in ("v1", "v2"):
            app.live(tag)
        kept = front.proxy.row(row["id"])
        assert (kept["certificate_id"], kept["ssl_forced"], kept["http2_support"]) == (certificate, True, False)
        assert ask(app, front)[0] == 301


@pytest.mark.parametrize("drift", ["mend", "report"])
def test_a_target_that_is_changed_by_hand(scene, front, drift):
    """Told with both values; put back where that is allowed, and the next deploy is refused where it is not."""
    with behind(scene, front) as app:
        if drift == "report":
            text = app.config_file.read_text("utf-8").replace("way: direct", "way: direct\n    drift: report")
            apply(app, text)
        app.live("v1")
        row = front.proxy.find(app.host)
        front.proxy.edit(row["id"], forward_port=9)
        wait_line(app, "proxy.drift", "warn", ":9", 40)
        if drift == "mend":
            wait_for(lambda: ask(app, front)[1] == "v1", 20, "the route to be put back")
            return
        assert ":9" in app.get(f"/api/v1/projects/{app.name}/stages/production")["proxy"]["why"]
        done = over(app, "v2")
        assert done["state"] == "ROLLED_BACK" and "somebody changed it" in done["reason"]
        assert front.proxy.row(row["id"])["forward_port"] == 9
        front.proxy.edit(row["id"], forward_port=row["forward_port"])
        app.live("v2")


def test_certificates(scene, front):
    """Let's Encrypt through it, once; a name that it does not have is refused with those that it has."""
    with behind(scene, front, more=", certificate: letsencrypt") as app:
        app.live("v1")
        row = front.proxy.find(app.host)
        assert row["certificate_id"] > 0 and row["ssl_forced"] and row["http2_support"]
        app.live("v2")
        assert front.proxy.find(app.host)["certificate_id"] == row["certificate_id"]
        assert ask(app, front)[0] == 301
        text = app.config_file.read_text("utf-8").replace("certificate: letsencrypt", "certificate: wrong")
        apply(app, text)
        done = over(app, "v1")
        assert done["state"] == "ROLLED_BACK" and "has no certificate 'wrong': it has" in done["reason"]
        assert front.proxy.find(app.host)["certificate_id"] == row["certificate_id"]


def test_many_at_once_go_one_after_the_other(scene, front):
    """Five stages at once: no two calls that change something overlap."""
    stages = "".join(f"      s{i}: {{{{domains: [s{i}.{{name}}.localhost], proxy: npm}}}}\n" for i in range(5))
    app = scene.app(stage="domains: [{name}.localhost]" + front.stage, front=front, stages=stages)
    with app:
        scene.push(app, "v1")
        with ThreadPoolExecutor(5) as pool:
            done = list(pool.map(lambda i: app.wait_over(app.deploy(f"{app.name}/s{i}", "v1"), 90), range(5)))
        assert [one["state"] for one in done] == ["LIVE"] * 5, done
        assert front.proxy.overlaps() == []


def test_long_connections_outlast_the_swap(scene, front):
    """A WebSocket and a long answer stay with the version that they have, until they end."""
    with behind(scene, front) as app:
        app.live("v1")
        with WebSocket(app.host, front.address(app)) as echo:
            stream = Stream(app.host, front.address(app), count=40, every_ms=100)
            deploy = app.deploy(app.stage_name, "v2")
            wait_for(lambda: ask(app, front)[1] == "v2", 20, "v2 to answer")
            assert echo.echo("still here") == "still here"
            assert stream.finish() == (40, None)
            assert app.wait_state(deploy, "DRAINING")["state"] == "DRAINING"
        assert app.wait_over(deploy, 60)["state"] == "LIVE"


def test_the_way_over_the_edge(scene, tmp_path):
    """Set once: later deploys tell Nginx Proxy Manager nothing, and do not need it."""
    with Front(tmp_path / "front", "npm-edge") as front, behind(scene, front) as app:
        app.live("v1")
        told = len(front.proxy.writes())
        assert told == 1
        with front.proxy.api_down():
            app.live("v2")
            app.kill()
            app.start()  # and asks the visitors, since it cannot ask the proxy
            app.live("v1")
            app.live("v2")
        assert ask(app, front)[1] == "v2" and len(front.proxy.writes()) == told
        app.kill()
        app.start()
        app.live("v1")
        assert ask(app, front)[1] == "v1" and len(front.proxy.writes()) == told


def test_from_one_proxy_to_another(scene, tmp_path):
    """A stage moves from the edge to Nginx Proxy Manager and back; what was its route goes with the old version."""
    with Front(tmp_path / "front", "npm-direct") as front, behind(scene, front) as app:
        behind_it = app.config_file.read_text("utf-8")
        at_edge = behind_it.replace(", proxy: npm", "")
        app.live("v1")
        apply(app, at_edge)
        app.live("v2")
        assert front.proxy.find(app.host) is None
        assert ask_edge(app) == "v2"
        apply(app, behind_it)
        app.live("v1")
        assert ask(app, front)[1] == "v1" and ask_edge(app) is None
        left = at_edge.replace(at_edge[at_edge.index("proxies:"):at_edge.index("projects:")], "")
        (app.directory / "left.yml").write_text(left, "utf-8")
        assert "proxy npm" in app.run("apply", "--dry-run", app.directory / "left.yml").stdout


def ask_edge(app):
    """The version that answers at the edge itself."""
    connection = http.client.HTTPConnection(app.edge_address, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": app.host})
        return connection.getresponse().headers["App-Version"]
    finally:
        connection.close()
