# SPDX-License-Identifier: MIT
"""Each part as `make demo SCENARIO=name` shows it."""
import json
import subprocess
import sys

import pytest

from bed.slipway import ROOT

REPORT = ROOT / "build" / "scenario" / "report.json"
SCENARIOS = sorted(path.stem for path in (ROOT / "tools" / "scenarios").glob("*.py"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_shown_and_no_request_fails(name):
    """The scenario raises when what it shows is not so; its requests are counted all the time."""
    REPORT.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "demo.py"), "--scenario", name],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads(REPORT.read_text("utf-8"))
    assert report["scenario"] == name and report["failed"] == 0
    assert report["requests"] > 200 and len(report["steps"]) >= 2
