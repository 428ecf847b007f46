# SPDX-License-Identifier: MIT
"""A token server as a registry's Bearer challenge names it: it gives RS256 tokens signed with openssl.

GET /token?service=S&scope=repository:NAME:pull,push with Basic credentials, or without any when
`anonymous_pull` is set (then for pulling only). Wrong credentials get 401. Requests are counted.
"""
import base64
import binascii
import collections
import http.server
import json
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

ISSUER = "slipway-bed"
SERVICE = "registry"


def _base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class TokenServer:
    """Serves on 127.0.0.1:`port`; `realm` is its URL and `certificate` what the registry trusts.

    May be changed while it runs: `users` {name: password}, `anonymous_pull`, `lifetime_s`,
    `grants_nothing` (tokens without any access), `fail_status` (every request gets it).
    `requests` counts by "name scope", `request_count` is their sum.
    """

    def __init__(self, directory, port, users, anonymous_pull=False, lifetime_s=300):
        self.directory = Path(directory)
        self.port = port
        self.users = dict(users)
        self.anonymous_pull = anonymous_pull
        self.lifetime_s = lifetime_s
        self.grants_nothing = False
        self.fail_status = None
        self.requests = collections.Counter()
        self.realm = f"http://127.0.0.1:{port}/token"
        self.certificate = self.directory / "token.pem"
        self._key = self.directory / "token-key.pem"
        self._server = None
        self._chain = None

    @property
    def request_count(self):
        """How many token requests came."""
        return sum(self.requests.values())

    def start(self):
        """Make the key when there is none, and serve."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self.certificate.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                            "-subj", f"/CN={ISSUER}", "-keyout", self._key, "-out", self.certificate],
                           check=True, capture_output=True)
        lines = self.certificate.read_text("ascii").split("-----")[2]
        self._chain = ["".join(lines.split())]
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Stop serving."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def issue(self, subject, access):
        """Return a signed token; `access` is a list of {type, name, actions}."""
        header = {"typ": "JWT", "alg": "RS256", "x5c": self._chain}
        now_s = int(time.time())
        claims = {"iss": ISSUER, "aud": SERVICE, "sub": subject, "iat": now_s, "nbf": now_s - 5,
                  "exp": now_s + self.lifetime_s, "jti": str(time.time_ns()), "access": access}
        text = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self._key], check=True,
                                input=text.encode(), capture_output=True).stdout
        return f"{text}.{_base64url(signed)}"

    def answer(self, query, authorization):
        """Return (status, JSON value) for one token request."""
        name = self._user_of(authorization)
        scopes = " ".join(query.get("scope", []))
        self.requests[f"{name or 'anonymous'} {scopes}".strip()] += 1
        if self.fail_status:
            return self.fail_status, {"details": "the token server was told to fail"}
        if authorization and not name:
            return 401, {"details": "wrong credentials"}
        allowed = {"pull", "push", "delete", "*"} if name else {"pull"} if self.anonymous_pull else set()
        if self.grants_nothing:
            allowed = set()
        access = []
        for scope in scopes.split():
            kind, _, rest = scope.partition(":")
            repository, _, actions = rest.rpartition(":")
            granted = [action for action in actions.split(",") if action in allowed]
            if granted:
                access.append({"type": kind, "name": repository, "actions": granted})
        token = self.issue(name or "", access)
        return 200, {"token": token, "access_token": token, "expires_in": self.lifetime_s}

    def _user_of(self, authorization):
        kind, _, value = (authorization or "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name if self.users.get(name) == password else None


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tokens):
        self.tokens = tokens
        super().__init__(("127.0.0.1", tokens.port), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # pylint: disable=invalid-name
        """Answer one token request."""
        url = urllib.parse.urlsplit(self.path)
        status, value = 404, {}
        if url.path == "/token":
            query = urllib.parse.parse_qs(url.query)
            status, value = self.server.tokens.answer(query, self.headers.get("Authorization"))
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Requests are counted, not printed."""
