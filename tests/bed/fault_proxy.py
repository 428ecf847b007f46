# SPDX-License-Identifier: MIT
"""A reverse proxy which can be told to go wrong: it stands in front of a registry and counts requests.

Without faults it passes everything through unchanged (the Host header too, so a registry's own
Location headers lead back here). A fault is a rule: which requests, what happens, how many times.
Rules are tried in the order in which they were added; the first that matches and is not used up
applies. It works in front of any HTTP server on loopback.
"""
import atexit
import collections
import http.client
import http.server
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from .http_server import CuttingServer
from .ports import free_port

BODY_KEPT_MAX = 64 * 1024
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length"}
WRONG_DIGEST = "sha256:" + "0" * 64


@dataclass
class Fault:
    """One rule. `method` and `path` are regular expressions for the whole method and part of the path.

    What happens, any of: `status` answers at once (with `headers` and `body`); `hang` never answers;
    `reset` resets the connection; `truncate_at` cuts the real body after so many bytes;
    `flip` changes one byte in the middle of it; `delay_s` waits first; `headers` alone are added to the
    real answer; `lose` lets the server do it, and resets the connection instead of passing on the answer.
    `skip` lets so many matching requests through first, `times` is how often (None: always); `hits` counts.
    """
    method: str = ".*"
    path: str = ""
    status: int = None
    headers: dict = field(default_factory=dict)
    body: bytes = b'{"errors":[{"code":"FAULT","message":"a test asked for this"}]}'
    hang: bool = False
    reset: bool = False
    truncate_at: int = None
    flip: bool = False
    delay_s: float = 0
    lose: bool = False
    skip: int = 0
    times: int = None
    hits: int = 0

    def takes(self, method, path):
        """Return whether the rule applies to a request."""
        is_left = self.times is None or self.hits < self.times
        return is_left and re.fullmatch(self.method, method) and re.search(self.path, path)


@dataclass
class Exchange:
    """A request that came, and what became of it: `status` None means that nothing was answered (yet).

    `was_passed` tells whether the server behind got it. Times are seconds of the monotonic clock; it ends
    when its answer begins, so that a client's next request always begins later.
    """
    method: str
    path: str
    body: bytes
    began_s: float
    ended_s: float = None
    status: int = None
    was_passed: bool = False


def too_many_requests(retry_after="2", **rule):
    """Return a rule that answers 429 with Retry-After (seconds or an HTTP date)."""
    return Fault(status=429, headers={"Retry-After": str(retry_after)}, **rule)


def wrong_digest(**rule):
    """Return a rule under which manifests come with a digest that is not theirs."""
    return Fault(path="/manifests/", headers={"Docker-Content-Digest": WRONG_DIGEST}, **rule)


def rate_limit(limit, remaining, window_s=21600, **rule):
    """Return a rule that adds RateLimit headers as Docker Hub sends them."""
    return Fault(headers={"RateLimit-Limit": f"{limit};w={window_s}",
                          "RateLimit-Remaining": f"{remaining};w={window_s}"}, **rule)


