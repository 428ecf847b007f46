# SPDX-License-Identifier: MIT
"""The slipway under test: its process, its API, its log, its edge.

The binary is build/slipway, or SLIPWAY_BINARY; it runs with settings and data of its own, on loopback
ports of its own. The edge outlives a killed or stopped server, as it does in production; stop() ends
both, kill() only the server.
"""
import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import reports
from .ports import free_port
from .wait import wait_for

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-tests-only"
EXIT_CUT = 3
OVER = ("LIVE", "FAILED", "ROLLED_BACK", "CANCELED", "SUPERSEDED", "SKIPPED", "REFUSED",
        "STOPPED")


class ApiFault(Exception):
    """The API answered with an error; `status`, `code` and the message say which."""

    def __init__(self, status, body):
        self.status = status
        self.body = body
        error = body.get("error", {}) if isinstance(body, dict) else {}
        self.code = error.get("code")
        self.message = error.get("message")
        super().__init__(f"{status} {self.code}: {self.message}")


def binary():
    """Return the path of the slipway that is tested."""
    return os.environ.get("SLIPWAY_BINARY", str(ROOT / "build" / "slipway"))


class Slipway:
    """One server below `directory`. `config` is the text of slipway.yml, imported at the first start."""

    def __init__(self, directory, config, edge=True, **settings):
        self.directory = Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.edge_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.edge_address = f"127.0.0.1:{self.edge_port}"
        self.log = self.directory / "slipway.log"
        self.data = self.directory / "data"
        self.config_file = self.directory / "slipway.yml"
        self.config_file.write_text(config, "utf-8")
        self.settings = {
            "SLIPWAY_LISTEN": f"127.0.0.1:{self.port}",
            "SLIPWAY_DATA": str(self.data),
            "SLIPWAY_CONFIG": str(self.config_file),
            "SLIPWAY_TOKEN": TOKEN,
            "SLIPWAY_LOG_FORMAT": "json",
            "SLIPWAY_EDGE": "on" if edge else "off",
            "SLIPWAY_EDGE_HTTP": self.edge_address,
            **settings,
        }
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def environment(self):
        """Return the environment of the server, and of a client of it."""
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("SLIPWAY_") and not name.lower().endswith("_proxy")}
        return {**clean, **self.settings, "SLIPWAY_URL": self.url}

    def launch(self, *wrapper, program=None, **more):
        """Start the process (of another program than binary()) without waiting until it is ready."""
        if self.pid:
            raise RuntimeError(f"this server runs already, as process {self.pid}")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*wrapper, program or binary(), "serve"],
                                            env={**self.environment(), **more}, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.stop)
        return self

    def start(self, deadline_s=20, wrapper=()):
        """Start the server and return it once it answers."""
        self.launch(*wrapper)
        self.wait_ready(deadline_s)
        if self.process.poll() is not None:
            raise RuntimeError(f"slipway ended with {self.process.returncode}: {self.log_tail()}")
        return self

    def wait_ready(self, deadline_s=20):
        """Wait until the server answers or has ended."""
        wait_for(self._answers_or_ended, deadline_s, "slipway to answer", 0.005)

    def _answers_or_ended(self):
        return self.process.poll() is not None or self.get("/health")["status"] == "healthy"

    def log_tail(self, size=3000):
        """Return the end of the log."""
        return self.log.read_text("utf-8", "replace")[-size:]

    def log_lines(self):
        """Return every line of the log that is JSON, as dicts."""
        lines = []
        for line in self.log.read_text("utf-8", "replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return lines

    @property
    def pid(self):
        """The process id of the server, or None."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def kill(self):
        """End the server as a crash would; the edge and the containers stay."""
        self.process.kill()
        self.process.wait()

    def terminate(self, deadline_s=60):
        """Ask the server to end and wait for it; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_s)

    def edge_pids(self):
        """Return the processes of the edge: its supervisor and HAProxy."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                environment = (entry / "environ").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            is_edge = "edge" in command[1:2] or "haproxy" in command[0]
            if is_edge and f"SLIPWAY_DATA={self.data}" in environment:
                found.append(int(entry.name))
        return found

    def stop_edge(self, deadline_s=15):
        """End the edge that belongs to this server's data."""
        supervisors = [pid for pid in self.edge_pids()
                       if b"haproxy" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]
        for pid in supervisors:
            with contextlib.suppress(ProcessLookupError):  # it ends by itself
                os.kill(pid, signal.SIGTERM)
        try:
            wait_for(lambda: not self.edge_pids(), deadline_s, "the edge to end")
        except AssertionError:
            for pid in self.edge_pids():
                os.kill(pid, signal.SIGKILL)

    def stop(self):
        """End the server and its edge."""
        if self.process is None:
            return
        if self.process.poll() is None and reports.directory():
            self._end_in_order()
        elif self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        atexit.unregister(self.stop)
        self.stop_edge()

    def _end_in_order(self):
        """What looks for leaks needs an end that is none of a crash. The second signal cuts deploys off."""
        code = None
        for patience_s in (3, 60):
            if code is None:
                self.process.send_signal(signal.SIGTERM)
                try:
                    code = self.process.wait(patience_s)
                except subprocess.TimeoutExpired:
                    continue
        if code is None:
            self.process.kill()
            code = self.process.wait()
        if code not in (0, EXIT_CUT):
            reports.add(f"the server on {self.data} ended with {code}")

    def forget(self):
        """Remove the data, as on a new machine."""
        shutil.rmtree(self.data, ignore_errors=True)

    def call(self, method, path, body=None, token=TOKEN, headers=None, timeout_s=20):
        """Return (status, headers, parsed body) of one API call."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            content = answer.read()
            try:
                parsed = json.loads(content) if content else None
            except ValueError:
                parsed = content.decode("utf-8", "replace")
            return answer.status, dict(answer.getheaders()), parsed
        finally:
            connection.close()

    def get(self, path):
        """Return the body of a GET; ApiFault when it fails."""
        status, _, body = self.call("GET", path)
        if status >= 400:
            raise ApiFault(status, body)
        return body

    def post(self, path, body=None):
        """Return the body of a POST; ApiFault when it fails."""
        status, _, answer = self.call("POST", path, {} if body is None else body)
        if status >= 400:
            raise ApiFault(status, answer)
        return answer

    def stage(self, name):
        """Return one stage ("project/stage")."""
        project, stage = name.split("/")
        return self.get(f"/api/v1/projects/{project}/stages/{stage}")

    def deploy(self, name, tag, **more):
        """Ask for a deploy; returns its id."""
        project, stage = name.split("/")
        return self.post(f"/api/v1/projects/{project}/stages/{stage}/deploys", {"tag": tag, **more})["id"]

    def rollback(self, name, **more):
        """Ask for a rollback; returns the id of its deploy."""
        project, stage = name.split("/")
        return self.post(f"/api/v1/projects/{project}/stages/{stage}/rollback", more)["id"]

    def webhook(self, project, image):
        """Send a webhook for the project, as a registry would; returns (status, body)."""
        path = self.get(f"/api/v1/projects/{project}")["webhook_path"]
        status, _, body = self.call("POST", path, {"image": image}, token=None)
        return status, body

    def show(self, deploy):
        """Return a deploy with its steps."""
        return self.get(f"/api/v1/deploys/{deploy}")

    def deploys(self, **query):
        """Return deploys, newest first."""
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return self.get(f"/api/v1/deploys?{text}")["items"]

    def log_of(self, deploy):
        """Return the lines of a deploy's log."""
        return self.get(f"/api/v1/deploys/{deploy}/log")["items"]

    def wait_over(self, deploy, deadline_s=60):
        """Wait until a deploy has ended, over restarts of the server; returns it."""
        return wait_for(lambda: self._if_over(deploy), deadline_s, f"deploy {deploy} to end")

    def _if_over(self, deploy):
        found = self.show(deploy)
        return found if found["state"] in OVER else None

    def wait_state(self, deploy, states, deadline_s=60):
        """Wait until a deploy is in one of the states, or over; returns it."""
        wanted = (states,) if isinstance(states, str) else tuple(states)
        return wait_for(lambda: self._if_in(deploy, wanted + OVER), deadline_s,
                        f"deploy {deploy} to be {' or '.join(wanted)}", 0.003)

    def _if_in(self, deploy, states):
        found = self.show(deploy)
        return found if found["state"] in states else None

    def run(self, *arguments, timeout_s=60, given=None, **more):
        """Run the command line client, `given` on its stdin; returns the finished process with stdout and stderr."""
        return subprocess.run([binary(), *arguments], env={**self.environment(), **more}, input=given,
                              capture_output=True, text=True, timeout=timeout_s, check=False)


def now_ms():
    """Milliseconds of a clock that only goes forward."""
    return time.monotonic() * 1000
