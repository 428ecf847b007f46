# SPDX-License-Identifier: MIT
"""The bed is importable from every test, and what sanitizers report fails the test that brought it about."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bed import reports  # noqa: E402

os.environ.update(reports.environment())


def _fail_if_reported():
    found = reports.take()
    if found:
        pytest.fail("\n".join(found)[:20000], pytrace=False)


@pytest.fixture(autouse=True)
def _reports_of_a_test():
    yield
    _fail_if_reported()


@pytest.fixture(autouse=True, scope="module")
def _reports_of_a_module():
    yield
    _fail_if_reported()
