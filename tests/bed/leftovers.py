# SPDX-License-Identifier: MIT
"""Removing what an engine leaves behind when it could not tidy up: processes, mounts, bridges, cgroups.

A process belongs to an engine when one of its arguments names a path inside the engine's own
directories, or when it descends from such a process (containers descend from their shim). Nothing
is ever chosen by program name.
"""
import ctypes
import json
import os
import signal
import subprocess
from pathlib import Path

from .wait import wait_for

UMOUNT_DETACH = 2


def _parents():
    """Return {pid: parent pid} of every process."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text("ascii", "replace")
        except OSError:
            continue
        parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def _names_a_path_inside(pid, directories):
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return False
    if Path(arguments[0]).name not in ("dockerd", "containerd", "containerd-shim-runc-v2", "runc",
                                       "docker-proxy"):
        return False
    return any(f"{directory}/" in argument or argument.endswith(str(directory))
               for directory in directories for argument in arguments[1:])


def processes_of(directories):
    """Return the pids of the engine that works in `directories`, its shims and its containers."""
    parents = _parents()
    chosen = {pid for pid in parents if _names_a_path_inside(pid, directories)}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in chosen} - chosen
        chosen |= more
        grown = bool(more)
    return chosen - {os.getpid()}


def kill_processes_of(directories, deadline_s=10):
    """KILL every process of the engine and wait until none is left."""
    def none_left():
        left = processes_of(directories)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not [pid for pid in left if not has_ended(pid)]
    wait_for(none_left, deadline_s, f"end of the engine's processes in {directories[0]}")


def has_ended(pid):
    """Return whether the process is gone, or only a zombie which nobody reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def unmount_inside(directories):
    """Detach every mount below `directories`, the innermost first."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if any(point.startswith(f"{directory}/") for directory in directories):
            points.append(point)
    libc = ctypes.CDLL(None, use_errno=True)
    for point in sorted(points, key=len, reverse=True):
        libc.umount2(point.encode(), UMOUNT_DETACH)


def remove_bridges_with(address_prefix):
    """Delete the bridges whose IPv4 address begins with `address_prefix` (such as "10.190.")."""
    listing = subprocess.run(["ip", "-j", "address", "show", "type", "bridge"], check=True,
                             capture_output=True, text=True).stdout
    for link in json.loads(listing or "[]"):
        addresses = [one.get("local", "") for one in link.get("addr_info", [])]
        if any(address.startswith(address_prefix) for address in addresses):
            subprocess.run(["ip", "link", "delete", link["ifname"]], check=False, capture_output=True)


def remove_control_groups(container_ids):
    """Remove the empty control groups of these containers, in every hierarchy."""
    top = Path("/sys/fs/cgroup")
    if not container_ids or not top.is_dir():
        return
    for hierarchy in [top, *(one for one in top.iterdir() if one.is_dir())]:
        for container in container_ids:
            for group in (hierarchy / "docker" / container,
                          hierarchy / "system.slice" / f"docker-{container}.scope"):
                try:
                    group.rmdir()
                except OSError:
                    pass


def sweep(data, run, address_prefix):
    """Remove everything an ended or lost engine left: `data` and `run` are its two directories."""
    directories = [Path(data), Path(run)]
    kill_processes_of(directories)
    unmount_inside(directories)
    containers = Path(data, "engine", "containers")
    remove_control_groups([one.name for one in containers.iterdir()] if containers.is_dir() else [])
    remove_bridges_with(address_prefix)
