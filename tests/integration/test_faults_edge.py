# SPDX-License-Identifier: MIT
"""Faults of the edge under load: HAProxy killed, hung, reloaded by others, its socket gone, its certificate
renewed or broken. What the user is told, and which requests fail."""
import os
import signal
import ssl

import pytest

from bed.certificates import Authority
from bed.faults import ask, haproxy_pids, health, lines, load, none_failed, troubles, wait_line
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
