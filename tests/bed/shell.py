# SPDX-License-Identifier: MIT
"""The commands of the documents, run as they stand there."""
import json
import os
import re
import subprocess

from .image import push_app
from .ports import free_port
from .slipway import ROOT, TOKEN, Slipway, binary
from .wait import wait_for


def quick_configuration(engine, registry):
    """The README's slipway.yml on this engine and registry, with a gate that takes less time."""
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL).group(1)
    shown = shown.replace("registry.example.org", registry.address)
    assert "{http: /health}" in shown
    shown = shown.replace("{http: /health}", "{http: /health, interval: 100ms, min_uptime: 0s}")
    hosts = f'engines:\n  local: {{host: "{engine.host}"}}\nregistries:\n  "{registry.address}": {{insecure: true}}\n'
    return shown.replace("projects:\n", hosts + "projects:\n")


class Shell(Slipway):
    """A server that is started and used by the commands of a page, as they stand there; only places differ:
    the registry, the data, ports."""

    def __init__(self, directory, engine, registry):
        super().__init__(directory, quick_configuration(engine, registry))
        self.engine = engine
        self.registry = registry
        self.tls_port = free_port()
        self.certificates = self.directory / "certs"
        self.token = {"SLIPWAY_TOKEN": TOKEN}
        programs = self.directory / "bin"
        programs.mkdir()
        (programs / "slipway").symlink_to(binary())
        self.settings["PATH"] = f"{programs}:{os.environ['PATH']}"
        self.places = {
            "registry.example.org": registry.address, "/var/lib/slipway": str(self.data),
            "http://127.0.0.1/": f"http://{self.edge_address}/", "/etc/slipway/certs": str(self.certificates),
            "0.0.0.0:443": f"127.0.0.1:{self.tls_port}", "/var/backups": str(self.directory)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        for container in self.engine.api.containers(label="slipway.project=shop"):
            self.engine.api.remove(container["Id"])

    def push(self, tag):
        """Push a version of the README's app."""
        push_app(self.registry, "shop/web", tag)

    def sh(self, command):
        """Run one command and return what it printed."""
        for said, meant in self.places.items():
            command = command.replace(said, meant)
        if command.startswith("docker push "):
            repository, tag = command.split(f"{self.registry.address}/")[1].split(":")
            return push_app(self.registry, repository, tag)
        if command.startswith("export "):
            name, value = command.removeprefix("export ").split("=", 1)
            self.token[name] = self._run(f"echo {value}").strip()
            return None
        if command.endswith("slipway serve"):
            return self._serve(command)
        return self._run(command.removeprefix("sudo "))

    def wait_live(self, deploy):
        """Wait until a deploy has ended well."""
        ended = wait_for(lambda: self._ended(deploy), 60, f"deploy {deploy} to end")
        assert ended["state"] == "LIVE", ended

    def _ended(self, deploy):
        shown = json.loads(self._run(f"slipway show {deploy} --json"))
        return shown if shown["ended_ms"] else None

    def _run(self, command):
        done = subprocess.run(["bash", "-c", command], env={**self.environment(), **self.token}, text=True,
                              capture_output=True, cwd=self.directory, timeout=120, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr, self.log_tail())
        return done.stdout

    def _serve(self, command):
        if self.pid:
            assert self.terminate() == 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["bash", "-c", command], env={**self.environment(), **self.token},
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.directory,
                                            start_new_session=True)
        wait_for(lambda: self.get("/health")["status"] == "healthy", 20, "slipway to answer")
