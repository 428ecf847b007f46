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
from dataclasses import dataclass, field

from .ports import free_port

HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length"}
WRONG_DIGEST = "sha256:" + "0" * 64


@dataclass
class Fault:
    """One rule. `method` and `path` are regular expressions for the whole method and part of the path.

    What happens, any of: `status` answers at once (with `headers` and `body`); `hang` never answers;
    `reset` resets the connection; `truncate_at` cuts the real body after so many bytes;
    `flip` changes one byte in the middle of it; `delay_s` waits first; `headers` alone are added to the
    real answer. `times` is how often (None: always); `hits` counts.
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
    times: int = None
    hits: int = 0

    def takes(self, method, path):
        """Return whether the rule applies to a request."""
        is_left = self.times is None or self.hits < self.times
        return is_left and re.fullmatch(self.method, method) and re.search(self.path, path)


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


class FaultProxy:
    """Serves on `address` and passes on to `upstream` (host:port); a context manager.

    `counts` is a Counter of (method, path without query); `log` lists (method, path with query, status),
    where status None means that nothing was answered.
    """

    def __init__(self, upstream, port=None):
        self.upstream = upstream
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.counts = collections.Counter()
        self.log = []
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
                    fault.hits += 1
                    return fault
        return Fault()

    def wait(self, seconds):
        """Wait, but not longer than until clear() or stop(); None waits for these alone."""
        self._released.wait(seconds)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, proxy):
        self.proxy = proxy
        self.open_connections = set()
        super().__init__(("127.0.0.1", proxy.port), _Handler)

    def get_request(self):
        connection, client = super().get_request()
        self.open_connections.add(connection)
        return connection, client

    def shutdown_request(self, request):
        self.open_connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self):
        """Close what keep-alive clients still hold."""
        for connection in list(self.open_connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        """A client that went away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        proxy = self.server.proxy
        size = int(self.headers.get("Content-Length") or 0)
        body = self._read_chunks() if "chunked" in self.headers.get("Transfer-Encoding", "") \
            else self.rfile.read(size)
        fault = proxy.choose(self.command, self.path)
        if fault.delay_s:
            proxy.wait(fault.delay_s)
        status = None
        if fault.hang:
            proxy.wait(None)
            self.close_connection = True
        elif fault.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
        elif fault.status:
            status = fault.status
            self._answer(status, [("Content-Type", "application/json")], fault.headers, fault.body, None)
        else:
            status = self._pass_on(body, fault)
        proxy.log.append((self.command, self.path, status))

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _read_chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def _pass_on(self, body, fault):
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in HOP_HEADERS}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as cause:
            content = json.dumps({"errors": [{"code": "UPSTREAM", "message": str(cause)}]}).encode()
            self._answer(502, [("Content-Type", "application/json")], {}, content, None)
            return 502
        finally:
            connection.close()
        if fault.flip and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]
        size = int(answer.headers.get("Content-Length") or len(content))
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS]
        self._answer(answer.status, kept, fault.headers, content, fault.truncate_at, size)
        return answer.status

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
