# SPDX-License-Identifier: MIT
"""A real OCI registry (Debian's docker-registry) on loopback, with a storage of its own.

Modes: "open" (no login), "basic" (htpasswd, bcrypt) and "token" (Bearer tokens from token_server).
"""
import atexit
import base64
import ctypes
import http.client
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

from .image import DOCKER, OCI, digest_of
from .ports import free_port
from .process import tied
from .token_server import ISSUER, SERVICE, TokenServer
from .wait import wait_for

ACCEPT = ", ".join([DOCKER["manifest"], DOCKER["index"], OCI["manifest"], OCI["index"]])
SALT = b"$2b$05$abcdefghijklmnopqrstuu"  # a test password needs no secret salt


class RegistryError(Exception):
    """The registry answered with an unexpected status."""


def bcrypt(password):
    """Return the bcrypt hash of a password, made by the C library."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(password.encode(), SALT).decode()


class Registry:
    """One registry below `directory`, a context manager; `address` is host:port, as images name it.

    In token mode `tokens` is its TokenServer, to count requests and to change what it grants.
    """

    def __init__(self, directory, mode="open", port=None, username="robot", password="correct-horse",
                 notifications=None):
        if mode not in ("open", "basic", "token"):
            raise ValueError(f"mode {mode}: open, basic or token")
        self.directory = Path(directory).resolve()
        self.mode = mode
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.notifications = notifications  # as its own configuration says them
        self.username = username
        self.password = password
        self.log = self.directory / "registry.log"
        self.tokens = None
        if mode == "token":
            self.tokens = TokenServer(self.directory / "tokens", free_port(), {username: password})
        self._process = None
        self._blob_home = {}
        self._local = threading.local()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _settings(self):
        settings = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.directory / "storage")},
                        "cache": {"blobdescriptor": "inmemory"}, "delete": {"enabled": True}},
            "http": {"addr": self.address, "secret": "bed"},
        }
        if self.notifications:
            settings["notifications"] = self.notifications
        if self.mode == "basic":
            path = self.directory / "htpasswd"
            path.write_text(f"{self.username}:{bcrypt(self.password)}\n", "utf-8")
            settings["auth"] = {"htpasswd": {"realm": "bed", "path": str(path)}}
        if self.mode == "token":
            settings["auth"] = {"token": {
                "realm": self.tokens.realm, "service": SERVICE, "issuer": ISSUER,
                "rootcertbundle": str(self.tokens.certificate)}}
        return settings

    def start(self, deadline_s=15):
        """Start the registry and return it once it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.tokens:
            self.tokens.start()
        path = self.directory / "registry.yml"
        path.write_text(json.dumps(self._settings(), indent=1), "utf-8")  # JSON is YAML
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("REGISTRY_")}
        environment["OTEL_TRACES_EXPORTER"] = "none"
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(tied(["docker-registry", "serve", str(path)]), stdout=log,
                                             stderr=log, stdin=subprocess.DEVNULL, env=environment,
                                             start_new_session=True)
        atexit.register(self.stop)
        wait_for(self._answers, deadline_s, "the registry to answer", 0.01)
        return self

    def _answers(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"docker-registry ended: {self.log.read_text('utf-8')[-2000:]}")
        return self.call("GET", "/v2/", expect=(200, 401))[0]

    def stop(self, keep_data=False):
        """End the registry; may be called again. start() after stop(keep_data=True) finds the images."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None
            atexit.unregister(self.stop)
            if not keep_data:
                shutil.rmtree(self.directory / "storage", ignore_errors=True)
                self._blob_home.clear()
        if self.tokens:
            self.tokens.stop()

    def reference(self, repository, tag=None, digest=None):
        """Return the image's name as Docker takes it."""
        suffix = f"@{digest}" if digest else f":{tag}"
        return f"{self.address}/{repository}{suffix}"

    def _authorization(self, repository):
        if self.mode == "basic":
            pair = f"{self.username}:{self.password}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        if self.mode == "token" and repository:
            held = self._local.__dict__.setdefault("tokens", {})
            if repository not in held:
                access = [{"type": "repository", "name": repository,
                           "actions": ["pull", "push", "delete"]}]
                held[repository] = self.tokens.issue(self.username, access)
            return {"Authorization": "Bearer " + held[repository]}
        return {}

    def call(self, method, path, repository=None, body=None, headers=None, expect=(200,)):
        """Return (status, headers, body) of one request with the registry's own credentials."""
        headers = {**self._authorization(repository), **(headers or {})}
        for is_last in (False, True):
            connection = getattr(self._local, "connection", None)
            if not connection:
                connection = http.client.HTTPConnection(self.address, timeout=30)
                self._local.connection = connection
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                self._local.connection = None
                if is_last:
                    raise
        if answer.status not in expect:
            raise RegistryError(f"{method} {path}: {answer.status} {content[:400]!r}")
        return answer.status, answer.headers, content

    def push(self, repository, tag, image):
        """Store an image (see image.Image) under a tag; blobs which are there are not sent again."""
        for digest, content in image.blobs.items():
            self._push_blob(repository, digest, content)
        for media_type, content in image.manifests:
            self.put_manifest(repository, digest_of(content), media_type, content)
        self.put_manifest(repository, tag, *image.top)

    def _push_blob(self, repository, digest, content):
        base = f"/v2/{repository}/blobs"
        home = self._blob_home.setdefault(digest, repository)
        if home == repository:
            if self.call("HEAD", f"{base}/{digest}", repository, expect=(200, 404))[0] == 200:
                return
            query = ""
        else:
            query = f"?mount={digest}&from={home}"
        status, headers, _ = self.call("POST", f"{base}/uploads/{query}", repository, expect=(201, 202))
        if status == 201:
            return
        location = headers["Location"]
        path = location[location.index("/v2/"):]
        self.call("PUT", f"{path}&digest={digest}", repository, content,
                  {"Content-Type": "application/octet-stream"}, (201,))

    def put_manifest(self, repository, tag_or_digest, media_type, content):
        """Store manifest bytes as they are, which need not be valid for anything but the registry."""
        self.call("PUT", f"/v2/{repository}/manifests/{tag_or_digest}", repository, content,
                  {"Content-Type": media_type}, (201,))

    def digest(self, repository, tag):
        """Return the digest a tag has, or None."""
        path = f"/v2/{repository}/manifests/{tag}"
        status, headers, _ = self.call("HEAD", path, repository, None, {"Accept": ACCEPT}, (200, 404))
        return headers["Docker-Content-Digest"] if status == 200 else None

    def retag(self, repository, tag, new_tag):
        """Give the image of `tag` a second tag (or move that tag to it) and return its digest."""
        path = f"/v2/{repository}/manifests/"
        _, headers, content = self.call("GET", path + tag, repository, None, {"Accept": ACCEPT})
        self.put_manifest(repository, new_tag, headers["Content-Type"], content)
        return headers["Docker-Content-Digest"]

    def tags(self, repository):
        """Return the repository's tags."""
        _, _, content = self.call("GET", f"/v2/{repository}/tags/list", repository, expect=(200, 404))
        return json.loads(content).get("tags") or []

    def delete(self, repository, digest):
        """Delete a manifest, and with it every tag that names it."""
        self.call("DELETE", f"/v2/{repository}/manifests/{digest}", repository, expect=(202, 404))
