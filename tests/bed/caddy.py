# SPDX-License-Identifier: MIT
"""A private Caddy of Debian's, configured by others before Slipway comes: their routes must stay as they are.

Its folders (what it saves of its configuration, its certificates) are below the test's own, its admin
interface is on loopback behind a fault proxy, or on a Unix socket without one. Two servers: "edge" for
plain HTTP, "secure" for HTTPS with certificates of an authority of its own.
"""
import atexit
import http.client
import json
import os
import socket
import ssl
import subprocess
import urllib.parse
from pathlib import Path

from .fault_proxy import Fault, FaultProxy, WithTrailers
from .ports import free_port
from .process import tied
from .wait import wait_for

LISTENING = "0A"
OTHERS_DOMAIN = "blog.others.test"
OTHERS_TEXT = "the blog of others\n"


def others_route(identity):
    """A route that somebody else has configured."""
    return {"@id": identity, "match": [{"host": [OTHERS_DOMAIN]}], "terminal": True,
            "handle": [{"handler": "static_response", "body": OTHERS_TEXT}]}


class _Connection(http.client.HTTPConnection):
    """HTTP to a Unix socket, with a Host header that Caddy's admin interface takes."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


class Caddy:
    """A context manager. `admin_address` (127.0.0.1:port) passes the fault proxy `api`, whose `exchanges` are
    the log of all requests; with `uses_socket` the admin interface is at `admin_socket` instead and
    `admin_address` is None. `http_port` and `https_port` are the sites; `authority` is the certificate of
    who signs, there once the first HTTPS host is. `resumes` is how it starts: with what it saved last, when
    there is such, or with the configuration of the others alone."""

    def __init__(self, directory, resumes=True, uses_socket=False):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.resumes = resumes
        self.configuration = self.directory / "caddy.json"
        self.log = self.directory / "caddy.log"
        self.autosave = self.directory / "config" / "caddy" / "autosave.json"
        self.authority = self.directory / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        self.http_port, self.https_port = free_port(), free_port()
        self.admin_socket = self.directory / "admin.sock" if uses_socket else None
        self._admin = None if uses_socket else f"127.0.0.1:{free_port()}"
        self.api = None if uses_socket else FaultProxy(self._admin, passes_resets=True)
        self.admin_address = None if uses_socket else self.api.address
        self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def base(self):
        """The configuration of the others."""
        admin = {"listen": f"unix/{self.admin_socket}", "origins": ["localhost"]} if self.admin_socket else \
            {"listen": self._admin, "origins": [self._admin, self.admin_address]}
        servers = {
            "edge": {"listen": [f"127.0.0.1:{self.http_port}"], "automatic_https": {"disable": True},
                     "routes": [others_route("others-blog")]},
            "secure": {"listen": [f"127.0.0.1:{self.https_port}"], "automatic_https": {"disable_redirects": True},
                       "routes": [others_route("others-blog-secure")]}}
        return {"admin": admin, "apps": {
            "http": {"http_port": self.http_port, "https_port": self.https_port, "servers": servers},
            "tls": {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}},
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}}}}

    @property
    def pid(self):
        """Its process id, or None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, deadline_s=20):
        """Start it and wait until it serves."""
        if not self.configuration.exists():
            self.configuration.write_text(json.dumps(self.base()), "utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory),
                       "XDG_CONFIG_HOME": str(self.directory / "config"),
                       "XDG_DATA_HOME": str(self.directory / "data")}
        command = ["caddy", "run", "--config", str(self.configuration), *(["--resume"] if self.resumes else [])]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(tied(command), env=environment, stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.stop)
        wait_for(self._is_up, deadline_s, f"Caddy in {self.directory} to serve")
        if self.api:
            self.api.start()
        return self

    def _is_up(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"Caddy ended with {self._process.returncode}: "
                               f"{self.log.read_text('utf-8', 'replace')[-2000:]}")
        return self._ask("GET", "/config/", None, {})[0] == 200 and self._has_certificate()

    def _has_certificate(self):
        """Whether the site of the others is served by HTTPS. A change that meets its certificate half written is
        refused by Caddy 2.6, and leaves sockets behind that are never closed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.https_port), 5) as plain, \
                context.wrap_socket(plain, server_hostname=OTHERS_DOMAIN):
            return True

    def _end(self, deadline_s=20):
        if self.api:
            self.api.stop()
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        process.wait(deadline_s)

    def stop(self):
        """TERM it and wait; may be called again."""
        if self._process:
            if self._process.poll() is None:
                self._process.terminate()
            self._end()

    def kill(self):
        """KILL it, as the kernel does when memory is short."""
        self._process.kill()
        self._end()

    def restart(self, resumes=None):
        """Stop and start it, from now on with or without what it saved."""
        self.stop()
        self.resumes = self.resumes if resumes is None else resumes
        self.start()

    def ask(self, method, path, value=None, **headers):
        """Ask the admin interface itself, past the fault proxy: return (status, value, ETag).

        2.6 has the ETag after the last chunk, where only this client looks. A read is repeated when it met a
        change; a change returns once the next request is safe."""
        if method == "GET":
            return wait_for(lambda: self._ask(method, path, value, headers), 10, f"Caddy to answer for {path}")
        answer = self._ask(method, path, value, headers)
        self.wait_settled()
        return answer

    def wait_settled(self):
        """Wait until the sockets of before the last change are closed. Each change gives Caddy new ones beside
        the old, and resets what waits in the old ones."""
        ports = {self.http_port, self.https_port} | ({int(self._admin.split(":")[1])} if self._admin else set())

        def is_done():
            lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
            listening = [int(line[1].split(":")[1], 16) for line in lines if line[3] == LISTENING]
            counts = {port: listening.count(port) for port in ports}
            if set(counts.values()) != {1}:
                raise OSError(f"sockets by port: {counts}, Caddy's pid: {self.pid}, its last words: "
                              f"{self.log.read_text('utf-8', 'replace')[-300:]}")
            return True
        wait_for(is_done, 10, "Caddy to close the sockets of before a change")

    def _ask(self, method, path, value, headers):
        connection = _Connection(str(self.admin_socket)) if self.admin_socket \
            else http.client.HTTPConnection(self._admin, timeout=10)
        connection.response_class = WithTrailers
        try:
            body = None if value is None else json.dumps(value)
            connection.request(method, urllib.parse.quote(path), body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content else None, answer.anywhere("ETag")
        finally:
            connection.close()

    def config(self, path=""):
        """What is configured at a path now."""
        status, value, _ = self.ask("GET", f"/config/{path}")
        assert status == 200, value
        return value

    def route(self, identity):
        """The object of an id, None when there is none."""
        status, value, _ = self.ask("GET", f"/id/{identity}")
        return value if status == 200 else None

    def others(self):
        """What the others have configured, as it is now: everything but routes of ids that are not theirs."""
        config = self.config()
        for server in config["apps"]["http"]["servers"].values():
            server["routes"] = [route for route in server.get("routes") or []
                                if route.get("@id", "others-").startswith("others-")]
        return config

    def fault(self, **rule):
        """Add a rule for the admin interface (see Fault); returns it."""
        return self.api.add(Fault(**rule))

    def answer(self, status, message, **rule):
        """Let requests be answered with an error in the words of Caddy, without doing anything."""
        return self.fault(status=status, body=json.dumps({"error": message}).encode(), **rule)

    def writes(self):
        """The exchanges that were to change something."""
        return [one for one in list(self.api.exchanges) if one.method not in ("GET", "HEAD")]
