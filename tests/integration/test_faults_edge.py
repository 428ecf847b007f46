# SPDX-License-Identifier: MIT
"""Faults of the edge under load: HAProxy killed, hung, reloaded by others, its socket gone, its certificate
renewed or broken. What the user is told, and which requests fail."""
import os
import signal
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bed.certificates import Authority
from bed.checker import PATIENCE_MS
from bed.faults import (ask, edge_lines, haproxy_pids, health, lines, load, none_failed, signal_all, troubles,
                        wait_line)
from bed.ports import free_port
from bed.scene import Scene
from bed.wait import wait_for


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("edge")) as scene:
        yield scene


def reload_by_hand(app):
    """What `pkill -USR2` of an administrator does; returns once a new worker runs."""
    before = haproxy_pids(app)
    os.kill(before[0], signal.SIGUSR2)
    wait_for(lambda: set(haproxy_pids(app)) - set(before), 10, "a new worker")


def test_its_processes_know_no_secret(scene):
    """The token and a registry's password are the server's alone."""
    with scene.app(REGISTRY_PASSWORD="a-password-for-tests-only") as app:
        wait_for(lambda: len(haproxy_pids(app)) == 2, 10, "HAProxy and its worker")
        for pid in app.edge_pids():
            known = Path(f"/proc/{pid}/environ").read_text("utf-8")
            assert "for-tests-only" not in known and "PATH=" in known


def test_a_reload_by_others_is_followed(scene):
    """The next deploy talks to the new worker; it is not rolled back, and no request fails."""
    with scene.app() as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker:
            reload_by_hand(app)
            over = app.live("v2")
            assert not [step for step in troubles(over) if step["actor"] == "SWAP"]
            checker.wait_version(app.host, "v2")
            none_failed(checker)
        wait_line(app, "edge.reloaded", "info", "reloaded by somebody else")
        assert health(app, "edge")["ready"]


class Certificate:
    """The PEM file of an edge, written anew as a renewal does."""

    def __init__(self, directory):
        self.authority = Authority(directory / "authority")
        self.folder = directory / "certificates"
        self.folder.mkdir()
        self.path = self.folder / "app.pem"
        self.count = 0

    def renew(self):
        """Put a new certificate in place of the old one, and return its bytes."""
        self.count += 1
        certificate, key = self.authority.issue(f"number{self.count}")
        self.write(certificate.read_text("ascii") + key.read_text("ascii"))
        return ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))

    def write(self, text):
        """Replace the file at once."""
        fresh = self.folder / ".app.pem.new"
        fresh.write_text(text, "ascii")
        fresh.rename(self.path)


