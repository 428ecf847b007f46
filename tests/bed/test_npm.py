# SPDX-License-Identifier: MIT
"""Tests of the fake Nginx Proxy Manager: traffic really flows, and it is as strict and as harmful as the real one."""
import base64
import contextlib
import http.client
import json
import shutil
import socket
import ssl
import tempfile
import threading

import pytest

from .checker import Checker
from .long_lived import Stream, WebSocket
from .names import NameServer
from .npm import NginxProxyManager
from .npm.manager import DEFAULT_PAGE
from .npm.validator import Validator
from .npm.versions import RELEASES, Version
from .plain_app import App
from .wait import wait_for

EMAIL = "slipway@example.com"
SECRET = "a-password-for-tests-only"
FORWARD = {"forward_scheme": "http", "forward_host": "127.0.0.1", "forward_port": 9}


class Client:
    """A client of the API that keeps what it is given."""

    def __init__(self, address):
        self.address = address
        self.token = None

    def ask(self, method, path, body=None, raw=None, kind="application/json", timeout_s=20):
        """Return (status, value) of one request."""
        headers = {"Content-Type": kind} if body is not None or raw is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection(self.address, timeout=timeout_s)
        try:
            connection.request(method, f"/api{path}", json.dumps(body) if raw is None and body is not None else raw,
                               headers)
            answer = connection.getresponse()
            content = answer.read()
            is_json = "json" in (answer.headers["Content-Type"] or "")
            return answer.status, json.loads(content) if is_json else content.decode()
        finally:
            connection.close()

    def outcome(self, *request, **more):
        """Return (status, value) of a request, "nothing" when no answer comes, "cut" when it is cut off."""
        try:
            return self.ask(*request, **more)
        except TimeoutError:
            return "nothing"
        except (http.client.HTTPException, OSError):
            return "cut"

    def refusal(self, method, path, body=None, **more):
        """Return (status, message) of a request that must be refused."""
        status, value = self.ask(method, path, body, **more)
        assert value["error"]["code"] == status
        return status, value["error"]["message"]

    def login(self, email=EMAIL, secret=SECRET):
        """Log in."""
        status, value = self.ask("POST", "/tokens", {"identity": email, "secret": secret})
        assert status == 200, value
        self.token = value["token"]
        return self


@pytest.fixture(scope="module")
def directory():
    """A scratch directory, removed afterwards."""
    path = tempfile.mkdtemp(prefix="slipbed-npm-")
    yield path
    shutil.rmtree(path)


@contextlib.contextmanager
def started(directory, version):
    """An instance with an account."""
    with NginxProxyManager(tempfile.mkdtemp(dir=directory), version) as npm:
        npm.account(EMAIL, SECRET)
        yield npm


@pytest.fixture(scope="module")
def newest(directory):
    """One instance of the newest version for all tests that leave it as it was."""
    with started(directory, "2.15") as npm:
        yield npm


@pytest.fixture
def npm(newest):
    """The same; hosts, rules and exchanges of a test go with it."""
    yield newest
    newest.api.clear()
    for row in newest.store.rows("hosts"):
        newest.delete(row["id"])


@pytest.fixture
def client(npm):
    """A client that is logged in."""
    return Client(npm.api_address).login()


@pytest.fixture(scope="module")
def apps():
    """Two versions of the app."""
    pair = [App(VERSION="v1"), App(VERSION="v2")]
    yield pair
    for app in pair:
        app.end()


