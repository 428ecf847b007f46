# SPDX-License-Identifier: MIT
"""What sanitizers and valgrind say of the programs under test.

BED_REPORTS names a folder where each process leaves what it found; tests/conftest.py fails the test (or the
module, for a server that its tests share) during which something was left there.
"""
import os
from pathlib import Path


def directory():
    """The folder of the reports, or None when nothing looks for faults."""
    return os.environ.get("BED_REPORTS")


def environment():
    """What the programs have to be told, in variables that all of them inherit."""
    if not directory():
        return {}
    common = f"log_path={directory()}/sanitizer"
    return {"ASAN_OPTIONS": f"{common}:detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": f"{common}:print_stacktrace=1"}


def add(text):
    """Leave a report of the bed's own."""
    with open(Path(directory()) / "bed", "a", encoding="utf-8") as file:
        file.write(text + "\n")


def take():
    """Return everything that was reported, and put it aside so that it is told once."""
    found = []
    if not directory():
        return found
    for path in sorted(Path(directory()).iterdir()):
        if path.is_file() and path.stat().st_size > 0 and not path.name.startswith("told-"):
            text = path.read_text("utf-8", "replace")
            with open(path.with_name("told-" + path.name), "a", encoding="utf-8") as told:
                told.write(text)
            path.write_text("", "utf-8")
            found.append(f"{path.name}:\n{text}")
    return found