def served(port):
    """The certificate that the edge shows."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port), timeout=5))


def test_a_renewed_certificate_is_served_by_itself(scene, tmp_path):
    """Within one sweep, by a reload that fails no request; one that is broken changes nothing and is told."""
    certificate = Certificate(tmp_path)
    first = certificate.renew()
    port = free_port()
    with scene.app(SLIPWAY_SWEEP_INTERVAL="1s", SLIPWAY_EDGE_HTTPS=f"127.0.0.1:{port}",
                   SLIPWAY_EDGE_CERTIFICATES=str(certificate.folder)) as app:
        for tag in ("v1", "v2", "v3"):
            scene.push(app, tag)
        app.live("v1")
        assert served(port) == first
        with load(app) as checker:
            second = certificate.renew()
            wait_for(lambda: served(port) == second, 10, "the renewed certificate")
            wait_line(app, "edge.reload", "info")
            assert not troubles(app.live("v2"))

            certificate.write("no certificate at all\n")
            fault = wait_for(lambda: health(app, "edge").get("why"), 10, "the fault")
            assert "app.pem" in fault and "keeps its old configuration" in fault
            assert [line for line in lines(app, "edge.fault", "error") if "app.pem" in line["msg"]]
            assert served(port) == second
            app.live("v3")

            third = certificate.renew()
            wait_for(lambda: served(port) == third, 20, "the mended certificate")
            wait_for(lambda: not health(app, "edge").get("why"), 20, "the fault to be over")
            checker.wait_version(app.host, "v3")
            none_failed(checker)
        assert ask(app)[0] == 200


def test_a_renewed_certificate_is_served_after_a_hangup(scene, tmp_path):
    """The habit of an administrator, `kill -HUP`: no sweep has to be waited for."""
    certificate = Certificate(tmp_path)
    certificate.renew()
    port = free_port()
    with scene.app(SLIPWAY_SWEEP_INTERVAL="1h", SLIPWAY_EDGE_HTTPS=f"127.0.0.1:{port}",
                   SLIPWAY_EDGE_CERTIFICATES=str(certificate.folder)) as app:
        wait_for(lambda: served(port), 10, "the edge")
        second = certificate.renew()
        app.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served(port) == second, 10, "the renewed certificate")
        assert lines(app, "serve.hangup", "info")


def test_killed_in_mid_deploy(scene):
    """The keeper starts it again from its files: what fails is what came while it was away, and the deploy ends well."""
    with scene.app(health="{http: /health, successes: 6, interval: 100ms, min_uptime: 0s}") as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker:
            deploy = app.deploy(app.stage_name, "v2")
            app.wait_state(deploy, "PROBING")
            signal_all(haproxy_pids(app), signal.SIGKILL)
            wait_line(app, "edge.lost", "warn", "connection to HAProxy was lost")
            wait_for(lambda: len(lines(app, "edge.ready", "info")) == 2, 20, "the edge to be back")
            back = checker.snapshot()
            assert app.wait_over(deploy)["state"] == "LIVE"
            checker.wait_version(app.host, "v2")
            checker.wait_requests(100)
            assert checker.stop()["failed"] == back["failed"]
        assert not {"status_5xx", "wrong_app", "body", "malformed"} & {name for name, count in back["reasons"].items() if count}
        assert [line for line in edge_lines(app, "edge.died") if "signal 9" in line and '"error"' in line]
        assert health(app, "edge")["ready"]


def test_hung(scene):
    """A HAProxy that is stopped answers nobody; deploys wait for it, and all goes on when it does."""
    with scene.app() as app:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        with load(app, timeout_ms=PATIENCE_MS) as checker:
            pids = haproxy_pids(app)
            signal_all(pids, signal.SIGSTOP)
            try:
                deploy = app.deploy(app.stage_name, "v2")
                reason = wait_for(lambda: app.show(deploy)["steps"][-1]["on"] == "TROUBLED" and app.log_of(deploy)[-1]["text"],
                                  20, "the deploy to be told")
                assert "HAProxy runs but does not answer" in reason and "restart the edge" in reason
                edge = health(app, "edge")
                assert not edge["ready"] and "does not answer" in edge["why"]
                assert "edge: HAProxy runs but does not answer" in app.run("status").stderr
                assert len(lines(app, "edge.fault", "error", "does not answer")) == 1
                assert len(lines(app, "edge.lost", "warn", "does not answer")) == 1
            finally:
                signal_all(pids, signal.SIGCONT)
            assert app.wait_over(deploy)["state"] == "LIVE"
            assert not health(app, "edge").get("why")
            checker.wait_version(app.host, "v2")
            none_failed(checker)


@pytest.mark.parametrize("restarted", [False, True])
def test_its_socket_is_removed(scene, restarted):
    """A connection that is there goes on; without one, HAProxy makes another socket, and no request fails."""
    with scene.app() as app:
        for tag in ("v1", "v2", "v3"):
            scene.push(app, tag)
        app.live("v1")
        with load(app) as checker:
            (app.data / "edge" / "stats.sock").unlink()
            if restarted:
                app.kill()
                app.start()
                wait_line(app, "edge.socket_gone", "warn", "stats.sock was removed")
            app.live("v2")
            app.kill()
            app.start()
            app.live("v3")
            checker.wait_version(app.host, "v3")
            none_failed(checker)
        assert (app.data / "edge" / "stats-2.sock").exists()
        assert health(app, "edge")["ready"] and not health(app, "edge").get("why")


def test_all_its_sockets_are_removed(scene):
    """Then only a restart of the edge helps, and that is said; the traffic goes on."""
    with scene.app() as app:
        scene.push(app, "v1")
        app.live("v1")
        with load(app) as checker:
            app.kill()
            for name in ("stats.sock", "master.sock"):
                (app.data / "edge" / name).unlink()
            app.start()
            why = wait_for(lambda: health(app, "edge").get("why"), 20, "the fault")
            assert "its sockets in" in why and "restart the edge" in why
            none_failed(checker)
        scene.push(app, "v2")
        deploy = app.deploy(app.stage_name, "v2")
        app.wait_state(deploy, "SWAPPING")
        signal_all(set(app.edge_pids()) - set(haproxy_pids(app)), signal.SIGTERM)
        assert app.wait_over(deploy)["state"] == "LIVE"
        assert ask(app)[1]["App-Version"] == "v2"


def test_a_request_from_before_a_reload_and_a_restart(scene):
    """It is in a worker of before, of which a server that has just started knows nothing: it ends in peace all the same."""
    with scene.app() as app, ThreadPoolExecutor(1) as pool:
        for tag in ("v1", "v2"):
            scene.push(app, tag)
        app.live("v1")
        slow = pool.submit(ask, app, "/slow?ms=6000", 30)
        wait_for(lambda: app.stage(app.stage_name)["in_flight"] == 1, 10, "the slow request")
        reload_by_hand(app)
        app.kill()
        app.start()
        over = app.live("v2")
        status, headers = slow.result()
        assert (status, headers["App-Version"]) == (200, "v1")
        assert not [line for line in app.log_of(over["id"]) if "cut" in line["text"]]
