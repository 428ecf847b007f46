# SPDX-License-Identifier: MIT
"""The network of one private engine: a bridge of its own, in an address range nobody else uses.

There are sixteen ranges, 10.190.0.0/16 to 10.205.0.0/16. Making the bridge `slipbed<N>` claims range N,
and the kernel lets only one process succeed. The bridge's alias names the owner's process and the
engine's directories, so a range whose owner died without tidying up is swept and claimed again.
"""
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import leftovers

RANGE_COUNT = 16
RANGE_FIRST = 190


def _ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def _process_mark(pid):
    """Return "pid:start time", which no later process shares, or None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    return f"{pid}:{stat.rpartition(')')[2].split()[19]}"


class Bridge:
    """A claimed range: `name` of the bridge, its `address`, and `pool` for the engine's user networks, 64 of them."""

    def __init__(self, index):
        self.index = index
        self.name = f"slipbed{index}"
        self.prefix = f"10.{RANGE_FIRST + index}."
        self.address = f"{self.prefix}0.1/20"
        self.pool = f"base={self.prefix}128.0/17,size=23"

    @classmethod
    def claim(cls, data, run):
        """Claim a free range for the engine that works in `data` and `run`.

        One at a time: who sweeps a dead owner's range must not take it from who has claimed it since.
        """
        with open(Path(tempfile.gettempdir(), "slipway-bed.lock"), "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sweep_ownerless()
            return cls._claim(data, run)

    @classmethod
    def _claim(cls, data, run):
        routed = {route["dst"] for route in json.loads(_ip("-j", "route", "show").stdout or "[]")}
        for index in range(RANGE_COUNT):
            bridge = cls(index)
            if any(destination.startswith(bridge.prefix) for destination in routed):
                continue
            if _ip("link", "add", "name", bridge.name, "type", "bridge", check=False).returncode:
                continue
            alias = f"{_process_mark(os.getpid())} {data} {run}"
            _ip("link", "set", bridge.name, "alias", alias[:255])
            _ip("address", "add", bridge.address, "dev", bridge.name)
            _ip("link", "set", bridge.name, "up")
            return bridge
        raise RuntimeError("no address range is free for a test engine (10.190.0.0/16 to 10.205.0.0/16)")


def sweep_ownerless():
    """Remove the engines, with their data, whose owner died without tidying up."""
    for link in json.loads(_ip("-j", "link", "show", "type", "bridge").stdout or "[]"):
        name = link["ifname"]
        words = link.get("ifalias", "").split(" ")
        if not name.startswith("slipbed") or len(words) != 3:
            continue
        mark, data, run = words
        if _process_mark(mark.partition(":")[0]) == mark:
            continue
        bridge = Bridge(int(name.removeprefix("slipbed")))
        leftovers.sweep(data, run, bridge.prefix)
        shutil.rmtree(Path(data, "engine"), ignore_errors=True)
        _ip("link", "delete", name, check=False)  # whose owner died before it had an address
