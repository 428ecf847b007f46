# SPDX-License-Identifier: MIT
"""docs/requirements.md: no requirement is left out, none is called done without a test, and each test is there."""
import re

import pytest

from bed.slipway import ROOT

PAGE = (ROOT / "docs/requirements.md").read_text("utf-8")
COUNTS = {"DEP": 15, "TRG": 8, "PRM": 4, "CFG": 7, "STO": 6}
IDS = [f"{area}-{number:02}" for area, count in COUNTS.items() for number in range(1, count + 1)] + [
    "PRX-04", "OBS-02", "OBS-03", "API-06", "API-07", "API-10", "API-11"]
ROWS = {cells[0]: cells for cells in ([cell.strip() for cell in line.strip("|").split("|")]
                                      for line in PAGE.splitlines() if re.match(r"\| [A-Z]{3}-\d\d ", line))}


def test_every_id_has_its_row():
    """In the order of the list, once each."""
    assert re.findall(r"^\| ([A-Z]{3}-\d\d) ", PAGE, re.MULTILINE) == IDS


@pytest.mark.parametrize("name", IDS)
def test_a_row_is_proved(name):
    """Its state is one of the four; what is done, or partly, names tests that are there and run."""
    _, what, state, proof = ROWS[name]
    found = re.match(r"(done|otherwise|partly|not yet)\b", state)
    assert what and found, state
    assert found.group(1) != "partly" or ":" in state, "say what is missing"
    tests = re.findall(r"`(tests/[\w/.]+)::(\w+)`", proof)
    assert re.sub(r"`tests/[\w/.]+::\w+`", "", proof).strip() == ""
    assert tests or found.group(1) == "not yet"
    for file, test in tests:
        source = (ROOT / file).read_text("utf-8")
        if file.endswith(".py"):
            assert re.search(rf"^def {test}\(", source, re.MULTILINE), f"{file}::{test}"
        else:  # defined, and called or listed
            assert re.search(rf"^{test}\(", source, re.MULTILINE), f"{file}::{test}"
            callers = "".join(p.read_text("utf-8") for p in ROOT.glob("tests/sim/*.c")) if "/sim/" in file else source
            assert len(re.findall(rf"\b{test}\b", callers)) > 1, f"{file}::{test} is never run"
    for decision in re.findall(r"\b(D\d+)\b", state):
        assert re.search(rf"^\| {decision} \| \S", PAGE, re.MULTILINE), decision
