# SPDX-License-Identifier: MIT
"""Hundreds of deploys by one server leave it as it was: memory, descriptors, rows. `make soak` does thousands."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from soak import Soak  # noqa: E402


def test_nothing_grows(tmp_path):
    """Deploys that go live, fail, are canceled, superseded and gone back to, with readers coming and going."""
    soak = Soak(tmp_path, 300).run()
    print("\n".join(soak.figures()))
    soak.check()
    assert soak.streams > 300 and soak.gaps > 0
