# SPDX-License-Identifier: MIT
"""Amazon ECR's GetAuthorizationToken, from its published schema, in front of a registry of the bed with a Basic
login: it checks the signature of each request by itself and gives the registry's password, for as long as it is told.
"""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

from .http_server import CuttingServer
from .ports import free_port

TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        """The one call there is."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, answer = self.server.ecr.answer(self, body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class FakeEcr:
    """A context manager. `url` names the region behind "ecr."; `asked` counts good requests."""

    def __init__(self, password, key_id="AKIDEXAMPLE", secret="wJalr/secret+key", life_s=43200):
        self.port = free_port()
        self.url = f"http://api.ecr.eu-west-1.localhost:{self.port}/"
        self.password = password
        self.key_id = key_id
        self.secret = secret
        self.life_s = life_s
        self.asked = 0
        self._server = None

    def __enter__(self):
        self._server = CuttingServer(self.port, _Handler)
        self._server.ecr = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()

    def answer(self, request, body):
        """(status, body) as AWS says them."""
        if request.headers.get("X-Amz-Target") != TARGET or json.loads(body) != {}:
            return 400, {"__type": "UnknownOperationException"}
        if not self._is_signed(request, body):
            return 400, {"__type": "InvalidSignatureException", "message": "The request signature we calculated does"
                         " not match the signature you provided."}
        self.asked += 1
        token = base64.b64encode(f"AWS:{self.password}".encode()).decode()
        return 200, {"authorizationData": [{"authorizationToken": token, "expiresAt": time.time() + self.life_s,
                                            "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"}]}

    def _is_signed(self, request, body):
        date = request.headers["X-Amz-Date"]
        scope = f"{date[:8]}/eu-west-1/ecr/aws4_request"
        names = ["content-type", "host", "x-amz-date", "x-amz-target"]
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
        canonical = f"POST\n/\n\n{lines}\n{';'.join(names)}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = _mac(_mac(_mac(_mac(f"AWS4{self.secret}".encode(), date[:8]), "eu-west-1"), "ecr"), "aws4_request")
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return request.headers["Authorization"] == (
            f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={';'.join(names)},"
            f" Signature={signature}")
