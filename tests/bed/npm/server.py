# SPDX-License-Identifier: MIT
"""The HTTP server of the fake API: a thread for each connection, so that requests meet as they do in the real one."""
import http.server
import json
import threading

from ..http_server import CuttingServer
from .api import Request


class Server:
    """Serves an Api on 127.0.0.1:`port`."""

    def __init__(self, port):
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._server = None

    def start(self, api):
        """Begin to serve."""
        self._server = _Server(self.port, api)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Stop serving; connections are refused from then on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._server = None


class _Server(CuttingServer):
    def __init__(self, port, api):
        self.api = api
        super().__init__(port, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.partition("?")[0] == "/api":
            self._send(302, b"", [("Location", "/api/")])
            return
        request = Request(self.command, self.path, self.headers, raw)
        status, value = self.server.api.answer(request)
        self._send(status, json.dumps(value).encode(), [("Content-Type", "application/json; charset=utf-8")])

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve

    def _send(self, status, body, headers):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """What came is kept by the proxy in front."""
