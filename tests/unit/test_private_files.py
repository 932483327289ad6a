# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where secrets may lie: private, gone after the run, and swept where a killed run left them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory, cache_directory

CHECKOUT = Path(__file__).resolve().parents[2]

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "build/collections")
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
run = RunDirectory(Path(sys.argv[1]))
run.write("secret", "hunter2")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_directory_is_private_and_gone_afterwards(tmp_path):
    with RunDirectory(tmp_path) as run:
        path = run.write("below/secret", "hunter2")
        assert run.path.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() == "hunter2"
    assert list(tmp_path.iterdir()) == []
    run.remove()


def test_what_a_killed_run_left_is_swept_by_the_next_and_what_is_in_use_is_not(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, cwd=CHECKOUT)
    (left,) = tmp_path.iterdir()
    assert (left / "secret").exists()
    with RunDirectory(tmp_path) as first, RunDirectory(tmp_path) as second:
        assert not left.exists()
        assert sorted(tmp_path.iterdir()) == sorted([first.path, second.path])


def test_a_directory_that_another_run_swept_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    swept = []

    def flock(_lock, _operation):
        if not swept:
            swept.extend(tmp_path.iterdir())
            shutil.rmtree(swept[0])

    monkeypatch.setattr("fcntl.flock", flock)
    with RunDirectory(tmp_path) as run:
        assert run.path.is_dir()
        assert run.path not in swept


def test_where_no_directory_can_be_made_that_is_said(tmp_path):
    with pytest.raises(FleetError, match="no directory for the files of this run can be made"):
        RunDirectory(tmp_path / "none")


def test_a_file_is_not_written_through_a_link(tmp_path):
    with RunDirectory(tmp_path) as run:
        (run.path / "link").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic links"):
            run.write("link", "hunter2")
    assert not (tmp_path / "elsewhere").exists()


def test_the_cache_directory_is_private_and_says_where_it_cannot_be_made(tmp_path):
    assert cache_directory(str(tmp_path / "a" / "b")).stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(FleetError, match="name another one with cache_dir"):
        cache_directory(str(tmp_path / "file" / "cache"))
