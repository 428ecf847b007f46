# SPDX-License-Identifier: MIT
"""Waiting for something to become true: the only place in the bed which sleeps.

A test never sleeps for a fixed time; it names what it waits for and how long that may take.
"""
import time


class NotInTime(AssertionError):
    """What was waited for did not happen before its deadline."""


def wait_for(condition, deadline_s, what, interval_s=0.02):
    """Call `condition` until it returns something true, and return that.

    Raises NotInTime naming `what` once `deadline_s` seconds have passed. An OSError or KeyError from
    `condition` means "not yet" (nobody listens, a key is still missing) and is quoted in the failure;
    every other exception passes through at once. It is called every `interval_s` at first, and up to five times
    more seldom when that takes seconds: many wait at a time.
    """
    begin_s = time.monotonic()
    while True:
        try:
            value = condition()
            last = repr(value)
        except (OSError, KeyError) as fault:
            value = None
            last = f"{type(fault).__name__}: {fault}"
        if value:
            return value
        waited_s = time.monotonic() - begin_s
        if waited_s >= deadline_s:
            raise NotInTime(f"{what}: not within {deadline_s} s, last seen: {last[:400]}")
        time.sleep(interval_s * min(1 + waited_s, 5))
