# SPDX-License-Identifier: MIT
"""Compiling the bed's own C programs, once for each content of their sources."""
import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
WARNINGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wwrite-strings"]


def work_directory():
    """Return the folder for compiled programs: BED_WORK_DIRECTORY or build/bed in the project."""
    chosen = os.environ.get("BED_WORK_DIRECTORY")
    directory = Path(chosen) if chosen else SOURCES.parent.parent / "build" / "bed"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def compiled(program, sources, arguments=()):
    """Return the path of `program`, compiled from `sources` of this folder unless that was done before."""
    texts = sorted(SOURCES.glob("*.h")) + [SOURCES / source for source in sources]
    digest = hashlib.sha256(repr(arguments).encode())
    for text in texts:
        digest.update(text.read_bytes())
    binary = work_directory() / f"{program}-{digest.hexdigest()[:12]}"
    with open(work_directory() / f"{program}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            fresh = binary.with_suffix(".new")
            paths = [str(SOURCES / source) for source in sources]
            done = subprocess.run(["gcc", *WARNINGS, "-o", str(fresh), *paths, *arguments],
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"gcc {program}: {done.stderr}")
            fresh.rename(binary)
    return binary


def app_binary():
    """Return the path of the app that test containers run (static)."""
    return compiled("app", ["app.c", "app_http.c", "app_websocket.c"], ("-static", "-Wl,--build-id=none"))


def checker_binary():
    """Return the path of the traffic checker."""
    return compiled("checker", ["checker.c", "checker_http.c", "checker_report.c"], ("-pthread",))


def clock_shim():
    """Return the path of the library that moves a process's wall clock."""
    return compiled("clock_shim", ["clock_shim.c"], ("-shared", "-fPIC"))
