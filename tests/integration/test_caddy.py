# SPDX-License-Identifier: MIT
"""Caddy before the edge, and straight to the containers: swaps under load, what others have there, HTTPS, the admin
endpoint on a socket. Faults are in test_faults_caddy.py."""
import contextlib
import json
import socket
import ssl
from http.client import HTTPResponse

import pytest

from bed.behind_caddy import ask, behind_caddy, load, ours, reason, version
from bed.caddy import Caddy
from bed.long_lived import Stream, WebSocket
from bed.ports import free_port
from bed.scene import Scene

WAYS = ("edge", "direct")
ROUTES = "/config/apps/http/servers/edge/routes"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("caddy")) as scene:
        yield scene


@pytest.fixture(name="caddy")
def _caddy(tmp_path):
    with Caddy(tmp_path / "caddy") as caddy:
        yield caddy


@pytest.mark.parametrize("way", WAYS)
def test_no_request_fails(scene, caddy, way):
    """GET and POST, kept and fresh connections, a WebSocket and a stream of 10 s, over deploys and a rollback; Caddy
    is told nothing for them."""
    before = caddy.others()
    with behind_caddy(scene, caddy, way) as app:
        for tag in ("v1", "v2", "v3"):
            scene.push(app, tag)
        app.live("v1")
        assert caddy.others() == before
        assert ours(caddy)[0]["match"] == [{"host": [app.host]}]
        with load(app) as checker:
            told = len(caddy.writes())
            stream = Stream(app.host, app.address, count=100, every_ms=100)
            with WebSocket(app.host, app.address) as echo:
                deploy = app.deploy(app.stage_name, "v2")
                checker.wait_version(app.host, "v2", 30)
                assert echo.echo("still there") == "still there"
                assert (echo.version, stream.version) == ("v1", "v1")
            assert stream.finish() == (100, None)
            assert app.wait_over(deploy)["state"] == "LIVE"
            app.live("v3")
            checker.wait_version(app.host, "v3")
            checker.expect(app.host, "v2")
            over = app.wait_over(app.rollback(app.stage_name))
            assert over["state"] == "LIVE", over
            checker.wait_version(app.host, "v2")
            assert len(caddy.writes()) == told
        assert caddy.others() == before


def test_replicas_share_the_traffic(scene, caddy):
    """Each of three containers gets some of it, before and after a deploy."""
    with behind_caddy(scene, caddy, stage="domains: [{name}.localhost], replicas: 3") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
            app.live(tag)
            seen = set()
            for _ in range(100):
                headers = ask(app)[1]
                assert headers["App-Version"] == tag
                seen.add(headers["App-Instance"])
            assert len(seen) == 3


def test_others_are_left_alone(scene, caddy):
    """A route of theirs for the same host is named, a catch-all of theirs stays behind ours, a middleware before
    it; a second one of ours goes."""
    with behind_caddy(scene, caddy) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        rival = {"@id": "others-rival", "match": [{"host": [app.host]}], "terminal": True,
                 "handle": [{"handler": "static_response", "body": "theirs"}]}
        assert caddy.ask("POST", ROUTES, rival)[0] == 200
        assert "@id others-rival" in reason(app.wait_over(app.deploy(app.stage_name, "v1"), 60))
        assert not ours(caddy)
        assert caddy.ask("DELETE", "/id/others-rival")[0] == 200
        marks = {"@id": "others-marks", "handle": [{"handler": "headers", "response": {"set": {"Marked": ["yes"]}}}]}
        takes_all = {"@id": "others-all", "handle": [{"handler": "static_response", "body": "all"}]}
        for route in (marks, takes_all):
            assert caddy.ask("POST", ROUTES, route)[0] == 200
        before = caddy.others()
        app.live("v1")
        ids = [route.get("@id") for route in caddy.config("apps/http/servers/edge/routes")]
        ours_id = ours(caddy)[0]["@id"]
        assert ids == ["others-blog", "others-marks", ours_id, "others-all"]
        assert caddy.ask("POST", ROUTES, caddy.route(ours_id))[0] == 200
        app.live("v2")
        assert len(ours(caddy)) == 1 and caddy.others() == before and version(app) == "v2"


def test_with_https_and_a_wildcard(scene, caddy):
    """The probe asks by the domain's own name, so that Caddy has the certificate."""
    with behind_caddy(scene, caddy, server="secure", entry=f"https_entry: https://127.0.0.1:{caddy.https_port}",
                stage='domains: ["{name}.localhost", "*.{name}.localhost"]') as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
            app.live(tag)
        trust = ssl.create_default_context(cafile=caddy.authority)
        for host in (app.host, f"any.{app.host}"):
            with socket.create_connection(("127.0.0.1", caddy.https_port), 5) as plain, \
                    trust.wrap_socket(plain, server_hostname=host) as secure:
                secure.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = HTTPResponse(secure)
                answer.begin()
                assert answer.headers["App-Version"] == "v2"


def test_by_a_unix_socket_and_a_server_of_its_own(scene, tmp_path):
    """What `server` names is made where `listen` says; one that listens there already is named."""
    with Caddy(tmp_path / "caddy", uses_socket=True) as caddy:
        port = free_port()
        with behind_caddy(scene, caddy, "edge", server="slipway", more=f'\n    listen: "127.0.0.1:{port}"') as app:
            scene.push(app, "v1")
            app.live("v1")
            assert caddy.config("apps/http/servers/slipway")["listen"] == [f"127.0.0.1:{port}"]
        with behind_caddy(scene, caddy, "edge", server="other", more=f'\n    listen: "127.0.0.1:{port}"') as app:
            scene.push(app, "v1")
            assert "set 'server: slipway'" in reason(app.wait_over(app.deploy(app.stage_name, "v1"), 60))


def test_the_secret_is_no_one_elses(scene, caddy):
    """Who does not know it is not told which container answers, and it reaches neither the app nor a log."""
    with behind_caddy(scene, caddy) as app:
        scene.push(app, "v1")
        app.live("v1")
        text = json.dumps(ours(caddy))
        secret = text.split('"Slipway-Probe": ["')[1].split('"')[0]
        for probe in ("wrong", secret):
            _, headers, body = ask(app, "/headers", **{"Slipway-Probe": probe})
            assert b"Host: " in body and secret.encode() not in body
            assert ("Slipway-Instance" in headers) == (probe == secret)
        assert secret not in app.log.read_text("utf-8")
