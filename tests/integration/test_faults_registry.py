# SPDX-License-Identifier: MIT
"""Faults of registries, told in the deploy and waited out where that helps: slow, hanging, 401, 429, 500, cut
and wrong answers, a name that does not resolve. What is live stays so, and no request fails."""
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed.fault_proxy import Fault, FaultProxy, WRONG_DIGEST, too_many_requests, wrong_digest
from bed.faults import health, lines, load, none_failed, troubles
from bed.scene import Scene
from bed.wait import wait_for

MANIFESTS, BLOBS = "/manifests/", "/blobs/"


@pytest.fixture(scope="module", name="scene")
def _scene(tmp_path_factory):
    with Scene(tmp_path_factory.mktemp("registry")) as scene:
        yield scene


class Case:
    """A stage with v1 live, behind a registry that goes wrong while v2 is deployed."""

    def __init__(self, scene, stack, faults):
        self.proxy = stack.enter_context(FaultProxy(scene.registry.address))
        self.app = stack.enter_context(scene.app(address=self.proxy.address))
        for tag in ("v1", "v2"):
            scene.push(self.app, tag, has_layer=True)
        self.app.live("v1")
        self.checker = stack.enter_context(load(self.app, rate=60, workers=2))
        self.proxy.clear()
        for fault in faults:
            self.proxy.add(fault)
        self.deploy = self.app.deploy(self.app.stage_name, "v2")

    def ends(self, state, serving):
        """The deploy ends so; what serves is there, alone, and no request failed."""
        over = self.app.wait_over(self.deploy, 60)
        assert over["state"] == state, (over["reason"], [one["text"] for one in self.app.log_of(self.deploy)])
        assert self.app.stage(self.app.stage_name)["live"]["tag"] == serving
        assert self.app.versions() == [serving] and len(self.app.containers()) == 1
        none_failed(self.checker)
        return over

    def says(self, *words):
        """The deploy's own log has a warning or error with these words."""
        texts = [one["text"] for one in self.app.log_of(self.deploy) if one["level"] in ("warn", "error")]
        assert [text for text in texts if all(word in text for word in words)], texts


@pytest.fixture(scope="module", name="hanging", autouse=True)
def _hanging(scene):
    """A registry that hangs while the other tests run: it takes time until that is certain."""
    with contextlib.ExitStack() as stack:
        yield Case(scene, stack, [Fault(path=MANIFESTS, hang=True)])


# Faults that pass: the rules, and what is told meanwhile.
PASSING = {
    "slow manifest": ([Fault(path=MANIFESTS, delay_s=2, times=1)], None),
    "slow layers": ([Fault(path=BLOBS, delay_s=1.5)], None),
    "429 with Retry-After": ([too_many_requests("2", path=MANIFESTS, times=1)], "429, its rate limit is reached"),
    "500": ([Fault(path=MANIFESTS, status=500, times=2)], "answered 500"),
    "503 with Retry-After": ([Fault(path=MANIFESTS, status=503, headers={"Retry-After": "1"}, times=1)], "answered 503"),
    "reset": ([Fault(path=MANIFESTS, reset=True, times=2)], "cannot reach the registry"),
    "cut manifest": ([Fault(method="GET", path=MANIFESTS, truncate_at=20, times=1)], None),
    "cut layer": ([Fault(path=BLOBS, truncate_at=200, times=1)], None),
    "500 for a layer": ([Fault(path=BLOBS, status=500, times=6)], None),
}


def test_what_passes_is_waited_out(scene):
    """Each is tried again until it is over: the deploy is live in the end, and its log says what happened."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        cases = dict(zip(PASSING, pool.map(lambda name: Case(scene, stack, PASSING[name][0]), PASSING)))
        for name, case in cases.items():
            over = case.ends("LIVE", "v2")
            words = PASSING[name][1]
            if words:
                case.says(words)
                assert troubles(over), name
                assert lines(case.app, "port.troubled", "warn", words)


# Faults that stay, and the words of the reason: the cause, and what to do.
STAYING = {
    "401": ([Fault(path=MANIFESTS, status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})],
            ["username", "password_file"]),
    "403": ([Fault(path=MANIFESTS, status=403)], ["check the image's name", "password_file"]),
    "wrong digest": ([wrong_digest()], [WRONG_DIGEST[:20], "manifest unknown", "push the image again"]),
    "wrong bytes": ([Fault(method="GET", path=MANIFESTS, flip=True)],
                    ["verification failed", "push it again"]),
    "wrong layer": ([Fault(path=BLOBS, flip=True)], ["verification failed", "look at proxies"]),
    "no manifest": ([Fault(path=MANIFESTS, status=404)], ["no tag 'v2'", "push it"]),
}


def test_what_stays_fails_with_its_reason(scene):
    """The old version stays live and nothing of the new one is left; the reason is in the API, the log, the exit code."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        cases = dict(zip(STAYING, pool.map(lambda name: Case(scene, stack, STAYING[name][0]), STAYING)))
        for name, case in cases.items():
            over = case.ends("FAILED", "v1")
            for word in STAYING[name][1]:
                assert word in over["reason"], (name, over["reason"])
            assert lines(case.app, "port.refused", "error", over["reason"][:60])
            done = case.app.run("deploy", case.app.stage_name, "v2", "--wait")
            assert done.returncode == 1 and over["reason"][:40] in done.stdout + done.stderr
            case.proxy.clear()
            case.app.live("v2")


def test_a_registry_whose_name_does_not_resolve(scene):
    """The name is in the reason, and what to look at; other registries are not held up."""
    name = "registry.nowhere.invalid:5000"
    with scene.app(address=name) as app, scene.app() as other:
        deploy = app.deploy(app.stage_name, "v1")
        reason = wait_for(lambda: app.show(deploy)["reason"], 40, "a reason")
        assert name in reason and "resolve" in reason, reason
        assert lines(app, "registry.troubled", "warn", name)
        assert name in health(app, "registries", name)["why"]
        scene.push(other, "v1")
        other.live("v1")
        app.post(f"/api/v1/deploys/{deploy}/cancel")
        assert app.wait_over(deploy, 20)["state"] == "CANCELED"


def test_a_registry_that_hangs(hanging):
    """It is told while it lasts; when it answers again, the deploy goes on by itself."""
    app, address = hanging.app, hanging.proxy.address
    assert hanging.proxy.count(path=MANIFESTS) > 0
    reason = wait_for(lambda: app.show(hanging.deploy)["reason"], 40, "a reason")
    assert app.show(hanging.deploy)["state"] == "RESOLVING"
    assert f"cannot reach the registry {address}" in reason and "timed out" in reason
    hanging.says("timed out")
    assert lines(app, "registry.troubled", "warn", address)
    assert "timed out" in health(app, "registries", address)["why"]
    hanging.proxy.clear()
    hanging.ends("LIVE", "v2")
    wait_for(lambda: lines(app, "registry.recovered", "info"), 10, "the registry to be well")
