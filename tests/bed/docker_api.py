# SPDX-License-Identifier: MIT
"""A small client of the Docker Engine API for assertions: HTTP over the engine's Unix socket.

Every call is one connection. It asserts nothing itself: an answer of 400 or above raises ApiError with
the engine's own message, except where the method says that it is tolerated.
"""
import base64
import http.client
import json
import os
import socket
import urllib.parse


class ApiError(Exception):
    """The engine answered with an error status."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout_s):
        super().__init__("docker", timeout=timeout_s)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class DockerApi:
    """Talks to one engine over the Unix socket at `socket_path`."""

    def __init__(self, socket_path, timeout_s=60):
        self.socket_path = str(socket_path)
        self.timeout_s = timeout_s

    def request(self, method, path, query=None, body=None, headers=None):
        """Return (status, bytes) of one call; never raises for a status."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        headers = dict(headers or {})
        if body is not None:
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection = _UnixConnection(self.socket_path, self.timeout_s)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, method, path, query=None, body=None, headers=None, tolerate=()):
        """Return the decoded JSON answer, or None when there is none or the status is tolerated."""
        status, raw = self.request(method, path, query, body, headers)
        if status in tolerate:
            return None
        if status >= 400:
            try:
                message = json.loads(raw)["message"]
            except (ValueError, KeyError):
                message = raw.decode("utf-8", "replace")
            raise ApiError(status, message)
        return json.loads(raw) if raw.startswith((b"{", b"[")) else None

    def ping(self):
        """Return True when the engine answers."""
        return self.request("GET", "/_ping")[0] == 200

    def containers(self, label=None, all_states=True, **filters):
        """List containers; `label` is "key", "key=value" or a list of these; other filters by name."""
        if label:
            filters["label"] = [label] if isinstance(label, str) else list(label)
        filters = {name: [one] if isinstance(one, str) else one for name, one in filters.items()}
        query = {"all": int(all_states), "filters": json.dumps(filters)}
        return self.call("GET", "/containers/json", query)

    def inspect(self, container):
        """Return the container's full record."""
        return self.call("GET", f"/containers/{container}/json")

    def address(self, container, network=None):
        """Return the container's IPv4 address in `network`, or in the first network that gave one."""
        networks = self.inspect(container)["NetworkSettings"]["Networks"]
        chosen = [networks[network]] if network else networks.values()
        return next((one["IPAddress"] for one in chosen if one["IPAddress"]), None)

    def create(self, image, name=None, network=None, publish=None, host=None, **config):
        """Create a container and return its id.

        `publish` maps container ports to loopback ports ({8080: 20001}); `host` is HostConfig; the
        rest (Env=[...], Labels={...}, Cmd=[...]) is passed as the engine spells it.
        """
        host = dict(host or {})
        if network:
            host["NetworkMode"] = network
        if publish:
            host["PortBindings"] = {f"{inner}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outer)}]
                                    for inner, outer in publish.items()}
        body = {"Image": image, "HostConfig": host, **config}
        return self.call("POST", "/containers/create", {"name": name} if name else None, body)["Id"]

    def start(self, container):
        """Start a created container."""
        self.call("POST", f"/containers/{container}/start")

    def run(self, image, **arguments):
        """Create and start a container (see create); return its id."""
        container = self.create(image, **arguments)
        self.start(container)
        return container

    def kill(self, container, signal="KILL"):
        """Send a signal to the container's first process; one that does not run is tolerated."""
        self.call("POST", f"/containers/{container}/kill", {"signal": signal}, tolerate=(404, 409))

    def signal(self, container, number):
        """Send a signal to its first process, past the engine: what that one kills it does not start again."""
        os.kill(self.inspect(container)["State"]["Pid"], number)

    def stop(self, container, grace_s=10):
        """Stop as `docker stop` does: its stop signal, then KILL after `grace_s`."""
        self.call("POST", f"/containers/{container}/stop", {"t": grace_s}, tolerate=(404,))

    def remove(self, container):
        """Remove by force, with anonymous volumes; an absent one is tolerated."""
        query = {"force": 1, "v": 1}
        self.call("DELETE", f"/containers/{container}", query, tolerate=(404, 409))

    def logs(self, container, tail="all"):
        """Return stdout and stderr as text (the stream frames are taken apart)."""
        query = {"stdout": 1, "stderr": 1, "tail": tail}
        raw = self.request("GET", f"/containers/{container}/logs", query)[1]
        text = b""
        while len(raw) >= 8:
            size = int.from_bytes(raw[4:8], "big")
            text += raw[8:8 + size]
            raw = raw[8 + size:]
        return text.decode("utf-8", "replace")

    def pull(self, reference, username=None, password=None):
        """Pull an image; raises ApiError when the progress stream ends in an error."""
        headers = {}
        if username is not None:
            login = {"username": username, "password": password}
            token = base64.urlsafe_b64encode(json.dumps(login).encode())
            headers["X-Registry-Auth"] = token.decode()
        status, raw = self.request("POST", "/images/create", {"fromImage": reference}, None, headers)
        lines = [json.loads(line) for line in raw.splitlines() if line.strip()]
        faults = [line.get("error") or line.get("message") for line in lines]
        faults = [fault for fault in faults if fault]
        if status >= 400 or faults:
            raise ApiError(status, faults[-1] if faults else "pull failed")
        return lines

    def image(self, reference):
        """Return the local image's record, or None when it is not there."""
        return self.call("GET", f"/images/{reference}/json", tolerate=(404,))

    def images(self):
        """List local images."""
        return self.call("GET", "/images/json")

    def remove_image(self, reference):
        """Remove a local image by force; an absent one is tolerated."""
        self.call("DELETE", f"/images/{reference}", {"force": 1}, tolerate=(404,))

    def networks(self):
        """List networks."""
        return self.call("GET", "/networks")

    def create_network(self, name, **config):
        """Create a network (a bridge unless `Driver` says otherwise) and return its id."""
        body = {"Name": name, "CheckDuplicate": True, **config}
        return self.call("POST", "/networks/create", body=body)["Id"]

    def remove_network(self, name):
        """Remove a network; an absent one is tolerated."""
        self.call("DELETE", f"/networks/{name}", tolerate=(404,))
