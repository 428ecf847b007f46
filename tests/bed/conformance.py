# SPDX-License-Identifier: MIT
"""The outside of a scenario that is played on real ports: what others than Slipway do there, and what they see.

tests/conformance/scenario.c says what the statements mean; the program asks for each on a line that begins
with "! " and waits for one line with what was seen.
"""
import http.client
import re
import signal
import socket
import subprocess

from .faults import haproxy_pids, signal_all
from .image import push_app
from .ports import give_back
from .process import tied
from .receiver import Receiver
from .slipway import ROOT, Slipway, binary
from .wait import wait_for

PROGRAMS = ROOT / "build" / "sim" / "conformance"
SCENARIOS = ROOT / "tests" / "conformance" / "scenarios"
BEHAVIOUR = {"good": {}, "sick": {"behaviour": {"HEALTH": "fail"}}, "broken": {"User": "nobody-knows"}}
ENDED = ("created", "exited")


def names():
    """The scenarios there are."""
    return sorted(path.stem for path in SCENARIOS.glob("*.txt"))


def text_of(scenario):
    """What is written in it."""
    return (SCENARIOS / f"{scenario}.txt").read_text("utf-8")


def breaks_the_scene(scenario):
    """Whether it stops what scenarios that are played at the same time need, too."""
    return re.search(r"(?m)^(engine|registry) stops", text_of(scenario)) is not None


def is_long(scenario):
    """Whether it waits until the edge gives something up, which takes it 10 to 15 s."""
    return re.search(r"(?m)^(SWITCH|CONFIRM|RESTORE|PARK) .*-> TROUBLED", text_of(scenario)) is not None


def simulated(scenario):
    """Play a scenario on simulated ports; returns (transcript, exit code, what it complains of)."""
    done = subprocess.run([PROGRAMS / "simulated", SCENARIOS / f"{scenario}.txt"], capture_output=True, text=True,
                          timeout=20, check=False)
    return done.stdout.splitlines(), done.returncode, done.stderr


class Play(Slipway):
    """A scenario on real ports: an edge of its own, the engine and the registry of a scene."""

    def __init__(self, scene, scenario):
        super().__init__(scene.directory / scenario, "", SLIPWAY_EDGE_START="off")
        self.scene = scene
        self.scenario = scenario
        self.digests = {}
        self.streams = []
        self.receiver = Receiver()
        self.keeper = None
        self.program = None

    def start(self, deadline_s=20, wrapper=()):
        """Start the edge and the program, which waits for play(). From the main thread: see process.tied()."""
        self.data.mkdir(mode=0o700)
        self.receiver.__enter__()
        environment = {**self.environment(), "CONFORMANCE_REGISTRY": self.scene.registry.address,
                       "CONFORMANCE_ENGINE": self.scene.engine.host,
                       "CONFORMANCE_RECEIVER": f"{self.receiver.url}/hooks"}
        with open(self.log, "ab") as log:
            self.keeper = subprocess.Popen(tied([binary(), "edge"]), env=environment, stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True)
        with open(self.directory / "program.log", "wb") as log:
            self.program = subprocess.Popen(
                tied([str(PROGRAMS / "real"), str(SCENARIOS / f"{self.scenario}.txt")]), env=environment, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def play(self):
        """Play it; returns (transcript, exit code, what it complains of)."""
        transcript = []
        for line in self.program.stdout:
            if line.startswith("! "):
                self.program.stdin.write(f"{self.do(*line.split()[1:])}\n")
                self.program.stdin.flush()
            else:
                transcript.append(line.rstrip("\n"))
        code = self.program.wait(20)
        self.clean()
        log = (self.directory / "program.log").read_text("utf-8", "replace").splitlines()
        return transcript, code, "\n".join(line for line in log if not line.startswith("{"))

    def clean(self):
        """Leave nothing that works on."""
        self.close()
        for one in self.containers():
            self.scene.engine.api.remove(one["Id"])
        self.keeper.terminate()

    def stop(self):
        """End what start() has started."""
        if self.program is None:
            return
        for end in (self.program.stdin, self.program.stdout):
            end.close()
        for process in (self.program, self.keeper):
            process.terminate()
            process.wait()
        if self.keeper.returncode != 0:  # HAProxy may be left
            self.stop_edge()
        self.receiver.stop()
        for port in (self.port, self.edge_port, self.receiver.port):
            give_back(port)

    def do(self, verb, *words):
        """Do one statement; returns what was seen, in one line."""
        try:
            return self._do(verb, *words)
        except (AssertionError, OSError, http.client.HTTPException) as fault:
            return f"{type(fault).__name__}: {fault}".replace("\n", " ")

    def _do(self, verb, *words):
        if verb in ("engine", "registry", "edge", "receiver"):
            return getattr(self, f"{verb}_{words[0]}")() or ""
        return getattr(self, verb)(*words) or ""

    # Images.

    def push(self, tag, kind="good"):
        """An image under a tag; returns its digest."""
        self.digests[tag] = push_app(self.scene.registry, self.scenario, tag, **BEHAVIOUR[kind])
        return self.digests[tag]

    def retag(self, tag, other):
        """The tag names the image of the other one."""
        self.scene.registry.retag(self.scenario, other, tag)

    def delete(self, tag):
        """The image goes, with its tags."""
        self.scene.registry.delete(self.scenario, self.digests[tag])

    def has(self, tag):
        """Whether the engine has the image that was pushed under a tag."""
        name = f"{self.scene.registry.address}/{self.scenario}@{self.digests[tag]}"
        return "no" if self.scene.engine.api.image(name) is None else "yes"

    # Containers.

    def containers(self, **labels):
        """The containers of this scenario, by replica; those of tasks behind them."""
        found = [one for one in self.scene.engine.api.containers(label="slipway.managed=true")
                 if one["Labels"]["slipway.project"].rpartition("-")[0] == self.scenario]
        return sorted((one for one in found if all(one["Labels"][f"slipway.{key}"] == value
                                                   for key, value in labels.items())),
                      key=lambda one: one["Labels"].get("slipway.replica", "~"))

    def runs(self, deploy):
        """What there is of a deploy."""
        return " ".join("ended" if one["State"] in ENDED else one["State"]
                        for one in self.containers(deploy=deploy)) or "none"

    def remove(self, deploy, replica):
        """Somebody removes a container."""
        for one in self.containers(deploy=deploy, replica=replica):
            self.scene.engine.api.remove(one["Id"])

    def halt(self, deploy, replica):
        """Somebody stops one."""
        for one in self.containers(deploy=deploy, replica=replica):
            self.scene.engine.api.stop(one["Id"], 1)

    # Requests.

    def _request(self, host, path):
        connection = http.client.HTTPConnection(self.edge_address, timeout=6)
        connection.request("GET", path, headers={"Host": host})
        return connection, connection.getresponse()

    def ask(self, host):
        """Whose image answers."""
        wait_for(self._takes_connections, 10, "HAProxy to take connections")
        try:
            connection, answer = self._request(host, "/")
        except TimeoutError:
            return "nobody"  # HAProxy still tries to reach a container that is no more
        connection.close()
        return answer.headers.get("App-Version", "nobody")

    def _takes_connections(self):
        with socket.create_connection(("127.0.0.1", self.edge_port), 5):
            return True

    def soon(self, host, version):
        """Whose image answers, after a while."""
        seen = []
        try:
            wait_for(lambda: seen.append(self.ask(host)) or seen[-1] == version, 10, f"{version} to answer", 0.05)
        except AssertionError:
            pass
        return seen[-1]

    def open(self, host):
        """A request that goes on."""
        connection, answer = self._request(host, "/stream?ms=20&n=1000000")
        answer.read(1)
        self.streams.append((connection, answer))

    def close(self):
        """They end."""
        for connection, answer in self.streams:
            answer.close()
            connection.close()
        self.streams.clear()

    def heard(self):
        """How often the receiver was told, and of how many notifications."""
        assert self.receiver.faults == []
        deliveries = [request["json"]["delivery"] for request in self.receiver.requests]
        return f"{len(deliveries)} of {len(set(deliveries))}"

    # Parts that break.

    def engine_stops(self):
        """It is gone."""
        self.scene.engine.kill()

    def engine_starts(self):
        """It is there again."""
        self.scene.engine.start()

    def registry_stops(self):
        """It is gone."""
        self.scene.registry.stop(keep_data=True)

    def registry_starts(self):
        """It is there again."""
        self.scene.registry.start()

    def edge_stops(self):
        """HAProxy hangs."""
        signal_all(haproxy_pids(self), signal.SIGSTOP)

    def edge_starts(self):
        """HAProxy goes on."""
        signal_all(haproxy_pids(self), signal.SIGCONT)

    def receiver_stops(self):
        """Nobody listens there."""
        self.receiver.stop()

    def receiver_starts(self):
        """It is there again."""
        self.receiver.__enter__()
