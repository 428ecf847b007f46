# SPDX-License-Identifier: MIT
"""What the tests of faults share: a server under load, and looking at what its user is told."""
import contextlib
import http.client
import os
import signal
from pathlib import Path

from .checker import Checker
from .wait import wait_for


@contextlib.contextmanager
def load(app, rate=150, workers=4, timeout_ms=10000):
    """Ask the app's domain all the time; the block gets the checker, stopped by the test or at its end."""
    with Checker([], rate=rate, workers=workers, timeout_ms=timeout_ms) as checker:
        checker.add(app.host, app.edge_address, app=app.repository)
        checker.wait_requests(20)
        yield checker


def none_failed(checker, more=50):
    """After some more requests: end the load and assert that none of all failed."""
    checker.wait_requests(more)
    seen = checker.stop()
    assert seen["failed"] == 0, (seen["reasons"], seen["failures"][:5] if "failures" in seen else seen)
    return seen


def lines(app, event, level=None, words=""):
    """The lines of the server's log with this event (of this level, with these words)."""
    return [line for line in app.log_lines() if line["event"] == event
            and level in (None, line["level"]) and words in line["msg"]]


def wait_line(app, event, level, words="", deadline_s=20):
    """Wait for a line of the log; returns the first."""
    return wait_for(lambda: lines(app, event, level, words), deadline_s, f"{level} {event} '{words}'")[0]


def edge_lines(app, event):
    """The lines of the edge's own log with this event."""
    text = (app.data / "edge" / "edge.log").read_text("utf-8", "replace")
    return [line for line in text.splitlines() if event in line]


def haproxy_pids(app):
    """HAProxy's processes, the master first."""
    return sorted(pid for pid in app.edge_pids()
                  if b"haproxy" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])


def signal_all(pids, number):
    """Send a signal to processes that the test has started, as far as they still are there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_haproxy(app):
    """KILL HAProxy, master and workers, as the kernel does when memory is short."""
    signal_all(haproxy_pids(app), signal.SIGKILL)


def ask(app, path="/", timeout_s=5):
    """Return (status, headers) of one request through the edge."""
    connection = http.client.HTTPConnection(app.edge_address, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Host": app.host})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


def health(app, part, name=None):
    """One part of /health: the edge, or the engine or registry `name`."""
    found = app.get("/health")[part]
    return found if name is None else next(one for one in found if name in (one.get("name"), one.get("host")))


def troubles(over):
    """The steps of a deploy that were tried again."""
    return [step for step in over["steps"] if step["on"] in ("TROUBLED", "TIMEOUT")]
