# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that is told to stop tidies up once, and is left as it was found."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from ansible_collections.gitops.fleet.plugins.plugin_utils.signals import interrupted_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_further_ones_do_not_disturb(number):
    before = signal.getsignal(number)
    tidied = []
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        be_told_twice(number, tidied)
    assert tidied == ["all of it"]
    assert signal.getsignal(number) is before


def be_told_twice(number, tidied):
    try:
        os.kill(os.getpid(), number)
        signal.pause()
    finally:
        os.kill(os.getpid(), number)
        tidied.append("all of it")


def test_outside_the_main_thread_nothing_is_changed():
    done = []

    def work():
        with interrupted_by_signals():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
