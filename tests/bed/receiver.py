# SPDX-License-Identifier: MIT
"""Receivers of notifications, as strict as the published interfaces of those that they stand for.

A message that the real one would not take is answered as the real one answers, and `faults` says why.
"""
import hashlib
import hmac
import http.server
import json
import re
import threading

from .http_server import CuttingServer
from .ports import free_port

WEBHOOK_KEYS = {"event", "delivery", "timestamp", "tier", "project", "stage", "status", "deploy", "image", "tag",
                "digest", "url", "error", "title", "text"}
EVENTS = {"deploy_started", "deploy_success", "deploy_failure", "deploy_rolled_back", "deploy_held",
          "approval_wanted", "drift", "instance_gone", "test"}
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def webhook_fault(receiver, request):
    """Slipway's own: docs/notifications.md."""
    body, headers = request["json"], request["headers"]
    if set(body) != WEBHOOK_KEYS or body["event"] not in EVENTS:
        return f"keys {sorted(body)}, event {body.get('event')}"
    if not UUID.match(body["delivery"]) or not TIMESTAMP.match(body["timestamp"]):
        return "delivery or timestamp"
    for name in ("Event", "Delivery", "Timestamp", "Tier"):
        if headers.get(f"X-Slipway-{name}") != body[name.lower()]:
            return f"the header of {name}"
    if not re.match(r"^Slipway/\S+$", headers.get("User-Agent", "")):
        return "the user agent"
    given = headers.get("X-Hub-Signature-256")
    if receiver.secret is None:
        return None if given is None else "a signature that nobody asked for"
    wanted = "sha256=" + hmac.new(receiver.secret.encode(), request["raw"], hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(given or "", wanted) else "the signature"


def slack_fault(receiver, request):
    """Incoming webhooks: a JSON object with a text."""
    if request["path"] != f"/services/{receiver.secret}":
        return "no_service"
    text = request["json"].get("text")
    if set(request["json"]) - {"text", "blocks", "attachments"} or not isinstance(text, str) or not text:
        return "invalid_payload"
    return "unescaped" if re.search(r"[<>]", text) else None


def discord_fault(receiver, request):
    """Execute Webhook: https://discord.com/developers/docs/resources/webhook#execute-webhook"""
    body = request["json"]
    if request["path"] != f"/api/webhooks/1/{receiver.secret}":
        return "Unknown Webhook"
    if set(body) - {"content", "username", "avatar_url", "tts", "embeds", "allowed_mentions"}:
        return "an unknown member"
    if not isinstance(body.get("content"), str) or not 1 <= len(body["content"]) <= 2000:
        return "content must be 2000 or fewer in length"
    return None if body.get("allowed_mentions") == {"parse": []} else "somebody may be called"


def ntfy_fault(receiver, request):
    """Publish as JSON: https://docs.ntfy.sh/publish/#publish-as-json"""
    body = request["json"]
    if request["path"] != "/" or not re.match(r"^[-_A-Za-z0-9]{1,64}$", str(body.get("topic"))):
        return "the topic"
    if request["headers"].get("Authorization") != f"Bearer {receiver.secret}":
        return "unauthorized"
    if set(body) - {"topic", "message", "title", "tags", "priority", "click", "actions"}:
        return "an unknown member"
    if not 1 <= body.get("priority", 3) <= 5 or not all(isinstance(tag, str) for tag in body.get("tags", [])):
        return "priority or tags"
    return None if isinstance(body.get("message"), str) else "the message"


def gotify_fault(receiver, request):
    """Create a message: https://gotify.net/api-docs#/message/createMessage"""
    body = request["json"]
    if request["path"] != "/message":
        return "page not found"
    if request["headers"].get("X-Gotify-Key") != receiver.secret:
        return "you need to provide a valid access token"
    if set(body) - {"title", "message", "priority", "extras"} or not isinstance(body.get("priority"), int):
        return "an unknown member or no priority"
    return None if isinstance(body.get("message"), str) and body["message"] else "Field 'message' is required"


# What it takes, and how it answers: status, type, body; and the status for what it does not take.
KINDS = {
    "webhook": (webhook_fault, 200, "text/plain", b"thank you", 422),
    "slack": (slack_fault, 200, "text/html", b"ok", 400),
    "discord": (discord_fault, 204, "text/plain", b"", 400),
    "ntfy": (ntfy_fault, 200, "application/json", b'{"id":"x","event":"message"}', 401),
    "gotify": (gotify_fault, 200, "application/json", b'{"id":1}', 401),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # pylint: disable=invalid-name
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.server.receiver.take(self.path, self.headers, raw)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):  # pylint: disable=invalid-name
        """Nobody asks for anything: a redirect was followed."""
        self.server.receiver.faults.append(f"GET {self.path}")
        self.send_error(405)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Receiver:
    """One receiver of a kind on loopback; a context manager.

    `requests` are those that were good and answered as such. `answers` are the next answers instead: each
    (status, headers); or "hang", which answers when release() is called.
    """

    def __init__(self, kind="webhook", secret=None):
        self.kind = kind
        self.secret = secret
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests = []
        self.seen = []
        self.faults = []
        self.answers = []
        self._released = threading.Event()
        self._server = None

    def __enter__(self):
        self._server = CuttingServer(self.port, _Handler)
        self._server.receiver = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Nobody listens any more."""
        self.release()
        if self._server:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
        self._server = None

    def release(self):
        """Let those go on that hang."""
        self._released.set()

    def take(self, path, headers, raw):
        """Judge one request; returns status, headers, body of the answer."""
        request = {"path": path, "headers": dict(headers), "raw": raw, "json": None}
        fault, status, kind, body, bad = KINDS[self.kind]
        try:
            request["json"] = json.loads(raw)
            why = fault(self, request) if headers["Content-Type"] == "application/json" else "the type of the body"
        except (ValueError, AttributeError, TypeError) as problem:
            why = str(problem)
        self.seen.append(request)
        if why:
            self.faults.append(why)
            return bad, {"Content-Type": "text/plain"}, why.encode()
        if self.answers:
            answer = self.answers.pop(0)
            if answer != "hang":
                return answer[0], {"Content-Type": "text/plain", **answer[1]}, b"not now"
            self._released.wait(60)
        self.requests.append(request)
        return status, {"Content-Type": kind}, body

    def events(self):
        """The events of a webhook so far, in the order of their coming."""
        return [request["json"]["event"] for request in self.requests]