def site(npm, domain, path="/", port=None, method="GET", **headers):
    """Return (status, headers, text) of a request to a site."""
    connection = http.client.HTTPConnection("127.0.0.1", port or npm.http_port, timeout=10)
    try:
        connection.request(method, path, headers={"Host": domain, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def version_of(npm, domain, **more):
    """Return the version that serves a domain."""
    return site(npm, domain, **more)[1]["App-Version"]


def secure_site(npm, domain):
    """Return (status, headers) of a request over TLS that trusts the instance's authority alone."""
    trust = ssl.create_default_context(cafile=npm.certificates.authority.certificate)
    with socket.create_connection(("127.0.0.1", npm.https_port), 10) as plain, \
            trust.wrap_socket(plain, server_hostname=domain) as secure:
        secure.sendall(f"GET / HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        return answer.status, answer.headers


# Traffic.


def test_a_host_is_served_and_switched(npm, client, apps):
    status, row = client.ask("POST", "/nginx/proxy-hosts", {"domain_names": ["a.test"], **FORWARD,
                                                            "forward_port": apps[0].port})
    assert (status, row["meta"], row["locations"], row["enabled"]) == (201, {}, None, True)
    wait_for(lambda: version_of(npm, "a.test") == "v1", 10, "the host to be served")
    assert site(npm, "other.test")[::2] == (200, DEFAULT_PAGE)
    status, row = client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {"forward_port": apps[1].port})
    assert (status, row["meta"]) == (200, {"nginx_online": True, "nginx_err": None})
    wait_for(lambda: version_of(npm, "a.test") == "v2", 10, "the other version")
    npm.nginx.wait_reloaded()
    assert version_of(npm, "a.test") == "v2"


def test_the_checker_counts_through_it(npm, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    with Checker([], rate=400, workers=4) as checker:
        checker.add("a.test", f"127.0.0.1:{npm.http_port}")
        checker.wait_requests(50)
        npm.edit(row["id"], forward_port=apps[1].port)
        seen = checker.wait_version("a.test", "v2")
        assert checker.versions("a.test") == ["v1", "v2"]
        others = {name: count for name, count in seen["reasons"].items() if count and name not in ("stale", "reset")}
        assert not others, seen["reasons"]


def test_a_switch_is_through_once_the_old_workers_have_left(npm, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    for app in (1, 0, 1, 0):
        npm.edit(row["id"], forward_port=apps[app].port)
        npm.nginx.wait_reloaded()
        assert {version_of(npm, "a.test") for _ in range(20)} == {f"v{app + 1}"}


def test_names_are_looked_up_when_they_are_asked_for(npm, apps):
    row = npm.host("a.test", forward_host="app.internal", forward_port=apps[0].port)
    assert row["meta"]["nginx_online"] is True
    assert site(npm, "a.test")[0] == 502
    npm.names.addresses["there.internal"] = "127.0.0.1"
    npm.edit(row["id"], forward_host="there.internal")
    npm.nginx.wait_reloaded()
    assert version_of(npm, "a.test") == "v1"


def test_locations_and_the_host_that_says_nothing(npm, apps):
    location = {"path": "/two", "forward_scheme": "http", "forward_host": "127.0.0.1/", "forward_port": apps[1].port}
    row = npm.host("a.test", forward_port=apps[0].port, locations=[location])
    assert version_of(npm, "a.test") == "v1" and version_of(npm, "a.test", path="/two") == "v2"
    npm.edit(row["id"], locations=[{**location, "path": "/"}])
    npm.nginx.wait_reloaded()
    assert version_of(npm, "a.test") == "v2"
    edited = npm.edit(row["id"], locations=[{**location, "forward_host": "no-such-name.internal"}])
    assert "host not found in upstream" in edited["meta"]["nginx_err"]


def test_access_lists_guard_a_host(npm, apps):
    rules = npm.access_list()
    row = npm.host("a.test", forward_port=apps[0].port, access_list_id=rules["id"])
    basic = base64.b64encode(f"reader:{SECRET}".encode()).decode()
    assert site(npm, "a.test")[0] == 401
    status, headers, _ = site(npm, "a.test", Authorization=f"Basic {basic}")
    assert (status, headers["App-Version"]) == (200, "v1")
    npm.edit(row["id"], access_list_id=999)
    npm.nginx.wait_reloaded()
    assert npm.row(row["id"])["meta"]["nginx_online"] is True
    assert site(npm, "a.test")[0] == 200


def test_flags_do_what_they_say(npm, apps):
    npm.host("a.test", forward_port=apps[0].port, block_exploits=True, allow_websocket_upgrade=True)
    npm.host("b.test", forward_port=apps[0].port)
    assert site(npm, "a.test", path="/?q=base64_encode(1)")[0] == 403
    assert site(npm, "b.test", path="/?q=base64_encode(1)")[0] == 200
    address = f"127.0.0.1:{npm.http_port}"
    with WebSocket("a.test", address) as echo:
        assert echo.echo("hello") == "hello"
    with pytest.raises(ConnectionError):
        WebSocket("b.test", address)


def test_what_runs_stays_with_the_old_version_over_a_switch(npm, apps):
    row = npm.host("a.test", forward_port=apps[0].port, allow_websocket_upgrade=True)
    address = f"127.0.0.1:{npm.http_port}"
    stream = Stream("a.test", address, count=10)
    with WebSocket("a.test", address) as echo:
        for app in (1, 0, 1):
            npm.edit(row["id"], forward_port=apps[app].port)
            npm.nginx.wait_reloaded()
        assert (version_of(npm, "a.test"), echo.version, stream.version) == ("v2", "v1", "v1")
        assert echo.echo("still there") == "still there"
        assert npm.nginx.leaving()
    assert stream.finish() == (10, None)
    wait_for(lambda: not npm.nginx.leaving(), 10, "the old workers to end")


def test_a_certificate_of_lets_encrypt(npm, client, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    npm.certificates.refused.add("never.test")
    assert client.refusal("POST", "/nginx/certificates", {"provider": "letsencrypt", "domain_names": [
        "never.test"]}) == (500, "Internal Error")
    assert client.ask("GET", "/nginx/certificates")[1] == []
    status, certificate = client.ask("POST", "/nginx/certificates", {"provider": "letsencrypt",
                                                                     "domain_names": ["a.test"]})
    assert (status, certificate["domain_names"]) == (201, ["a.test"])
    status, shown = client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {
        "certificate_id": certificate["id"], "ssl_forced": True, "http2_support": True, "hsts_enabled": True})
    assert (status, shown["certificate"]["meta"], shown["meta"]["nginx_online"]) == (200, {}, True)
    npm.nginx.wait_reloaded()
    status, headers = secure_site(npm, "a.test")
    assert (status, headers["App-Version"]) == (200, "v1") and "max-age" in headers["Strict-Transport-Security"]
    status, headers, _ = site(npm, "a.test")
    assert (status, headers["Location"]) == (301, "https://a.test/")
    npm.edit(row["id"], certificate_id=999)
    npm.nginx.wait_reloaded()
    with pytest.raises((ssl.SSLError, OSError)):
        secure_site(npm, "a.test")
    assert npm.row(row["id"])["meta"]["nginx_online"] is True
    assert client.ask("DELETE", f"/nginx/certificates/{certificate['id']}") == (200, True)


def test_hosts_are_off_while_their_certificate_is_asked_for(npm, client, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    npm.certificates.delay_s = 3
    asking = threading.Thread(target=npm.certificate, args=("a.test",))
    asking.start()
    wait_for(lambda: site(npm, "a.test")[0] == 404, 20, "the host to be off")
    npm.certificates.delay_s = 0
    asking.join()
    assert client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {"enabled": True})[1]["meta"]["nginx_online"]
    npm.nginx.wait_reloaded()
    assert version_of(npm, "a.test") == "v1"


def test_an_own_certificate(npm, client, apps):
    certificate, key = npm.certificates.authority.issue("own", "own.test", alternative="DNS:own.test")
    number = client.ask("POST", "/nginx/certificates", {"provider": "other", "nice_name": "own"})[1]["id"]
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n'
                    f"Content-Type: application/octet-stream\r\n\r\n{file.read_text('ascii')}\r\n"
                    for name, file in (("certificate", certificate), ("certificate_key", key)))
    status, files = client.ask("POST", f"/nginx/certificates/{number}/upload", raw=f"{parts}--x--\r\n",
                               kind="multipart/form-data; boundary=x")
    assert (status, sorted(files)) == (200, ["certificate", "certificate_key"])
    assert client.ask("GET", f"/nginx/certificates/{number}")[1]["domain_names"] == ["own.test"]
    row = npm.host("own.test", forward_port=apps[0].port, certificate_id=number)
    shown = client.ask("GET", f"/nginx/proxy-hosts/{row['id']}?expand=certificate")[1]["certificate"]
    assert (shown["nice_name"], shown["meta"]) == ("own", {})
    assert secure_site(npm, "own.test")[0] == 200
    assert client.ask("DELETE", f"/nginx/certificates/{number}") == (200, True)


# Strictness.


def test_bodies_are_refused_in_the_words_of_the_real_one(client):
    whole = {"domain_names": ["a.test"], **FORWARD}
    assert client.refusal("POST", "/nginx/proxy-hosts", {**whole, "id": 1}) == (
        400, "data must NOT have additional properties")
    assert client.refusal("POST", "/nginx/proxy-hosts", {
        "domain_names": ["a.test"], "forward_scheme": "http", "forward_port": 70000}) == (
        400, "data must have required property 'forward_host', data/forward_port must be <= 65535")
    assert client.refusal("POST", "/nginx/proxy-hosts", {**whole, "locations": None}) == (
        400, "data/locations must be array")
    assert client.refusal("POST", "/nginx/proxy-hosts", {**whole, "domain_names": ["a b"]})[1].startswith(
        "data/domain_names/0 must match pattern")
    assert client.refusal("PUT", "/nginx/proxy-hosts/1", {}) == (400, "data must NOT have fewer than 1 properties")
    assert client.refusal("POST", "/nginx/proxy-hosts", raw="{") == (400, "Internal Error")
    assert client.refusal("POST", "/nginx/proxy-hosts") == (400, "Payload is undefined")
    assert client.refusal("POST", "/tokens", {"identity": EMAIL, "secret": SECRET, "expiry": "10y"}) == (
        400, "data must NOT have additional properties")


def test_a_host_as_it_was_read_is_refused_and_types_are_made_right(npm, client):
    row = client.ask("POST", "/nginx/proxy-hosts", {"domain_names": ["b.test", "a.test"], **FORWARD,
                                                    "forward_port": "8080", "enabled": 1})[1]
    assert (row["forward_port"], row["enabled"], row["domain_names"]) == (8080, True, ["a.test", "b.test"])
    read = client.ask("GET", f"/nginx/proxy-hosts/{row['id']}")[1]
    message = client.refusal("PUT", f"/nginx/proxy-hosts/{row['id']}", read)[1]
    assert message == ", ".join(["data must NOT have additional properties"] * 4 + ["data/locations must be array"])
    assert client.refusal("POST", "/nginx/proxy-hosts", {"domain_names": ["A.TEST"], **FORWARD}) == (
        400, "A.TEST is already in use")
    assert client.refusal("GET", "/nginx/proxy-hosts?expand=nothing") == (500, "Internal Error")
    owner = client.ask("GET", f"/nginx/proxy-hosts/{row['id']}?expand=owner")[1]["owner"]
    assert owner["email"] == EMAIL and "permissions" not in owner
    assert npm.find("b.test")["id"] == row["id"]


def test_who_may_not_is_told_that_nothing_is_there(npm, client):
    row = npm.host("a.test")
    stranger = Client(npm.api_address)
    path = f"/nginx/proxy-hosts/{row['id']}"
    assert stranger.refusal("GET", path) == (404, f"Not Found - {path}")
    stranger.token = "no.such.token"
    assert stranger.refusal("GET", path) == (500, "Internal Error")
    npm.account("narrow@example.com", SECRET, roles=(), certificates="hidden")
    stranger.token = None
    stranger.login("narrow@example.com")
    assert stranger.refusal("GET", path) == (404, f"Not Found - {row['id']}")
    assert stranger.refusal("GET", "/nginx/certificates") == (404, "Not Found - /nginx/certificates")
    assert stranger.ask("GET", "/nginx/proxy-hosts") == (200, [])
    assert client.refusal("GET", "/nginx/proxy-hosts/") == (404, "Not Found - /nginx/proxy-hosts/")
    assert client.refusal("GET", "/nginx/proxy-hosts/999") == (404, "Not Found - 999")
    assert client.refusal("PATCH", path) == (404, f"Not Found - {path}")


def test_tokens_end_and_two_factors_are_asked_for(npm):
    client = Client(npm.api_address)
    assert client.refusal("POST", "/tokens", {"identity": EMAIL, "secret": "wrong"}) == (
        400, "Invalid email or password")
    client.login()
    first = client.token
    client.token = client.ask("GET", "/tokens")[1]["token"]
    assert client.token != first and client.ask("GET", "/nginx/proxy-hosts")[0] == 200
    assert client.refusal("GET", "/tokens?expiry=foo") == (400, "Invalid expiry time: foo")
    npm.expire_tokens()
    assert client.refusal("GET", "/nginx/proxy-hosts") == (400, "Token has expired")
    client.token = None
    client.login()
    npm.revoke_tokens()
    assert client.refusal("GET", "/nginx/proxy-hosts") == (500, "Internal Error")
    guarded = npm.account("guarded@example.com", SECRET, has_two_factors=True)
    client.token = None
    status, value = client.ask("POST", "/tokens", {"identity": "guarded@example.com", "secret": SECRET})
    assert (status, value["requires_2fa"], "token" in value) == (200, True, False)
    client.token = value["challenge_token"]
    assert client.refusal("GET", "/nginx/proxy-hosts") == (404, "Not Found - /nginx/proxy-hosts")
    assert client.refusal("POST", "/tokens/2fa", {**value, "code": "000000"})[0] == 400
    answer = {"challenge_token": value["challenge_token"], "code": npm.codes(guarded)[0]}
    assert client.ask("POST", "/tokens/2fa", answer)[1]["token"]


@pytest.mark.parametrize("name", RELEASES)
def test_each_version_has_its_own_ways(directory, name):
    version = Version(name)
    with started(directory, name) as npm:
        client = Client(npm.api_address)
        _, health = client.ask("GET", "/")
        assert health["version"] == dict(zip(("major", "minor", "revision"), version.release))
        assert ("setup" in health) is (version.minor >= 13)
        wrong = client.refusal("POST", "/tokens", {"identity": EMAIL, "secret": "wrong"})
        assert wrong == {9: (401, "Invalid password"), 12: (401, "Invalid email or password"),
                         13: (400, "Invalid email or password")}[max(
                             since for since in (9, 12, 13) if since <= version.minor)]
        assert client.ask("GET", "/nginx/proxy-hosts")[0] == (404 if version.minor >= 13 else 403)
        client.login()
        row = client.ask("POST", "/nginx/proxy-hosts", {"domain_names": ["a.test"], **FORWARD})[1]
        assert isinstance(row["ssl_forced"], bool) is (version.minor >= 12)
        assert ("trust_forwarded_proto" in row) is (version.minor >= 14)
        status, _ = client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {"trust_forwarded_proto": True})
        assert status == (200 if version.minor >= 14 else 400)
        must = "must" if version.minor >= 12 else "should"
        errors = client.refusal("POST", "/nginx/proxy-hosts", {"nonsense": 1})[1].split(", ")
        assert errors[0] == f"data {must} have required property 'domain_names'" if version.minor >= 12 \
            else len(errors) == 1
        assert len(errors) == (5 if version.minor >= 12 else 1)
        many = {"domain_names": [f"{one}.b.test" for one in range(16)], **FORWARD}
        assert client.ask("POST", "/nginx/proxy-hosts", many)[0] == (201 if version.minor >= 11 else 400)
        email = {"provider": "letsencrypt", "domain_names": ["a.test"],
                 "meta": {"letsencrypt_email": EMAIL, "letsencrypt_agree": True}}
        assert client.ask("POST", "/nginx/certificates", email)[0] == (400 if version.minor >= 13 else 201)
        published = client.ask("GET", "/schema")[1]["paths"]
        assert ("/nginx/proxy-hosts/{hostID}" in published) is (version.minor >= 12)


def test_the_validator_changes_types_as_the_real_one():
    number_or_new = {"type": "object", "properties": {"id": {"anyOf": [
        {"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^new$"}]}}}
    assert Validator(True).check(number_or_new, {"id": 5}) == ({"id": "5"}, [])
    assert Validator(False).check(number_or_new, {"id": 5}) == ({"id": 5}, [])
    number_or_text = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert Validator(True).check(number_or_text, 5)[0] == "5" and Validator(False).check(number_or_text, 5)[0] == 5
    value, errors = Validator(True).check(number_or_new, {"id": "old"})
    assert len(errors) == 3 and errors[-1] == "data/id must match a schema in anyOf"
    integer = {"type": "integer"}
    for given, made in (("12", 12), (True, 1), (None, 0), (3.0, 3)):
        assert Validator(True).check(integer, given) == (made, [])
    for given in ("1.5", "x", "", [1], {}):
        assert Validator(True).check(integer, given)[1] == ["data must be integer"]
    same = {"type": "array", "uniqueItems": True}
    assert Validator(True).check(same, ["a", "a"])[1] == [
        "data must NOT have duplicate items (items ## 0 and 1 are identical)"]


# Harm.


def test_a_host_that_nginx_refuses_is_deleted_and_nginx_reloaded(npm, client, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    status, shown = client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {"advanced_config": "nonsense;"})
    assert (status, shown["meta"]["nginx_online"]) == (200, False)
    assert 'unknown directive "nonsense"' in shown["meta"]["nginx_err"]
    assert not npm.file(row["id"]).exists()
    npm.nginx.wait_reloaded()
    assert site(npm, "a.test")[::2] == (200, DEFAULT_PAGE)
    assert client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {"advanced_config": ""})[1]["meta"]["nginx_online"]
    npm.nginx.wait_reloaded()
    assert version_of(npm, "a.test") == "v1"


def test_a_fault_of_another_file_is_a_500_after_the_row_changed(npm, client, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    npm.break_nginx()
    answer = client.refusal("PUT", f"/nginx/proxy-hosts/{row['id']}", {"forward_port": apps[1].port})
    npm.mend_nginx()
    assert answer == (500, "Internal Error")
    assert npm.row(row["id"])["forward_port"] == apps[1].port
    assert version_of(npm, "a.test") == "v1"


def test_without_nginx_a_change_waits_for_its_start(npm, client, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    with npm.nginx_down():
        answer = client.refusal("PUT", f"/nginx/proxy-hosts/{row['id']}", {"forward_port": apps[1].port})
        with pytest.raises(ConnectionRefusedError):
            Client(npm.admin_address).ask("GET", "/")
    assert answer == (500, "Internal Error")
    assert version_of(npm, "a.test") == "v2"


def test_two_at_once_lose_a_change(npm, client):
    row = npm.host("a.test")
    path = f"/nginx/proxy-hosts/{row['id']}"
    user = npm.store.row("users", 1)
    npm.hosts.store.row, real = (lambda table, number: late(real, table, number)), npm.hosts.store.row

    def late(read, table, number):
        """Between the first read of a row and its write comes another's change."""
        found = read(table, number)
        if table == "hosts" and npm.hosts.store.row is not real:
            npm.hosts.store.row = real
            assert client.ask("PUT", path, {"block_exploits": True})[0] == 200
        return found
    npm.hosts.update(user, row["id"], {"forward_port": 10})
    assert (npm.row(row["id"])["forward_port"], npm.row(row["id"])["block_exploits"]) == (10, False)


def test_disable_takes_the_file_away_and_enabled_false_does_not(npm, client, apps):
    row = npm.host("a.test", forward_port=apps[0].port)
    path = f"/nginx/proxy-hosts/{row['id']}"
    assert client.ask("PUT", path, {"enabled": False})[0] == 200
    assert version_of(npm, "a.test") == "v1"
    assert client.refusal("POST", f"{path}/disable") == (400, "Host is already disabled")
    assert client.ask("POST", f"{path}/enable") == (200, True)
    assert client.ask("POST", f"{path}/disable") == (200, True)
    npm.nginx.wait_reloaded()
    assert site(npm, "a.test")[2] == DEFAULT_PAGE
    assert client.ask("DELETE", path) == (200, True)
    assert client.refusal("DELETE", path) == (404, f"Not Found - {row['id']}")


def test_requests_fail_as_rules_say_and_are_kept(npm, client):
    npm.api.clear()
    npm.answer(401, "Token has expired", method="GET", path="/proxy-hosts", skip=1, times=1)
    statuses = [client.ask("GET", "/nginx/proxy-hosts")[0] for _ in range(3)]
    assert statuses == [200, 401, 200]
    npm.fault(method="POST", lose=True, times=1)
    assert client.outcome("POST", "/nginx/proxy-hosts", {"domain_names": ["lost.test"], **FORWARD}) == "cut"
    assert npm.find("lost.test")
    npm.fault(method="POST", reset=True, times=1)
    assert client.outcome("POST", "/nginx/proxy-hosts", {"domain_names": ["none.test"], **FORWARD}) == "cut"
    assert not npm.find("none.test")
    npm.fault(method="DELETE", hang=True, times=1)
    assert client.outcome("DELETE", "/nginx/proxy-hosts/1", timeout_s=0.3) == "nothing"
    kept = [(one.method, one.was_passed, one.status) for one in npm.writes()]
    assert kept == [("POST", True, None), ("POST", False, None), ("DELETE", False, None)]
    assert json.loads(npm.writes()[0].body)["domain_names"] == ["lost.test"]
    assert len(npm.requests("GET", "/nginx/proxy-hosts")) == 3 and npm.overlaps() == []


def test_requests_at_the_same_time_are_noticed(npm, client):
    npm.api.clear()
    rows = [npm.host(f"{name}.test") for name in "ab"]
    clients = [threading.Thread(target=client.ask, args=("PUT", f"/nginx/proxy-hosts/{row['id']}",
                                                         {"block_exploits": True})) for row in rows]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert len(npm.overlaps()) == 1


def test_it_comes_back_from_a_restart_with_its_tokens(npm, client, apps):
    npm.host("a.test", forward_port=apps[0].port)
    npm.restart()
    assert version_of(npm, "a.test") == "v1"
    assert [row["domain_names"] for row in client.ask("GET", "/nginx/proxy-hosts")[1]] == [["a.test"]]
    with npm.api_down():
        assert client.ask("GET", "/")[0] == 502
        assert version_of(npm, "a.test") == "v1"


def test_the_admin_site_closes_idle_connections_when_nginx_reloads(npm, client):
    row = npm.host("a.test")
    connection = http.client.HTTPConnection(npm.admin_address, timeout=10)
    connection.request("GET", "/api/")
    assert json.loads(connection.getresponse().read())["status"] == "OK"
    assert client.ask("PUT", f"/nginx/proxy-hosts/{row['id']}", {"block_exploits": True})[0] == 200
    connection.sock.settimeout(10)
    assert connection.sock.recv(1) == b""
    connection.close()


def test_the_name_server_knows_only_its_names():
    with NameServer() as names:
        names.addresses["here.test"] = "127.0.0.9"
        question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04%s\x04test\x00\x00\x01\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.connect(("127.0.0.1", names.port))
            asking.send(question % b"here")
            answer = asking.recv(512)
            assert answer[3] & 15 == 0 and answer[-4:] == b"\x7f\x00\x00\x09"
            asking.send(question % b"gone")
            assert asking.recv(512)[3] & 15 == 3