class WithTrailers(http.client.HTTPResponse):
    """An answer that keeps the lines after its last chunk, where Caddy 2.6 has its ETag."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.trailers = []

    def _read_and_discard_trailer(self):
        while (line := self.fp.readline(65537)) not in (b"\r\n", b"\n", b""):
            self.trailers.append(line)

    def anywhere(self, name):
        """The value of a header or a trailer, None when there is none; of use once the body was read."""
        for line in self.trailers:
            found, _, value = line.decode("latin-1").partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return self.headers.get(name)


class FaultProxy:
    """Serves on `address` and passes on to `upstream` (host:port); a context manager.

    `counts` is a Counter of (method, path without query); `log` lists (method, path with query, status),
    where status None means that nothing was answered; `exchanges` has the same with bodies (their first
    64 KiB) and times, in the order of coming. A server that cannot be reached, or cuts the connection, is
    a 502, and a reset when the proxy `passes_resets`.
    """

    def __init__(self, upstream, port=None, passes_resets=False):
        self.upstream = upstream
        self.passes_resets = passes_resets
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.counts = collections.Counter()
        self.log = []
        self.exchanges = []
        self._faults = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Begin to serve."""
        self._released.clear()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        atexit.register(self.stop)
        return self

    def stop(self):
        """Stop serving and let hanging requests go; may be called again."""
        if self._server:
            self._released.set()
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._server = None
            atexit.unregister(self.stop)

    def add(self, fault):
        """Add a rule and return it (its `hits` tells how often it applied)."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self):
        """Forget all rules, the counts and the log; hanging requests are closed without an answer."""
        with self._lock:
            self._faults.clear()
            self.counts.clear()
            self.log.clear()
            self.exchanges.clear()
        self._released.set()
        self._released = threading.Event()

    def count(self, method=".*", path=""):
        """Return how many requests matched (regular expressions, as in Fault)."""
        with self._lock:
            return sum(number for (one_method, one_path), number in self.counts.items()
                       if re.fullmatch(method, one_method) and re.search(path, one_path))

    def choose(self, method, path):
        """Count one request and return the rule that applies to it; for the handler."""
        with self._lock:
            self.counts[method, path.partition("?")[0]] += 1
            for fault in self._faults:
                if fault.takes(method, path):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.hits += 1
                    return fault
        return Fault()

    def wait(self, seconds):
        """Wait, but not longer than until clear() or stop(); None waits for these alone."""
        self._released.wait(seconds)


class _Server(CuttingServer):
    def __init__(self, proxy):
        self.proxy = proxy
        super().__init__(proxy.port, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        proxy = self.server.proxy
        size = int(self.headers.get("Content-Length") or 0)
        body = self._read_chunks() if "chunked" in self.headers.get("Transfer-Encoding", "") \
            else self.rfile.read(size)
        exchange = Exchange(self.command, self.path, body[:BODY_KEPT_MAX], time.monotonic())
        proxy.exchanges.append(exchange)
        fault = proxy.choose(self.command, self.path)
        if fault.delay_s:
            proxy.wait(fault.delay_s)
        if fault.hang:
            self._settle(exchange, None)
            proxy.wait(None)
            self.close_connection = True
        elif fault.reset:
            self._settle(exchange, None)
            self._reset()
        elif fault.status:
            self._settle(exchange, fault.status)
            self._answer(fault.status, [("Content-Type", "application/json")], fault.headers, fault.body, None)
        else:
            exchange.was_passed = True
            self._pass_on(body, fault, exchange)

    def _settle(self, exchange, status):
        """Keep what became of a request before its client can know, so that it never asks in vain."""
        exchange.status, exchange.ended_s = status, time.monotonic()
        self.server.proxy.log.append((exchange.method, exchange.path, status))

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _read_chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def _pass_on(self, body, fault, exchange):
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=60)
        connection.response_class = WithTrailers
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in HOP_HEADERS}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as cause:
            if self.server.proxy.passes_resets:
                self._settle(exchange, None)
                self._reset()
                return
            self._settle(exchange, 502)
            content = json.dumps({"errors": [{"code": "UPSTREAM", "message": str(cause)}]}).encode()
            self._answer(502, [("Content-Type", "application/json")], {}, content, None)
            return
        finally:
            connection.close()
        self._settle(exchange, None if fault.lose else answer.status)
        if fault.lose:
            self._reset()
            return
        if fault.flip and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]
        size = int(answer.headers.get("Content-Length") or len(content))
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS]
        if answer.trailers:
            self._answer_with_trailers(answer, kept, content)
        else:
            self._answer(answer.status, kept, fault.headers, content, fault.truncate_at, size)

    def _answer_with_trailers(self, answer, headers, content):
        self.send_response_only(answer.status)
        for name, value in [*headers, ("Transfer-Encoding", "chunked")]:
            self.send_header(name, value)
        self.end_headers()
        chunk = b"%x\r\n%s\r\n" % (len(content), content) if content else b""
        self.wfile.write(chunk + b"0\r\n" + b"".join(answer.trailers) + b"\r\n")

    def _answer(self, status, headers, more, content, truncate_at, size=None):
        replaced = {name.lower() for name in more}
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in replaced:
                self.send_header(name, value)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if size is None else size))
        if truncate_at is not None:
            self.close_connection = True
            content = content[:truncate_at]
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        """Requests are counted, not printed."""
