# SPDX-License-Identifier: MIT
"""What the tests of Caddy share: a server whose stage is behind it, and load that may not fail."""
import contextlib
import http.client
import threading
from types import SimpleNamespace

from .checker import Checker
from .faults import none_failed
from .ports import free_port


def behind_caddy(scene, caddy, way="direct", more="", server="edge", entry=None,
                 stage="domains: [{name}.localhost]", **settings):
    """A server with a stage behind Caddy; `address` is where its visitors come in."""
    admin = f"http://{caddy.admin_address}" if caddy.admin_address else f"unix://{caddy.admin_socket}"
    entry = entry or f"entry: http://127.0.0.1:{caddy.http_port}"
    names = f"\n    names: 127.0.0.1:{free_port()}" if way == "direct" else ""
    front = SimpleNamespace(settings={}, configuration=f"""proxies:
  caddy:
    caddy: {admin}
    way: {way}
    server: {server}
    {entry}{names}{more}
""")
    app = scene.app(stage=stage + ", proxy: caddy, drain_timeout: 20s", front=front, SLIPWAY_SWEEP_INTERVAL="1s",
                    **settings)
    app.address = f"127.0.0.1:{caddy.http_port}"
    return app


def ours(caddy):
    """Our routes, in all servers."""
    return [route for server in caddy.config("apps/http/servers").values() for route in server.get("routes") or []
            if route.get("@id", "").startswith("slipway-")]


def ask(app, path="/", timeout_s=5, method="GET", content=None, **headers):
    """Return (status, headers, body) of one request on a new connection through Caddy; (None, {}, b"") when none was
    answered."""
    connection = http.client.HTTPConnection(app.address, timeout=timeout_s)
    try:
        connection.request(method, path, content, {"Host": app.host, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except OSError:
        return None, {}, b""
    finally:
        connection.close()


def post(app, content, timeout_s=5):
    """The same of a POST that is sent back."""
    return ask(app, "/echo", timeout_s, "POST", content)


def version(app):
    """Which version answers; None when none does."""
    status, headers, _ = ask(app)
    return headers.get("App-Version") if status == 200 else None


class Posts:
    """POSTs all the time, on a connection that is kept and on fresh ones; a context manager. What failed is in
    `failed`, with its reason."""

    def __init__(self, app):
        self._app = app
        self._is_over = threading.Event()
        self.count = 0
        self.failed = []
        self._threads = [threading.Thread(target=self._run, args=(kept,)) for kept in (True, False)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, is_kept):
        connection = None
        number = 0
        while not self._is_over.wait(0.01):
            number += 1
            text = f"{is_kept} {number} ".encode() * 50
            try:
                connection = connection or http.client.HTTPConnection(self._app.address, timeout=20)
                connection.request("POST", "/echo", text, {"Host": self._app.host})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or body != text:
                    self.failed.append((is_kept, number, answer.status, body[:80]))
            except (OSError, http.client.HTTPException) as fault:
                self.failed.append((is_kept, number, repr(fault)))
                connection = None
            self.count += 1
            if connection and not is_kept:
                connection.close()
                connection = None
        if connection:
            connection.close()


@contextlib.contextmanager
def load(app, rate=300):
    """GETs (kept and fresh connections) and POSTs through Caddy all the time; none may fail."""
    with Checker([], rate=rate, workers=4) as checker, Posts(app) as posts:
        checker.add(app.host, app.address, app=app.repository)
        checker.wait_requests(20)
        yield checker
        none_failed(checker)
    assert not posts.failed and posts.count > 0, posts.failed[:5]


def reason(over):
    """Why a deploy did not get there."""
    assert over["state"] in ("FAILED", "ROLLED_BACK"), over
    return over["reason"]
