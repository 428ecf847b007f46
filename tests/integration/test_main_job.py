# SPDX-License-Identifier: MIT
"""The main job, whole: what `make demo` shows must be so."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from bed.slipway import ROOT
from bed.wait import wait_for

REPORT = ROOT / "build" / "demo" / "report.json"


def _leftovers():
    """Processes of the demo that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(ROOT / "build" / "demo") in command:
            found.append(command)
    return found


def test_no_request_fails():
    """Eight steps, a crash and a shutdown among them, under load all the time."""
    REPORT.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "demo.py")], capture_output=True, text=True,
                          timeout=400, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads(REPORT.read_text("utf-8"))
    assert report["failed"] == 0
    assert len(report["steps"]) == 8
    assert report["requests"] > 5000
    for step in report["steps"]:
        assert set(step) == {"name", "result", "ms", "requests", "failed"}
    assert report["overhead_ratio"] > 0
    assert not _leftovers()


def test_an_interrupt_cleans_up():
    """Ctrl-C in the middle leaves nothing running."""
    demo = subprocess.Popen([sys.executable, "-u", str(ROOT / "tools" / "demo.py")], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env={**os.environ})
    for line in demo.stdout:
        if line.startswith("v2: by webhook"):
            break
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=120)
    assert demo.returncode == 130
    wait_for(lambda: not _leftovers(), 20, "everything of the demo to end")
