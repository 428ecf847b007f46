# SPDX-License-Identifier: MIT
"""The app as a plain process of this machine, for tests which need no container."""
import signal
import subprocess

from .compile import app_binary
from .ports import free_port
from .wait import wait_for


class App:
    """Runs from its making on, on `port`; the knobs are those of bed/image.py."""

    def __init__(self, **knobs):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        knobs = {name: str(value) for name, value in knobs.items()}
        self.process = subprocess.Popen([app_binary()], env={"PORT": str(self.port), **knobs},
                                        stdout=subprocess.PIPE, text=True)
        wait_for(lambda: "listening" in self.process.stdout.readline(), 20, "the app to listen", 0)

    def end(self, number=signal.SIGTERM):
        """Send a signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode
