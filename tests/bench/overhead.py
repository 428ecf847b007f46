# SPDX-License-Identifier: MIT
"""What a deploy by slipway costs beside the engine's own work.

The floor makes the same engine calls by hand, one after the other: create, start, inspect, a first answer,
stop the old one, remove it. The deploy by slipway does that plus everything it promises (resolve, journal,
gate, swap, confirmation, drain). The stage's gate has no waits (one success, no minimum uptime). Both are
measured in turns in one run, so that their ratio is dependable where absolute times are not.
"""
import http.client
import statistics
import time

from bed.image import push_app
from bed.wait import wait_for

REPOSITORY = "bench/overhead"
NETWORK = "slipway"


def configuration(registry):
    """Return the project to be added to slipway.yml."""
    return f"""version: 1
registries:
  "{registry.address}": {{insecure: true}}
projects:
  overhead:
    image: {registry.address}/{REPOSITORY}
    port: 8080
    warm_keep: 0s
    health: {{http: /health, successes: 1, interval: 10ms, min_uptime: 0s, deadline: 30s}}
    stages:
      production: {{domains: [overhead.localhost]}}
"""


def _answers(address):
    connection = http.client.HTTPConnection(address, 8080, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    finally:
        connection.close()


def bring_up(api, image):
    """Start one container with the calls that slipway makes, in their order; returns (id, address)."""
    api.image(image)
    new = api.create(
        image, network=NETWORK, Labels={"by": "hand"},
        NetworkingConfig={"EndpointsConfig": {NETWORK: {"Aliases": ["by-hand"]}}},
        host={"Init": True, "RestartPolicy": {"Name": "unless-stopped"},
              "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}})
    api.start(new)
    address = api.address(new, NETWORK)
    api.inspect(new)
    return new, address


class Floor:
    """The same work by hand, with the same container."""

    def __init__(self, engine, registry):
        self.api = engine.api
        self.registry = registry
        self.old = None

    def _list(self):
        self.api.containers(label=["slipway.managed=true", "slipway.deploy=0"])

    def swap(self, digest):
        """Replace the running container by one of this image, once that answers."""
        image = self.registry.reference(REPOSITORY, digest=digest)
        begin = time.monotonic()
        new, address = bring_up(self.api, image)
        wait_for(lambda: _answers(address), 10, "the new container to answer", 0.001)
        self.api.image(image)
        self.api.inspect(new)
        if self.old:
            self._list()
            self.api.stop(self.old)
            self.api.remove(self.old)
            self._list()
        self.old = new
        return (time.monotonic() - begin) * 1000

    def close(self):
        """Remove the last container."""
        if self.old:
            self.api.call("DELETE", f"/containers/{self.old}", {"force": "1"}, tolerate=(404,))


def _follow(slipway, deploy):
    """Read the deploy's own event stream to its end: who waits must not keep the processor busy."""
    connection = http.client.HTTPConnection("127.0.0.1", slipway.port, timeout=60)
    try:
        connection.request("GET", f"/api/v1/deploys/{deploy}/log", headers={
            "Accept": "text/event-stream", "Authorization": f"Bearer {slipway.settings['SLIPWAY_TOKEN']}"})
        return connection.getresponse().read()
    finally:
        connection.close()


def _deploy(slipway, tag):
    begin = time.monotonic()
    deploy = slipway.deploy("overhead/production", tag)
    assert b"event: end" in _follow(slipway, deploy)
    took = (time.monotonic() - begin) * 1000
    over = slipway.show(deploy)
    assert over["state"] == "LIVE", over
    return took, _own_ms(over["steps"])


def _own_ms(steps):
    """How long the deploy was in states that ask nothing of the engine's containers."""
    steps = [step for step in steps if step["actor"] == "DEPLOY"]
    return sum(after["at_ms"] - step["at_ms"] for step, after in zip(steps, steps[1:])
               if step["to"] in ("RESOLVING", "QUEUED", "SWAPPING", "DRAINING"))


def measure_overhead(slipway, engine, registry, rounds=15):
    """Return {floor_ms, deploy_ms, added_ms, ratio, own_ms}: medians of `rounds` swaps each, in turns.

    own_ms is what resolving, the swap with its confirmation and the drain took.
    """
    status, _, answer = slipway.call("POST", "/api/v1/apply", _apply_text(slipway, registry),
                                     headers={"Content-Type": "application/yaml"})
    assert status == 200, answer
    digests = {tag: push_app(registry, REPOSITORY, tag) for tag in ("v1", "v2")}
    for digest in digests.values():
        engine.api.pull(registry.reference(REPOSITORY, digest=digest))
    floor = Floor(engine, registry)
    by_hand, by_slipway, own = [], [], []
    try:
        for i in range(rounds + 2):
            tag = ("v1", "v2")[i % 2]
            took, own_ms = _deploy(slipway, tag)
            hand = floor.swap(digests[tag])
            if i >= 2:  # the first ones have no old container, and warm up
                by_slipway.append(took)
                own.append(own_ms)
                by_hand.append(hand)
    finally:
        floor.close()
    floor_ms, deploy_ms = statistics.median(by_hand), statistics.median(by_slipway)
    return {"floor_ms": floor_ms, "deploy_ms": deploy_ms, "added_ms": deploy_ms - floor_ms,
            "ratio": deploy_ms / floor_ms, "own_ms": statistics.median(own), "rounds": rounds}


def _apply_text(slipway, registry):
    """The engines of the server's own file and the bench's project."""
    lines = slipway.config_file.read_text("utf-8").splitlines()
    engines = [line for line in lines if line.startswith("  local:")]
    return configuration(registry).replace("version: 1\n", "version: 1\nengines:\n" + "\n".join(engines) + "\n")
