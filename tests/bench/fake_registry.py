# SPDX-License-Identifier: MIT
"""A registry that answers tag lists and manifest HEADs at once, to measure who asks and not who answers.

It is fake_registry.c: one thread, short answers, some microseconds a request.
"""
import http.client
import subprocess
from pathlib import Path

from bed.compile import work_directory
from bed.ports import free_port
from bed.wait import wait_for

SOURCE = Path(__file__).with_suffix(".c")


class FakeRegistry:
    """A context manager; `address` is host:port."""

    def __init__(self):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._process = None

    def __enter__(self):
        program = work_directory() / "fake_registry"
        subprocess.run(["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-o", str(program), str(SOURCE)], check=True)
        self._process = subprocess.Popen([str(program), str(self.port)])
        wait_for(lambda: self.requests() == 0, 10, "the fake registry")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def requests(self):
        """How many requests came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/stats")
            return int(connection.getresponse().read())
        finally:
            connection.close()
