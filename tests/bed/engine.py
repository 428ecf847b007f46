# SPDX-License-Identifier: MIT
"""A private Docker engine: a real dockerd which shares nothing with one that may run on the machine.

It has its own data, run directory, socket, bridge and address range, reads no daemon.json, and leaves the
machine's firewall alone (--iptables=false: a second engine that managed iptables would remove the
first one's rules). Ports published on 127.0.0.1 work all the same, through docker-proxy, as they
do on any engine.
"""
import atexit
import hashlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import leftovers
from .bridge import Bridge
from .certificates import Authority
from .docker_api import ApiError, DockerApi
from .ports import free_port
from .process import tied
from .wait import wait_for

SOCKET_PATH_MAX = 107
DEEPEST_SOCKET = "containerd/containerd-debug.sock.ttrpc"


def _run_directory(directory):
    """Return the place for sockets: inside `directory` unless socket paths would become too long."""
    run = directory / "run"
    if len(str(run / DEEPEST_SOCKET)) <= SOCKET_PATH_MAX:
        return run
    return Path("/tmp", "slipbed-" + hashlib.sha256(str(directory).encode()).hexdigest()[:10])


def storage_driver(directory):
    """Return "overlay2" when the kernel really mounts an overlay in `directory`, otherwise "vfs"."""
    probe = Path(directory, "overlay-probe")
    parts = {name: probe / name for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(parents=True, exist_ok=True)
    options = "lowerdir={lower},upperdir={upper},workdir={work}".format(**parts)
    mounted = subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", parts["merged"]],
                             capture_output=True, check=False).returncode == 0
    if mounted:
        subprocess.run(["umount", parts["merged"]], check=False)
    shutil.rmtree(probe, ignore_errors=True)
    return "overlay2" if mounted else "vfs"


