# SPDX-License-Identifier: MIT
"""A private nginx of Debian's: its own prefix, pid file and logs, on loopback ports that its configuration names.

Everything a configuration may write goes below the prefix. The master is started in the foreground, so
that it is this process's child and ends with it; its workers are known by their parent. Each reload gets a
number, which a server on a Unix socket answers with: so a test can know that a reload has happened.
"""
import atexit
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from .leftovers import has_ended
from .process import tied
from .wait import wait_for

WORKERS = os.cpu_count() or 1
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """An nginx that reads `configuration`; whoever uses it writes that file, beginning with preamble()."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.configuration = self.directory / "nginx.conf"
        self.log = self.directory / "nginx.log"
        self._pid_file = self.directory / "nginx.pid"
        self._process = None
        self._marker = self.directory / "marker.sock"
        self._generation = 0
        self._lock = threading.Lock()
        for name in TEMPORARY:
            (self.directory / "temporary" / name).mkdir(parents=True, exist_ok=True)

    def preamble(self):
        """The directives of the main context that keep this nginx apart from all others."""
        user = "user root;\n" if os.getuid() == 0 else ""
        return f"{user}worker_processes {WORKERS};\npid {self._pid_file};\nerror_log {self.log} warn;\n"

    def http_preamble(self):
        """The same for the http context, and the server that tells the number of the last reload."""
        paths = "".join(f"{name}_temp_path {self.directory}/temporary/{name};\n" for name in TEMPORARY)
        return (f"{paths}server {{ listen unix:{self._marker}; access_log off; "
                f"include {self.directory}/generation.conf; }}\n")

    def _mark(self):
        with self._lock:
            self._generation += 1
            fresh = self.directory / "generation.new"
            fresh.write_text(f'return 200 "{self._generation}";\n', "ascii")
            fresh.rename(self.directory / "generation.conf")

    def _running_generation(self):
        """The number that a worker answers with, of whatever generation it is."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(5)
            asking.connect(str(self._marker))
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: asking.recv(4096), b""))
        return int(text.rpartition(b"\r\n\r\n")[2] or 0)

    @property
    def pid(self):
        """The master's process id, or None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def _children(self):
        """{pid: title} of the master's children."""
        if not self.pid:
            return {}
        pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()
        return {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids}

    def workers(self):
        """The processes that accept connections; those that are leaving have shut their listening sockets."""
        return [pid for pid, title in self._children().items()
                if "worker process" in title and "shutting down" not in title]

    def leaving(self):
        """The processes that only end what they have begun."""
        return [pid for pid, title in self._children().items() if "shutting down" in title]

    def _run(self, *arguments):
        return subprocess.run(["nginx", "-p", str(self.directory), "-c", str(self.configuration), *arguments],
                              capture_output=True, text=True, check=False, timeout=60)

    def test(self):
        """`nginx -t`: return None when the configuration is good, and otherwise what nginx says."""
        done = self._run("-t")
        return None if done.returncode == 0 else done.stderr

    def reload(self):
        """`nginx -s reload`: return None when the signal was sent, and otherwise what nginx says."""
        self._mark()
        done = self._run("-s", "reload")
        return None if done.returncode == 0 else done.stderr

    def start(self, deadline_s=20):
        """Start it; returns when its workers run, which is after its sockets listen."""
        self._marker.unlink(missing_ok=True)
        self._mark()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                tied(["nginx", "-p", str(self.directory), "-c", str(self.configuration), "-g", "daemon off;"]),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.stop)
        wait_for(self._is_up, deadline_s, f"nginx in {self.directory} to run")
        return self

    def _is_up(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"nginx ended with {self._process.returncode}: {self.log.read_text('utf-8')[-2000:]}")
        return len(self.workers()) == WORKERS

    def wait_reloaded(self, deadline_s=20):
        """Wait until the last reload has happened and the workers of before it accept no more."""
        def is_done():
            return self._running_generation() >= self._generation and len(self.workers()) == WORKERS
        wait_for(is_done, deadline_s, "the old workers of nginx to leave")

    def stop(self, number=signal.SIGTERM, deadline_s=20):
        """Stop it with its workers: TERM at once, QUIT after the requests in flight."""
        if not self._process:
            return
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process.poll() is None:
            process.send_signal(number)
        process.wait(deadline_s)

    def kill(self):
        """KILL the master and its workers, as the kernel does when memory is short."""
        pids = [self.pid, *self._children()] if self.pid else []
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        atexit.unregister(self.stop)
        wait_for(lambda: all(has_ended(pid) for pid in pids), 10, "nginx's processes to end")
        self._pid_file.unlink(missing_ok=True)
