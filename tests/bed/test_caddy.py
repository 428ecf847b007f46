# SPDX-License-Identifier: MIT
"""Tests of the bed's Caddy: it is a real one, it keeps or forgets as it was started, and its admin interface fails
as it is told."""
import contextlib
import http.client
import json
import shutil
import socket
import ssl
import tempfile

import pytest

from .caddy import OTHERS_DOMAIN, OTHERS_TEXT, Caddy
from .checker import Checker
from .fault_proxy import WithTrailers
from .long_lived import Stream, WebSocket
from .plain_app import App
from .wait import wait_for

ROUTES = "/config/apps/http/servers/edge/routes"


@pytest.fixture(scope="module")
def directory():
    """A scratch directory, removed afterwards."""
    path = tempfile.mkdtemp(prefix="slipbed-caddy-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def apps():
    """Two versions of the app."""
    pair = [App(VERSION="v1"), App(VERSION="v2")]
    yield pair
    for app in pair:
        app.end()


@pytest.fixture
def caddy(directory):
    """A Caddy that resumes."""
    with Caddy(tempfile.mkdtemp(dir=directory)) as one:
        yield one


def route(domain, port, identity="slipway-a"):
    """A route to a port of this machine."""
    return {"@id": identity, "match": [{"host": [domain]}], "terminal": True,
            "handle": [{"@id": f"{identity}-proxy", "handler": "reverse_proxy",
                        "upstreams": [{"dial": f"127.0.0.1:{port}"}]}]}


def site(caddy, domain):
    """Return (headers, text) of a site over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", caddy.http_port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": domain})
        answer = connection.getresponse()
        return answer.headers, answer.read().decode()
    finally:
        connection.close()


def ask(caddy, method, path, value=None, timeout_s=10, **headers):
    """Return (status, body, ETag) of a request through the fault proxy."""
    connection = http.client.HTTPConnection(caddy.admin_address, timeout=timeout_s)
    connection.response_class = WithTrailers
    with contextlib.closing(connection):
        connection.request(method, path, None if value is None else json.dumps(value),
                           {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        seen = answer.status, answer.read(), answer.anywhere("ETag")
    caddy.wait_settled()
    return seen


def test_a_route_is_served_and_switched_beside_those_of_others(caddy, apps):
    before = caddy.others()
    assert ask(caddy, "POST", ROUTES, route("a.test", apps[0].port))[0] == 200
    assert site(caddy, "a.test")[0]["App-Version"] == "v1"
    assert ask(caddy, "PATCH", "/id/slipway-a-proxy/upstreams", [{"dial": f"127.0.0.1:{apps[1].port}"}])[0] == 200
    wait_for(lambda: site(caddy, "a.test")[0]["App-Version"] == "v2", 10, "the other version")
    assert site(caddy, OTHERS_DOMAIN)[1] == OTHERS_TEXT
    assert caddy.others() == before
    assert caddy.route("slipway-a")["match"] == [{"host": ["a.test"]}] and caddy.route("slipway-b") is None
    assert ask(caddy, "DELETE", "/id/others-blog")[0] == 200
    assert caddy.others() != before


def test_the_checker_counts_through_it(caddy, apps):
    caddy.ask("POST", ROUTES, route("a.test", apps[0].port))
    with Checker([], rate=400, workers=4) as checker:
        checker.add("a.test", f"127.0.0.1:{caddy.http_port}")
        checker.wait_requests(50)
        caddy.ask("PATCH", "/id/slipway-a-proxy/upstreams/0/dial", f"127.0.0.1:{apps[1].port}")
        checker.wait_version("a.test", "v2")
        assert checker.versions("a.test") == ["v1", "v2"]


def test_a_change_closes_all_websockets_and_no_stream(caddy, apps):
    caddy.ask("POST", ROUTES, route("a.test", apps[0].port))
    caddy.ask("POST", ROUTES, route("b.test", apps[0].port, "slipway-b"))
    address = f"127.0.0.1:{caddy.http_port}"
    stream = Stream("a.test", address, count=10)
    with WebSocket("a.test", address) as echo:
        same = [{"dial": f"127.0.0.1:{apps[0].port}"}]
        assert caddy.ask("PATCH", "/id/slipway-b-proxy/upstreams", same)[0] == 200
        assert echo.echo("still there") == "still there"
        caddy.ask("PATCH", "/id/slipway-b-proxy/upstreams", [{"dial": f"127.0.0.1:{apps[1].port}"}])
        assert echo.wait_closed() in (1001, 1002)  # Caddy's word, or the app's answer to it when that is faster
    assert stream.version == "v1" and stream.finish() == (10, None)


def test_the_etag_passes_the_fault_proxy_and_guards(caddy, apps):
    status, body, etag = ask(caddy, "GET", ROUTES)
    assert status == 200 and json.loads(body)[0]["@id"] == "others-blog"
    assert etag and etag == caddy.ask("GET", ROUTES)[2]
    assert ask(caddy, "POST", ROUTES, route("a.test", apps[0].port), **{"If-Match": etag})[0] == 200
    status, body, _ = ask(caddy, "POST", ROUTES, route("b.test", apps[0].port, "slipway-b"), **{"If-Match": etag})
    assert status == 412 and b"If-Match" in body
    assert ask(caddy, "GET", ROUTES, Host="evil.test")[0] == 403


def test_what_it_saved_outlives_it_or_not(caddy, apps):
    caddy.ask("POST", ROUTES, route("a.test", apps[0].port))
    wait_for(lambda: "slipway-a" in caddy.autosave.read_text("utf-8"), 10, "Caddy to save its configuration")
    caddy.restart()
    assert site(caddy, "a.test")[0]["App-Version"] == "v1"
    caddy.kill()
    with pytest.raises(ConnectionRefusedError):
        site(caddy, "a.test")
    caddy.start()
    assert site(caddy, "a.test")[0]["App-Version"] == "v1"
    caddy.restart(resumes=False)
    assert site(caddy, "a.test")[0]["App-Version"] is None
    assert caddy.route("slipway-a") is None and caddy.route("others-blog")


def test_the_admin_interface_fails_as_rules_say(caddy, apps):
    caddy.answer(401, "unauthorized", method="POST", times=1)
    caddy.answer(403, "host not allowed: x", method="POST", times=1)
    caddy.answer(500, "loading new config", method="POST", skip=1, times=1)
    statuses = [ask(caddy, "POST", ROUTES, route(f"{one}.test", apps[0].port, f"slipway-{one}"))[0]
                for one in range(4)]
    assert statuses == [401, 403, 200, 500]
    assert caddy.route("slipway-2") and not caddy.route("slipway-0") and not caddy.route("slipway-3")
    caddy.fault(method="DELETE", lose=True, times=1)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(caddy, "DELETE", "/id/slipway-2")
    assert caddy.route("slipway-2") is None
    caddy.fault(method="GET", hang=True, times=1)
    with pytest.raises(TimeoutError):
        ask(caddy, "GET", ROUTES, timeout_s=0.3)
    assert [(one.method, one.status) for one in caddy.writes()] == [
        ("POST", 401), ("POST", 403), ("POST", 200), ("POST", 500), ("DELETE", None)]


def test_the_admin_interface_on_a_socket(directory, apps):
    with Caddy(tempfile.mkdtemp(dir=directory), uses_socket=True) as caddy:
        assert caddy.admin_address is None
        assert caddy.ask("POST", ROUTES, route("a.test", apps[0].port))[0] == 200
        assert site(caddy, "a.test")[0]["App-Version"] == "v1"


def test_https_with_its_own_authority(caddy, apps):
    caddy.ask("POST", ROUTES.replace("edge", "secure"), route("a.test", apps[0].port))
    trust = ssl.create_default_context(cafile=caddy.authority)

    def version():
        with socket.create_connection(("127.0.0.1", caddy.https_port), 5) as plain, \
                trust.wrap_socket(plain, server_hostname="a.test") as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
            answer = http.client.HTTPResponse(secure)
            answer.begin()
            return answer.headers["App-Version"]
    assert wait_for(version, 20, "the certificate") == "v1"