class Engine:
    """One private engine below `directory`, used as a context manager or by start() and stop().

    `tls=True` also listens on TCP with client certificates (tcp_address, tls_directory with ca.pem,
    cert.pem, key.pem, as DOCKER_CERT_PATH wants them). `live_restore=True` keeps containers running
    while the engine is restarted or killed. `arguments` are added to dockerd's own.
    """

    def __init__(self, directory, tls=False, live_restore=False, arguments=()):
        self.directory = Path(directory).resolve()
        self.run = _run_directory(self.directory)
        self.socket = self.run / "docker.sock"
        self.log = self.directory / "docker.log"
        self.api = DockerApi(self.socket)
        self.host = f"unix://{self.socket}"
        self.tls_directory = self.directory / "tls" if tls else None
        self.tcp_address = f"127.0.0.1:{free_port()}" if tls else None
        self.bridge = None
        self._live_restore = live_restore
        self._arguments = list(arguments)
        self._process = None
        self._driver = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        """The process id of dockerd, or None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, deadline_s=30):
        """Start the engine and return it once it answers; sweeps what an earlier one left here."""
        if os.geteuid() != 0:
            raise PermissionError("a private Docker engine needs root")
        if not self.bridge:
            self.directory.mkdir(parents=True, exist_ok=True)
            leftovers.kill_processes_of([self.directory, self.run])
            leftovers.unmount_inside([self.directory, self.run])
            self.bridge = Bridge.claim(self.directory, self.run)
            atexit.register(self.stop)
        self.run.mkdir(parents=True, exist_ok=True)
        self._driver = self._driver or storage_driver(self.directory)
        if self.tls_directory and not self.tls_directory.exists():
            self._make_certificates()
        self._spawn()
        try:
            wait_for(self._answers, deadline_s, "the private Docker engine to answer", 0.01)
        except BaseException:
            tail = self.log.read_text("utf-8", "replace")[-2000:]
            self.stop()
            print(tail, file=sys.stderr)
            raise
        return self

    def _spawn(self):
        self._forget_ended_containerd()
        for stale in (self.run / "docker.pid", self.socket):
            stale.unlink(missing_ok=True)
        settings = self.directory / "daemon.json"
        settings.write_text("{}\n", "ascii")
        command = [
            "dockerd", "--config-file", settings, "--data-root", self.directory / "engine",
            "--exec-root", self.run, "--pidfile", self.run / "docker.pid", "--host", self.host,
            "--bridge", self.bridge.name, "--default-address-pool", self.bridge.pool,
            "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
            "--storage-driver", self._driver,
        ]
        if self._live_restore:
            command += ["--live-restore"]
        if self.tls_directory:
            command += ["--host", f"tcp://{self.tcp_address}", "--tlsverify",
                        "--tlscacert", self.tls_directory / "ca.pem",
                        "--tlscert", self.tls_directory / "server.pem",
                        "--tlskey", self.tls_directory / "server-key.pem"]
        environment = {name: value for name, value in os.environ.items()
                       if not name.lower().endswith("_proxy") and not name.startswith("DOCKER_")}
        environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + environment.get("PATH", "")
        # dockerd runs itself anew for every container: its start takes less with less garbage collected.
        environment["GOGC"] = "400"
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                tied([str(word) for word in command + self._arguments]), env=environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)

    def _forget_ended_containerd(self):
        """Remove containerd's pid file once it ended: dockerd takes a zombie for a running containerd.

        The kernel ends containerd together with dockerd, but where process 1 does not reap (a container
        without an init), its entry stays and the next dockerd would wait for it in vain.
        """
        record = self.run / "containerd" / "containerd.pid"
        if record.exists():
            pid = int(record.read_text("ascii"))
            wait_for(lambda: leftovers.has_ended(pid), 10, "end of the earlier containerd", 0.005)
            record.unlink()

    def _answers(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"dockerd ended with {self._process.returncode}, see {self.log}")
        try:
            return self.api.ping()
        except http.client.HTTPException:
            return False

    def _make_certificates(self):
        authority = Authority(self.tls_directory)
        authority.issue("server")
        certificate, key = authority.issue("client", "client", "clientAuth", "DNS:client")
        shutil.copy(certificate, self.tls_directory / "cert.pem")
        shutil.copy(key, self.tls_directory / "key.pem")

    def kill(self):
        """KILL dockerd, as a crash does; its containers run on until the next start looks at them."""
        if self.pid:
            self._process.kill()
        self._process.wait()

    def end(self, deadline_s=30):
        """End dockerd in an orderly way (containers stop, unless live_restore) and keep its data."""
        if self.pid:
            self._process.terminate()
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def restart(self):
        """Restart dockerd on the same data, as `systemctl restart docker` does."""
        self.end()
        self.start()

    def pause(self):
        """Stop dockerd's process: the socket accepts and nothing is answered, until resume()."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        """Let a paused dockerd go on."""
        os.kill(self.pid, signal.SIGCONT)

    def forget_image(self, reference):
        """Remove an image by its name@sha256:..., and wait until a pull of it has to ask the registry: the engine
        keeps the manifest until its content store is tidied, and pulls from there when the registry has it no more."""
        self.api.remove_image(reference)
        kept = self.directory / "engine/containerd/daemon/io.containerd.content.v1.content/blobs" / "/".join(
            reference.partition("@")[2].split(":"))
        wait_for(lambda: not kept.exists(), 30, f"the engine to forget {reference}")

    def stop(self, keep_data=False):
        """Remove all containers, end the engine and leave nothing behind; may be called again."""
        if not self.bridge:
            return
        try:
            if self.pid:
                self.resume()
                self._remove_containers()
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(15)
        except (OSError, ApiError, http.client.HTTPException, subprocess.TimeoutExpired, RuntimeError):
            pass  # the sweep does by force what could not be done in order (no threads at exit)
        finally:
            leftovers.sweep(self.directory, self.run, self.bridge.prefix)  # the bridge goes with it
            if self._process:
                self._process.wait()
            self.bridge = None
            atexit.unregister(self.stop)
            shutil.rmtree(self.run, ignore_errors=True)
            if not keep_data:
                shutil.rmtree(self.directory / "engine", ignore_errors=True)

    def _remove_containers(self):
        identities = [one["Id"] for one in DockerApi(self.socket, timeout_s=10).containers()]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.api.remove, identities))
