# SPDX-License-Identifier: MIT
"""Tests of the test bed: what it starts is real, and what it reports as failed did fail."""
import base64
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from . import leftovers
from .bridge import Bridge
from .checker import Checker, difference, target
from .docker_api import ApiError
from .engine import Engine
from .fault_proxy import WRONG_DIGEST, Fault, FaultProxy, rate_limit, too_many_requests, wrong_digest
from .image import MACHINE, OCI, OTHER_MACHINE, make_app, push_app
from .plain_app import App
from .ports import free_port, free_ports
from .registry import ACCEPT, Registry
from .wait import NotInTime, wait_for


@pytest.fixture(scope="module")
def directory():
    """A scratch directory with a short path, removed afterwards."""
    path = tempfile.mkdtemp(prefix="slipbed-test-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def engine(directory):
    """A private engine with TLS, shared by the tests."""
    with Engine(f"{directory}/docker", tls=True) as one:
        yield one


@pytest.fixture(scope="module")
def registry(directory):
    """An open registry, shared by the tests."""
    with Registry(f"{directory}/registry") as one:
        yield one


def get(address, path="/", **headers):
    """Return (status, headers, body) of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}{path}", headers=headers),
                                    timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def test_ports_are_distinct_and_outside_the_outgoing_range():
    ports = free_ports(50)
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        begin = int(file.read().split()[0])
    assert len(set(ports)) == 50 and max(ports) < begin


def test_waiting_names_what_did_not_happen():
    with pytest.raises(NotInTime, match="a miracle: not within 0.05 s"):
        wait_for(lambda: False, 0.05, "a miracle")


def test_images_are_the_same_bytes_each_time():
    first, second = make_app("v1", behaviour={"A": 1}), make_app("v1", behaviour={"A": 1})
    assert first.digest == second.digest and first.blobs == second.blobs
    digests = {make_app("v2").digest, make_app("v1", form=OCI).digest, make_app("v1").digest,
               make_app("v1", machine=OTHER_MACHINE).digest, make_app("v1", healthcheck=True).digest}
    assert len(digests) == 5


def test_the_engine_runs_the_pushed_image(engine, registry):
    digest = push_app(registry, "shop/web", "v1", behaviour={"GREETING": "hello"}, healthcheck=True)
    reference = registry.reference("shop/web", "v1")
    port = free_port()
    engine.api.pull(reference)
    assert engine.api.image(reference)["RepoDigests"] == [registry.reference("shop/web", digest=digest)]
    engine.api.create_network("web")
    container = engine.api.run(reference, network="web", publish={8080: port}, Labels={"stage": "web"})
    inner = f"{engine.api.address(container, 'web')}:8080"
    for address in (inner, f"127.0.0.1:{port}"):
        status, headers, _ = wait_for(lambda at=address: get(at), 20, "the container's answer")
        assert (status, headers["App-Version"], headers["App-Name"]) == (200, "v1", "shop/web")
        assert headers["App-Instance"] == container[:12]
    assert get(inner, "/env?name=GREETING")[2] == b"hello"
    wait_for(lambda: engine.api.inspect(container)["State"]["Health"]["Status"] == "healthy", 10, "healthy")
    assert [one["Id"] for one in engine.api.containers(label="stage=web")] == [container]
    engine.api.stop(container)
    assert engine.api.inspect(container)["State"]["ExitCode"] == 0
    assert "SIGTERM: draining" in engine.api.logs(container)
    engine.api.remove(container)


def test_an_index_gives_this_machine_its_image_and_refuses_another(engine, registry):
    push_app(registry, "shop/many", "v1", machines=[MACHINE, OTHER_MACHINE])
    push_app(registry, "shop/other", "v1", machines=[OTHER_MACHINE])
    engine.api.pull(registry.reference("shop/many", "v1"))
    with pytest.raises(ApiError, match="no matching manifest"):
        engine.api.pull(registry.reference("shop/other", "v1"))


def test_the_engine_comes_back_from_a_restart_and_a_crash(engine, registry):
    push_app(registry, "shop/web", "v1")
    engine.api.pull(registry.reference("shop/web", "v1"))
    container = engine.api.run(registry.reference("shop/web", "v1"))
    engine.restart()
    assert not engine.api.inspect(container)["State"]["Running"]
    engine.api.start(container)
    engine.kill()
    engine.start()
    assert not engine.api.inspect(container)["State"]["Running"]
    engine.api.remove(container)


def test_the_engine_answers_over_tls_to_its_client_certificate_only(engine):
    url = f"https://{engine.tcp_address}/_ping"
    keys = engine.tls_directory
    curl = ["curl", "-sS", "--cacert", f"{keys}/ca.pem", url]
    known = [*curl, "--cert", f"{keys}/cert.pem", "--key", f"{keys}/key.pem"]
    assert subprocess.run(known, capture_output=True, check=True).stdout == b"OK"
    assert subprocess.run(curl, capture_output=True, check=False).returncode != 0


def test_a_stopped_engine_leaves_nothing(directory, registry):
    push_app(registry, "shop/web", "v1")
    with Engine(f"{directory}/second") as second:
        bridge, run = second.bridge, str(second.run)
        second.api.pull(registry.reference("shop/web", "v1"))
        second.api.create_network("left")
        second.api.run(registry.reference("shop/web", "v1"), network="left", Env=["IGNORE_SIGTERM=1"])
        second.kill()
    assert bridge.prefix not in subprocess.run(["ip", "address"], capture_output=True, text=True,
                                               check=True).stdout
    with open("/proc/mounts", encoding="utf-8") as file:
        assert f"{directory}/second" not in file.read()
    arguments = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True)
    assert run not in arguments.stdout
    assert not os.path.exists(run) and not os.path.exists(f"{directory}/second/engine")


def test_a_range_that_was_given_back_is_its_next_owners(directory, monkeypatch):
    """Another engine may claim the range while the one that had it still tidies up."""
    first = Engine(f"{directory}/first")
    first.bridge = Bridge.claim(first.directory, first.run)
    taken = []

    def sweep_and_claim(data, run, prefix):
        real_sweep(data, run, prefix)
        taken.append(Bridge.claim(f"{directory}/next", f"{directory}/next-run"))

    real_sweep = leftovers.sweep
    monkeypatch.setattr(leftovers, "sweep", sweep_and_claim)
    first.stop()
    names = subprocess.run(["ip", "-o", "link", "show", "type", "bridge"], capture_output=True, text=True, check=True)
    assert f" {taken[0].name}:" in names.stdout
    real_sweep(f"{directory}/next", f"{directory}/next-run", taken[0].prefix)


@pytest.mark.parametrize("mode", ["basic", "token"])
def test_a_registry_with_a_login_lets_in_who_may(engine, directory, mode):
    with Registry(f"{directory}/{mode}", mode) as guarded:
        push_app(guarded, "shop/web", "v1")
        reference = guarded.reference("shop/web", "v1")
        challenge = get(guarded.address, "/v2/shop/web/manifests/v1")[1]["WWW-Authenticate"]
        assert challenge.startswith("Basic" if mode == "basic" else "Bearer realm=")
        for login in ((), (guarded.username, "wrong")):
            with pytest.raises(ApiError):
                engine.api.pull(reference, *login)
        engine.api.pull(reference, guarded.username, guarded.password)
        if guarded.tokens:
            assert guarded.tokens.requests["robot repository:shop/web:pull"] >= 1


def test_the_token_server_can_refuse_and_fail(directory):
    with Registry(f"{directory}/tokens", "token") as guarded:
        push_app(guarded, "shop/web", "v1")
        pair = base64.b64encode(f"{guarded.username}:{guarded.password}".encode()).decode()
        path = "/token?service=registry&scope=repository:shop/web:pull"
        address = guarded.tokens.realm.split("/")[2]
        guarded.tokens.fail_status = 503
        assert get(address, path, Authorization=f"Basic {pair}")[0] == 503
        guarded.tokens.fail_status = None
        assert get(address, path, Authorization=f"Basic {pair}")[0] == 200
        assert guarded.tokens.request_count == 2


def test_the_fault_proxy_goes_wrong_as_told(registry):
    digest = push_app(registry, "shop/web", "v1")
    path = f"/v2/shop/web/manifests/{digest}"
    with FaultProxy(registry.address) as proxy:
        assert get(proxy.address, path, Accept=ACCEPT)[1]["Docker-Content-Digest"] == digest
        proxy.add(too_many_requests(7, times=1))
        status, headers, _ = get(proxy.address, path, Accept=ACCEPT)
        assert (status, headers["Retry-After"]) == (429, "7")
        assert get(proxy.address, path, Accept=ACCEPT)[0] == 200
        assert proxy.count("GET", "manifests") == 3 and proxy.log[1] == ("GET", path, 429)
        for fault, fails in ((Fault(hang=True, times=1), OSError), (Fault(reset=True), OSError)):
            proxy.clear()
            proxy.add(fault)
            with pytest.raises(fails):
                urllib.request.urlopen(f"http://{proxy.address}{path}", timeout=0.3)
        proxy.clear()
        proxy.add(Fault(truncate_at=10))
        with pytest.raises(Exception, match="IncompleteRead"):
            get(proxy.address, path, Accept=ACCEPT)
        proxy.clear()
        proxy.add(wrong_digest())
        wrong = get(proxy.address, path, Accept=ACCEPT)[1].get_all("Docker-Content-Digest")
        assert wrong == [WRONG_DIGEST]
        proxy.clear()
        proxy.add(rate_limit(100, 3))
        headers = get(proxy.address, path, Accept=ACCEPT)[1]
        assert headers["RateLimit-Remaining"] == "3;w=21600"


def test_the_engine_refuses_a_body_that_was_changed_on_the_way(engine, registry):
    push_app(registry, "shop/flip", "v1", files={"unique": b"never pulled before"})
    with FaultProxy(registry.address) as proxy:
        proxy.add(Fault(path="/blobs/", flip=True))
        with pytest.raises(ApiError):
            engine.api.pull(f"{proxy.address}/shop/flip:v1")


def test_the_app_answers_pipelined_requests_and_ends_the_connection():
    app = App(VERSION="v1")
    with socket.create_connection(("127.0.0.1", app.port), timeout=5) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                       b"GET /slow?ms=20 HTTP/1.1\r\nHost: a\r\n\r\n"
                       b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(65536), b""))
    assert text.count(b"HTTP/1.1 200 OK") == 3 and b"\r\n\r\nabcHTTP" in text
    assert app.end() == 0


def test_the_app_echoes_over_a_websocket():
    app = App(VERSION="v1")
    with socket.create_connection(("127.0.0.1", app.port), timeout=5) as client:
        client.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head = client.recv(4096)
        assert b"101 Switching" in head and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # RFC 6455, 1.3
        client.sendall(b"\x81\x82\0\0\0\0hi")
        assert client.recv(100) == b"\x81\x02hi"
    assert app.end() == 0


def test_the_app_refuses_a_websocket_that_lost_its_upgrade_on_the_way():
    app = App(VERSION="v1")
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    assert get(app.address, "/ws", **key)[0] == 426
    assert app.end() == 0


def test_the_app_finishes_what_is_in_flight_before_it_ends():
    app = App(VERSION="v1")
    with socket.create_connection(("127.0.0.1", app.port), timeout=5) as client:
        client.sendall(b"GET /slow?ms=200 HTTP/1.1\r\nHost: a\r\n\r\n")
        app.process.send_signal(signal.SIGTERM)
        text = b"".join(iter(lambda: client.recv(65536), b""))
    assert text.startswith(b"HTTP/1.1 200 OK") and b"Connection: close" in text
    assert app.process.wait() == 0


def test_the_checker_counts_nothing_when_nothing_fails():
    app = App(VERSION="v1", APP_NAME="shop/web")
    with Checker([target("web.local", app.address, app="shop/web")], rate=2000) as checker:
        checker.wait_requests(1000)
        final = checker.stop()
    assert app.end() == 0
    assert final["failed"] == 0 and final["fresh"] > 400 and final["reused"] > 400
    assert final["posts"] > 400 and final["targets"][0]["versions"][0]["version"] == "v1"


def test_the_checker_counts_what_fails_when_the_server_is_killed():
    app = App(VERSION="v1")
    with Checker([target("web.local", app.address)], rate=2000) as checker:
        before = checker.wait_requests(500)
        app.end(signal.SIGKILL)
        lost = difference(before, checker.wait_requests(200))
        assert before["failed"] == 0 and lost["failed"] > 100 and lost["reasons"]["connect"] > 100


@pytest.mark.parametrize("path, reason", [
    ("/status?code=503", "status_5xx"), ("/status?code=404", "status"), ("/slow?ms=400", "timeout"),
    ("/exit", "reset")])
def test_the_checker_names_the_reason(path, reason):
    app = App(VERSION="v1")
    with Checker([target("web.local", app.address, path=path)], rate=100, timeout_ms=200) as checker:
        wait_for(lambda: checker.snapshot()["reasons"][reason], 20, reason)
    app.end(signal.SIGKILL)


def test_the_checker_knows_the_app_behind_a_host():
    app = App(VERSION="v1", APP_NAME="shop/web")
    with Checker(rate=500) as checker:
        checker.add("other.local", app.address, app="shop/other")
        wait_for(lambda: checker.snapshot()["reasons"]["wrong_app"] > 10, 20, "wrong_app")
    app.end()


def test_the_checker_follows_versions_and_sees_them_go_back():
    """One address, behind which the app is exchanged."""
    old, new = App(VERSION="v1"), App(VERSION="v2")
    with FaultProxy(old.address) as front, \
            Checker([target("web.local", front.address)], rate=200) as checker:
        checker.wait_version("web.local", "v1")
        front.upstream = new.address
        assert checker.wait_version("web.local", "v2")["stale_version"] == 0
        front.upstream = old.address
        wait_for(lambda: checker.snapshot()["stale_version"] > 3, 20, "stale_version")
        front.upstream = new.address
        checker.wait_requests(50)
        checker.expect("web.local", "v1")
        before = checker.wait_requests(20)
        front.upstream = old.address
        after = checker.wait_version("web.local", "v1")
        after = checker.wait_requests(50)
        assert difference(before, after)["stale_version"] == 0
        assert checker.versions("web.local") == ["v1", "v2", "v1"]
        assert after["failed"] == 0
    assert old.end() == 0 and new.end() == 0
