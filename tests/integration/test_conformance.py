# SPDX-License-Identifier: MIT
"""The simulator follows the real ports: the same scenarios, played on both, agree event by event."""
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from bed import conformance
from bed.scene import Scene

AT_ONCE = 8  # most of them wait most of the time
SCENARIOS = conformance.names()


def _play_all(scene, scenarios, at_once):
    plays = {}
    try:
        for scenario in scenarios:
            plays[scenario] = conformance.Play(scene, scenario).start()
        with ThreadPoolExecutor(at_once) as pool:
            return dict(zip(plays, pool.map(lambda play: play.play(), plays.values())))
    finally:
        for play in plays.values():
            play.stop()


@pytest.fixture(scope="module", name="real")
def _real(tmp_path_factory):
    alone = [scenario for scenario in SCENARIOS if conformance.breaks_the_scene(scenario)]
    with Scene(tmp_path_factory.mktemp("conformance")) as scene:
        together = [scenario for scenario in SCENARIOS if scenario not in alone]
        played = _play_all(scene, sorted(together, key=conformance.is_long, reverse=True), AT_ONCE)
        for scenario in alone:
            played |= _play_all(scene, [scenario], 1)
        yield played


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_real_ports(real, scenario):
    """What is written in the scenario is what came back from the engine, the registry and HAProxy."""
    _, code, complaints = real[scenario]
    assert code == 0, complaints


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_simulator_agrees(real, scenario):
    """Line by line."""
    transcript, code, complaints = conformance.simulated(scenario)
    assert transcript == real[scenario][0], complaints
    assert code == real[scenario][1]


def test_scenarios_ask_for_everything():
    """Each effect is asked for somewhere, and each answer to it comes somewhere; so does trouble with it."""
    kinds = (conformance.ROOT / "src" / "actors" / "kinds.h").read_text("utf-8")
    text = "\n".join(map(conformance.text_of, SCENARIOS))
    pairs = re.findall(r"X\((\w+)\) +/\*.*-> ?(\w+) \*/", kinds)
    assert len(pairs) == 20
    for effect, answer in pairs:
        for kind in {answer, "TROUBLED"}:
            assert re.search(rf"(?m)^{effect}\b.* -> {kind}\b", text), f"{effect} -> {kind}"
