# SPDX-License-Identifier: MIT
"""Processes that end together with the test which started them, even when that is killed."""
import threading


def tied(command):
    """Return `command`, arranged so that the kernel ends it (TERM) when this process dies.

    The kernel watches the starting thread, so it is arranged for the main thread alone; a process
    started by another thread would end with that thread and is left untied.
    """
    if threading.current_thread() is not threading.main_thread():
        return list(command)
    return ["setpriv", "--pdeathsig", "TERM", *command]
