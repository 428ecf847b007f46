# SPDX-License-Identifier: MIT
"""The independent traffic checker as an object: starts it, talks to it, reads what it saw."""
import atexit
import json
import subprocess

from .compile import checker_binary
from .wait import wait_for

PATIENCE_MS = 40000  # longer than the edge lets anybody wait while no version serves


def target(host, address, app=None, path=None):
    """Return a target as the checker takes it: ask `address` (ip:port) for `host`; the answer must
    come from `app` (its App-Name) if given. With another path than "/" the body is not compared."""
    return f"{host}={address}" + (f",app={app}" if app else "") + (f",path={path}" if path else "")


def difference(earlier, later):
    """Return what came between two snapshots: ms, requests, failed, stale_version and reasons."""
    numbers = ("ms", "requests", "failed", "stale_version", "stale_version_reused")
    between = {name: round(later[name] - earlier[name], 3) for name in numbers}
    between["reasons"] = {name: count - earlier["reasons"][name]
                          for name, count in later["reasons"].items() if count > earlier["reasons"][name]}
    return between


class Checker:
    """Asks its targets until it is stopped; a context manager. `rate` is requests a second in total.

    A snapshot is a dict: requests, failed, reasons {connect, stale, reset, timeout, short_body, status_5xx,
    status, wrong_app, no_version, body, malformed}, stale_version (an older version answered a fresh
    connection after a newer one had), stale_version_reused, latency_ms {p50, p99, max}, targets [{host,
    requests, failed, gap_max_ms, stale_version_max_ms, versions [{version, requests, first_ms,
    last_ms}]}] and the first 50 failures in detail. Times are ms since the start. Each failed request
    counts once; nothing is retried.
    """

    def __init__(self, targets=(), rate=1000, workers=8, timeout_ms=10000):
        self._command = [str(checker_binary()), "-w", str(workers), "-r", str(rate), "-t", str(timeout_ms),
                         *targets]
        self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        """The checker's process id, or None."""
        return self._process.pid if self._process else None

    def start(self):
        """Begin to ask."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, start_new_session=True)
        atexit.register(self.stop)
        return self

    def _ask(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the checker ended with {self._process.wait()}")
        answer = json.loads(answer)
        if answer.get("ok") is False:
            raise ValueError(f"the checker refused: {line}")
        return answer

    def snapshot(self):
        """Return what was seen so far."""
        return self._ask("snap")

    def add(self, host, address, app=None, path=None):
        """Ask one more target (64 at most)."""
        self._ask("add " + target(host, address, app, path))

    def expect(self, host, version):
        """Announce that a version seen before will come back: after a rollback it is not stale."""
        self._ask(f"expect {host} {version}")

    def set_rate(self, rate):
        """Change the total rate."""
        self._ask(f"rate {rate}")

    def versions(self, host):
        """Return the versions seen on a host, in the order of their coming."""
        return [one["version"] for place in self.snapshot()["targets"] if place["host"] == host
                for one in place["versions"]]

    def wait_version(self, host, version, deadline_s=10):
        """Wait until `version` is the newest seen on `host`; return the snapshot."""
        wait_for(lambda: self.versions(host)[-1:] == [version], deadline_s, f"{version} on {host}")
        return self.snapshot()

    def wait_requests(self, count, deadline_s=10):
        """Wait for `count` more requests; return the snapshot."""
        goal = self.snapshot()["requests"] + count
        wait_for(lambda: self.snapshot()["requests"] >= goal, deadline_s, f"{count} more requests")
        return self.snapshot()

    def stop(self):
        """Stop asking and return the final snapshot; None when it was stopped before."""
        if not self._process:
            return None
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        try:
            last = process.communicate(timeout=30)[0].splitlines()[-1:]
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return json.loads(last[0]) if last else None
