# SPDX-License-Identifier: MIT
"""Faults of the machine under load: its disk full at each write, its descriptors or memory used up, its clock
set. A server that has to end says why, and the next start goes on; the edge serves all the time."""
import contextlib
import os
import resource
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.clock import Clock
from bed.fault_proxy import Fault, FaultProxy
from bed.faults import ask, haproxy_pids, lines, load, none_failed, signal_all, wait_line
from bed.long_lived import HeldPost
from bed.scene import Scene
from bed.slipway import TOKEN
from bed.wait import wait_for

BROKEN = 74
SLOW_GATE = "{http: /health, successes: 8, interval: 100ms, min_uptime: 0s}"
HOUR_S, YEAR_S = 3600, 365 * 86400


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("machine")) as scene:
        yield scene


@contextlib.contextmanager
def small_disk(place):
    """A disk of its own for a folder."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    """Take what is left of the disk; returns the file that holds it."""
    filler = place / "filler"
    with open(filler, "wb", 0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


# What makes each state last, so that the disk is full when it is left.
PHASES = {
    "RESOLVING": ({}, r"/manifests/"),
    "PULLING": ({}, r"/blobs/"),
    "PROBING": ({}, None),
    "DRAINING": ({}, None),
    "RETIRING": ({"IGNORE_SIGTERM": "1"}, None),
}


def full_disk_in(scene, state):
    """A deploy whose next commit finds no space."""
    behaviour, delayed = PHASES[state]
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy(scene.registry.address))
        app = scene.app(address=proxy.address, health=SLOW_GATE,
                        stage="domains: [{name}.localhost], stop_timeout: 3s")
        stack.enter_context(small_disk(app.data))
        stack.enter_context(app)
        scene.push(app, "v1", **behaviour)
        scene.push(app, "v2")
        app.live("v1")
        held = HeldPost(app.host, app.edge_address) if state == "DRAINING" else None
        if held:
            wait_for(lambda: app.stage(app.stage_name)["in_flight"] == 1, 10, "the request to be in flight")
        checker = stack.enter_context(load(app, rate=60, workers=2))
        if delayed:
            proxy.add(Fault(path=delayed, delay_s=1, times=1))
        deploy = app.deploy(app.stage_name, "v2")
        found = app.wait_state(deploy, state)
        filler = fill(app.data)
        assert found["state"] == state, found
        if held:
            status, headers = held.finish()
            assert (status, headers["App-Version"]) == (200, "v1")
        assert app.process.wait(30) == BROKEN, app.log_tail()
        last = app.log_lines()[-1]
        assert (last["event"], last["level"]) == ("store.failed", "error")
        assert "free space on its disk and start again, nothing is lost" in last["msg"]
        checker.wait_requests(30)
        filler.unlink()
        app.start()
        over = app.wait_over(deploy)
        assert over["state"] == "LIVE", (state, over)
        wait_for(lambda: app.versions() == ["v2"] and len(app.containers()) == 1, 30, "one container")
        checker.wait_version(app.host, "v2")
        none_failed(checker)
        steps = [step["to"] for step in over["steps"] if step["actor"] == "DEPLOY"]
        assert steps[0] == "RESOLVING" and steps[-1] == "LIVE"


def test_disk_full_at_a_commit(scene):
    """In each phase: the server ends with 74 and says what to do; the next start goes on with the deploy."""
    with ThreadPoolExecutor(3) as pool:
        for one in [pool.submit(full_disk_in, scene, state) for state in PHASES]:
            one.result()


def test_disk_full_for_the_edge(scene):
    """Its files cannot be written: the deploy says so and waits, HAProxy can be killed and comes back, then all goes on."""
    app = scene.app()
    with small_disk(app.data / "edge") as disk, app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker:
            filler = fill(disk)
            deploy = app.deploy(app.stage_name, "v2")
            line = wait_line(app, "port.troubled", "warn", "No space left on device")
            assert "haproxy.cfg" in line["msg"] or "hosts.map" in line["msg"]
            assert "free space on its disk" in line["msg"]
            assert app.show(deploy)["state"] == "SWAPPING"
            checker.wait_requests(50)
            assert checker.stop()["failed"] == 0
        before = haproxy_pids(app)
        signal_all(before, signal.SIGKILL)
        wait_for(lambda: haproxy_pids(app) and not set(before) & set(haproxy_pids(app)) and ask(app)[0] == 200, 20,
                 "HAProxy to be back")
        filler.unlink()
        assert app.wait_over(deploy)["state"] == "LIVE"
        assert ask(app)[1]["App-Version"] == "v2"


def test_descriptors_are_few(scene):
    """Clients hold all connections: it is told, others wait, and deploys have descriptors of their own."""
    with scene.app() as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        assert app.terminate() == 0
        app.start(wrapper=("prlimit", "--nofile=96:96"))
        line = wait_line(app, "serve.descriptors", "warn", "ulimit -n")
        assert "only 96 descriptors" in line["msg"] and "24 connections" in line["msg"]
        with load(app) as checker, contextlib.ExitStack() as stack:
            path = app.get(f"/api/v1/projects/{app.name}")["webhook_path"]
            body = b'{"image":"%s"}' % scene.registry.reference(app.repository, "v2").encode()
            asking = stack.enter_context(socket.create_connection(("127.0.0.1", app.port), 10))
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", app.port), 10)) for _ in range(80)]
            wait_line(app, "http.accept_paused", "warn", "all 24 connections are open")
            asking.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                           % (path.encode(), len(body), body))
            assert asking.recv(4096).startswith(b"HTTP/1.1 202 ")
            checker.wait_version(app.host, "v2", 30)
            wait_for(lambda: app.versions() == ["v2"], 30, "the old version to end")
            assert not lines(app, "port.troubled") and not lines(app, "engine.lost")
            for client in clients:
                client.close()
            deploy = wait_for(app.deploys, 10, "the API to answer again")[0]["id"]
            assert app.wait_over(deploy)["state"] == "LIVE", app.log_of(deploy)
            none_failed(checker)


def test_memory_exhausted(scene):
    """The server cannot get memory: it says so and ends, as in a crash; the next start goes on, and nobody notices."""
    with scene.app(health=SLOW_GATE) as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker, contextlib.ExitStack() as stack:
            deploy = app.deploy(app.stage_name, "v2")
            app.wait_state(deploy, "PROBING")
            size = int(open(f"/proc/{app.pid}/statm", encoding="ascii").read().split()[0]) * resource.getpagesize()
            resource.prlimit(app.pid, resource.RLIMIT_AS, (size + (4 << 20), size + (4 << 20)))
            head = (f"POST /api/v1/apply HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n"
                    f"Content-Type: application/yaml\r\nContent-Length: 1000000\r\n\r\n").encode()
            for _ in range(30):
                with contextlib.suppress(OSError):
                    client = stack.enter_context(socket.create_connection(("127.0.0.1", app.port), 5))
                    client.sendall(head + b"#" * 900000)
            assert app.process.wait(20) == -signal.SIGABRT
            assert "out of memory" in app.log_tail()
            checker.wait_requests(30)
            app.start()
            assert app.wait_over(deploy)["state"] == "LIVE"
            checker.wait_version(app.host, "v2")
            none_failed(checker)


def jumps(scene, directory, seconds):
    """In the middle of a deploy, over a restart with the clock set, and back again."""
    directory.mkdir()
    clock = Clock(directory / "clock")
    app = scene.app(health=SLOW_GATE, stage='tags: "v*", poll: 1s, domains: [{name}.localhost]', **clock.environment,
                    SLIPWAY_SWEEP_INTERVAL="1s")
    for tag in ("v1", "v2", "v3"):  # what is there at the first look is not deployed by it
        scene.push(app, tag)
    with app:
        app.live("v1")
        with load(app, rate=100, workers=2) as checker:
            deploy = app.deploy(app.stage_name, "v2")
            app.wait_state(deploy, "PROBING")
            clock.jump(seconds)
            over = app.wait_over(deploy, 30)
            assert over["state"] == "LIVE", over
            line = wait_line(app, "clock.jumped", "warn", f"{'+' if seconds > 0 else '-'}{abs(seconds)} s")
            assert "deadlines are not affected" in line["msg"]
            assert 0 <= over["ended_ms"] - over["created_ms"] < 60000
            again = app.deploy(app.stage_name, "v3")
            app.wait_state(again, "PROBING")
            app.kill()
            app.start()
            assert app.wait_over(again, 30)["state"] == "LIVE"
            scene.push(app, "v4")  # polling goes on by the new time
            wait_for(lambda: (app.stage(app.stage_name)["live"] or {})["tag"] == "v4", 30, "v4 to be found and live")
            clock.jump(0)
            assert app.terminate() == 0
            app.start()
            scene.push(app, "v5")
            wait_for(lambda: (app.stage(app.stage_name)["live"] or {})["tag"] == "v5", 30, "v5 to be found and live")
            checker.wait_version(app.host, "v5")
            none_failed(checker)
        lived = ["v5", "v4", "v3", "v2", "v1"]  # it serves before its deploy has ended
        wait_for(lambda: [one["tag"] for one in app.deploys(limit=5) if one["state"] == "LIVE"] == lived, 10,
                 "every version to have been live, in their order")
        assert len(app.containers()) == 1


def test_the_clock_is_set(scene, tmp_path):
    """By an hour and by a year, both ways: no deadline comes early or never, and no request fails."""
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(jumps, scene, tmp_path / str(seconds), seconds)
                    for seconds in (HOUR_S, -HOUR_S, YEAR_S, -YEAR_S)]:
            one.result()
