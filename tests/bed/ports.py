# SPDX-License-Identifier: MIT
"""Loopback ports for servers that the tests start.

A port is taken from below the kernel's own range for outgoing connections, because a port inside that
range can be taken by any client at any moment. Each port handed out is reserved by an abstract Unix
socket of the same number, so test processes that run at the same time never get the same one, and the
kernel gives all of them back when the process ends, however it ends.
"""
import random
import socket

LOWEST_PORT = 18000
_reservations = {}


def _outgoing_range_begin():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        return int(file.read().split()[0])


def _reserve(port):
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0slipway-bed-port-{port}")
    except OSError:
        claim.close()
        return False
    _reservations[port] = claim
    return True


def _is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_port():
    """Return a TCP port nobody listens on and no other test process was given."""
    end = _outgoing_range_begin()
    if end <= LOWEST_PORT:
        raise RuntimeError(f"net.ipv4.ip_local_port_range begins at {end}: no room for test ports")
    span = end - LOWEST_PORT
    first = random.randrange(span)
    for step in range(span):
        port = LOWEST_PORT + (first + step) % span
        if port in _reservations or not _reserve(port):
            continue
        if _is_free(port):
            return port
        give_back(port)
    raise RuntimeError(f"every port from {LOWEST_PORT} to {end} is taken")


def free_ports(count):
    """Return `count` different free ports."""
    return [free_port() for _ in range(count)]


def give_back(port):
    """Allow `port` to be handed out again."""
    claim = _reservations.pop(port, None)
    if claim:
        claim.close()
