#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A Docker engine without containers: as much of its published API as a deploy needs, in microseconds.

For tests that count in thousands of deploys, where a real engine would be all that is measured. Containers are
entries in a table; each one that runs listens on an address of its own in 127.0.0.0/8 and answers every
request with 200 and its tag, so gate and edge meet a real server. A tag that begins with "crash" makes a container
that ends with code 3 right after its start.

As a program: fake_engine.py SOCKET PORT, where PORT is the one that containers listen on.
"""
import asyncio
import itertools
import json
import re
import secrets
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from urllib.parse import parse_qs, unquote

if __name__ != "__main__":
    from .ports import free_port
    from .process import tied
    from .wait import wait_for

VERSION = {"Version": "24.0.7", "ApiVersion": "1.43", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64"}
HEAD = "HTTP/1.1 {} X\r\nServer: Docker/24.0.7 (linux)\r\nApi-Version: 1.43\r\n"
REASON_EXISTS = "Conflict. The container name is already in use"


def now():
    """The time as Docker writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000000Z"


class Refused(Exception):
    """An answer other than a good one."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Container:
    """One container: created, running or exited."""

    def __init__(self, name, config, address):
        self.id = secrets.token_hex(32)
        self.name = name
        self.image = config["Image"]
        self.labels = config.get("Labels", {})
        self.tag = self.labels.get("slipway.tag", "")
        self.address = address
        self.state = "created"
        self.started_at = self.finished_at = "0001-01-01T00:00:00Z"
        self.server = None

    def inspect(self, engine):
        """As GET /containers/{id}/json."""
        running = self.state == "running"
        return {
            "Id": self.id, "Name": "/" + self.name, "Image": engine.image_id(self.image), "RestartCount": 0,
            "State": {"Status": self.state, "Running": running, "OOMKilled": False, "Error": "",
                      "ExitCode": 3 if self.state == "exited" else 0, "StartedAt": self.started_at,
                      "FinishedAt": self.finished_at},
            "Config": {"Labels": self.labels}, "NetworkSettings": {"Networks": self._networks(), "Ports": {}}}

    def listed(self):
        """As one entry of GET /containers/json."""
        return {"Id": self.id, "Names": ["/" + self.name], "Image": self.image, "Labels": self.labels,
                "State": self.state, "NetworkSettings": {"Networks": self._networks()}, "Ports": []}

    def _networks(self):
        return {"slipway": {"IPAddress": self.address if self.state == "running" else ""}}


class Application(asyncio.Protocol):
    """What answers at a container's address."""

    def __init__(self, tag):
        self.answer = (f"HTTP/1.1 200 OK\r\nContent-Length: {len(tag)}\r\nX-Version: {tag}\r\n\r\n{tag}").encode()
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        for _ in range(data.count(b"\r\n\r\n")):
            self.transport.write(self.answer)


class Engine:
    """The state, and what each call does to it."""

    def __init__(self, port):
        self.port = port
        self.containers = {}  # by id
        self.names = {}
        self.images = set()
        self.network = None
        self.followers = set()
        self.requests = 0
        self.created = 0
        self.addresses = itertools.count(256)

    @staticmethod
    def image_id(reference):
        """The id of an image, made of its digest."""
        return "sha256:" + reference.partition("@sha256:")[2][::-1]

    def find(self, name):
        """A container by id or name."""
        found = self.containers.get(name) or self.names.get(name)
        if found is None:
            raise Refused(404, f"No such container: {name}")
        return found

    def networks(self):
        """GET /networks."""
        return [] if self.network is None else [self.network]

    def tell(self, action, container):
        """An event to everybody who listens."""
        line = json.dumps({"Type": "container", "Action": action,
                           "Actor": {"ID": container.id, "Attributes": container.labels}}) + "\n"
        for follower in self.followers:
            follower.piece(line)

    def stats(self):
        """What happened so far."""
        return {"requests": self.requests, "created": self.created, "containers": len(self.containers)}

    def create(self, name, config):
        """POST /containers/create."""
        if name in self.names:
            raise Refused(409, REASON_EXISTS)
        if config["Image"] not in self.images:
            raise Refused(404, f"No such image: {config['Image']}")
        number = next(self.addresses) % 4_000_000
        container = Container(name, config, f"127.{66 + number // 65536}.{number // 256 % 256}.{number % 256}")
        self.containers[container.id] = self.names[name] = container
        self.created += 1
        return {"Id": container.id, "Warnings": []}

    async def start(self, container):
        """POST /containers/{id}/start."""
        container.started_at = now()
        if container.tag.startswith("crash"):
            container.state, container.finished_at = "exited", now()
            self.tell("start", container)
            self.tell("die", container)
            return
        container.server = await asyncio.get_running_loop().create_server(
            lambda: Application(container.tag), container.address, self.port, reuse_address=True)
        container.state = "running"
        self.tell("start", container)

    def stop(self, container):
        """POST /containers/{id}/stop."""
        if container.server is not None:
            container.server.close()
            container.server = None
        if container.state == "running":
            container.state, container.finished_at = "exited", now()
            self.tell("die", container)

    def remove(self, container):
        """DELETE /containers/{id}?force=true."""
        self.stop(container)
        del self.containers[container.id], self.names[container.name]
        self.tell("destroy", container)

    def list(self, wanted):
        """GET /containers/json with a filter of labels."""
        pairs = [label.split("=", 1) for label in wanted]
        return [one.listed() for one in self.containers.values()
                if all(one.labels.get(name) == value for name, value in pairs)]

    def list_images(self):
        """GET /images/json."""
        return [{"Id": self.image_id(one), "RepoTags": None, "RepoDigests": [one], "Size": 1} for one in self.images]

    def image(self, reference):
        """GET /images/{name}/json."""
        if reference not in self.images:
            raise Refused(404, f"No such image: {reference}")
        return {"Id": self.image_id(reference), "RepoDigests": [reference], "Os": "linux", "Architecture": "amd64"}


