# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local directory as a tree."""

import os

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.directory_tree import DirectoryTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree import EXECUTABLE, REGULAR, SYMLINK


def test_entries(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yaml").write_text("x")
    (tmp_path / "-o").write_text("")
    script = tmp_path / "run.sh"
    script.write_text("#!")
    script.chmod(0o755)
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    os.mkfifo(tmp_path / "pipe")
    entries = DirectoryTree(tmp_path).entries()
    assert {path: entry.mode for path, entry in entries.items()} == {
        "-o": REGULAR,
        "link": SYMLINK,
        "run.sh": EXECUTABLE,
        "sub/a.yaml": REGULAR,
    }
    assert entries["sub/a.yaml"].size == 1


def test_read_gives_the_target_of_links_and_never_what_is_behind(tmp_path):
    (tmp_path / "link").symlink_to("/etc/hostname")
    assert DirectoryTree(tmp_path).read(["link"]) == {"link": b"/etc/hostname"}


def test_a_file_that_became_a_link_is_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_text("a")
    tree = DirectoryTree(root)
    tree.entries()
    (root / "a").unlink()
    (root / "a").symlink_to(secret)
    with pytest.raises(FleetError, match="cannot be read"):
        tree.read(["a"])


def test_missing_directory(tmp_path):
    with pytest.raises(FleetError, match="is not a directory"):
        DirectoryTree(tmp_path / "nope")


def test_a_link_to_a_directory_above_does_not_make_it_endless(tmp_path):
    (tmp_path / "loop").symlink_to("..")
    assert list(DirectoryTree(tmp_path).entries()) == ["loop"]
