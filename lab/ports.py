# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on the loopback interface that nobody uses."""

import random
import socket

# Below the ports that Linux gives to outgoing connections (32768 and up): one of those may be taken at any
# moment by somebody's client, between our choice and the server's start.
RANGE = range(20000, 32000)


def is_free(port: int) -> bool:
    """True if a server could listen on ``port`` of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(remembered: int | None = None) -> int:
    """``remembered`` if it is still free, or else another free port, at random so that two labs do not meet."""
    if remembered is not None and is_free(remembered):
        return remembered
    for port in random.sample(RANGE, len(RANGE)):
        if is_free(port):
            return port
    raise OSError("no port from 20000 to 31999 is free on 127.0.0.1")