class Connection(asyncio.Protocol):
    """One client's connection: requests in turn, kept open."""

    def __init__(self, engine):
        self.engine = engine
        self.transport = None
        self.data = b""

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, exc):
        self.engine.followers.discard(self)

    def data_received(self, data):
        self.data += data
        while b"\r\n\r\n" in self.data:
            head, _, rest = self.data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\nContent-Length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.data = rest[size:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            asyncio.ensure_future(self._answer(method, target, rest[:size]))

    def piece(self, text):
        """One chunk of a stream."""
        data = text.encode() if isinstance(text, str) else text
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _stream(self, *pieces):
        self.transport.write((HEAD.format(200) + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for one in pieces:
            self.piece(one)

    def _whole(self, status, body):
        text = b"" if body is None else json.dumps(body).encode()
        length = "" if status == 204 else f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        self.transport.write((HEAD.format(status) + length + "\r\n").encode() + text)

    async def _answer(self, method, target, body):
        self.engine.requests += 1
        path, _, query = target.partition("?")
        path = unquote(re.sub(r"^/v1\.\d+", "", path))
        try:
            await self._route(method, path, parse_qs(query), body)
        except Refused as refused:
            self._whole(refused.status, {"message": str(refused)})

    async def _route(self, method, path, query, body):
        engine = self.engine
        plain = {"/_ping": "OK", "/version": VERSION, "/stats": engine.stats(), "/networks": engine.networks(),
                 "/info": {"DockerRootDir": "/nowhere"}, "/images/json": engine.list_images()}
        if path in plain:
            return self._whole(200, plain[path])
        if path == "/events":
            self._stream()
            engine.followers.add(self)
            return None
        if path == "/networks/create":
            engine.network = {"Name": json.loads(body)["Name"], "Id": "network", "Created": now(),
                              "Labels": json.loads(body).get("Labels", {})}
            return self._whole(201, {"Id": "network"})
        if path.startswith("/networks/"):
            if not engine.networks():
                raise Refused(404, "no such network")
            return self._whole(200, engine.network)
        if path == "/images/create":
            engine.images.add(f"{query['fromImage'][0]}@{query['tag'][0]}")
            self._stream('{"status":"Pulling"}\r\n', '{"status":"Status: Downloaded newer image"}\r\n')
            return self.transport.write(b"0\r\n\r\n")
        if path.startswith("/images/") and method == "DELETE":
            engine.images.discard(path[len("/images/"):])
            return self._whole(200, [])
        if path.startswith("/images/"):
            return self._whole(200, engine.image(path[len("/images/"):-len("/json")]))
        if path == "/containers/create":
            return self._whole(201, engine.create(query["name"][0], json.loads(body)))
        if path == "/containers/json":
            filters = json.loads(query.get("filters", ["{}"])[0])
            return self._whole(200, engine.list(filters.get("label", [])))
        if path.startswith("/containers/"):
            return await self._route_container(method, path.split("/")[2:])
        raise Refused(404, f"page not found: {path}")

    async def _route_container(self, method, parts):
        container = self.engine.find(parts[0])
        what = parts[1] if len(parts) > 1 else method
        if what == "json":
            return self._whole(200, container.inspect(self.engine))
        if what == "logs":
            line = b"a line of the container\n"
            self._stream(b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line)
            return self.transport.write(b"0\r\n\r\n")
        if what == "start":
            await self.engine.start(container)
        elif what == "stop":
            self.engine.stop(container)
        elif what == "DELETE":
            self.engine.remove(container)
        else:
            raise Refused(404, f"page not found: {what}")
        return self._whole(204, None)


async def serve(path, port):
    """Listen until the process is ended."""
    engine = Engine(port)
    server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(engine), path, backlog=512)
    await server.serve_forever()


class FakeEngine:
    """The program as a context manager; `host` goes into slipway.yml, `port` is what its containers listen on."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.socket = self.directory / "engine.sock"
        self.host = f"unix://{self.socket}"
        self.port = free_port()
        self.process = None

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(tied([sys.executable, __file__, str(self.socket), str(self.port)]))
        wait_for(self.stats, 10, "the fake engine")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def stats(self):
        """Return {"requests", "created", "containers"}."""
        connection = HTTPConnection("engine")
        connection.sock = socket(AF_UNIX, SOCK_STREAM)
        try:
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/stats")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
