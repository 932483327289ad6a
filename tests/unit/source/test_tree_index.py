# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbolic links and directories of a tree."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree_index import TreeFiles, TreeIndex, join

from tests.support.trees import LinkedTree


def index(files=(), links=None):
    return TreeIndex(LinkedTree(files, links))


def test_directories_and_children():
    tree = index(["b/y", "b/x/z", "a"])
    assert list(tree.walk("")) == ["", "b", "b/x"]
    assert tree.children("b") == {"x": True, "y": False}
    assert tree.is_directory("b/x")
    assert not tree.is_directory("a")
    assert list(tree.files_below("b")) == ["b/y", "b/x/z"]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("file", "d/file"),
        ("dir/file", "d/file"),
        ("chain", "d/file"),
        ("up/file", "d/file"),
        ("d/../d/./file", "d/file"),
        ("nope", None),
        ("broken", None),
        ("d/file/x", None),
        ("", ""),
    ],
)
def test_resolve(path, target):
    links = {"file": "d/file", "dir": "./d", "chain": "file", "up": "d/../d", "broken": "d/none"}
    assert index(["d/file"], links).resolve(path) == target


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ({"x": "/etc/passwd"}, "absolute path"),
        ({"x": "../outside"}, "leads out of the repository"),
        ({"x": "d/y", "d/y": "../../outside"}, "leads out of the repository"),
        ({"x": "y", "y": "x"}, "round in circles"),
    ],
)
def test_links_that_leave_or_circle_are_errors(links, message):
    with pytest.raises(FleetError, match=message):
        index(["d/file"], links).resolve("x")


def test_read_follows_links_and_refuses_directories():
    files = TreeFiles(TreeIndex(LinkedTree({"d/a": "text"}, {"l": "d/a"})))
    assert files.read("l") == b"text"
    with pytest.raises(FleetError, match="is not a file but a directory"):
        files.read("d")
    with pytest.raises(FleetError, match="there is no such file"):
        files.read("x")


def test_join():
    assert [join("", ""), join("a", "b"), join("", "b"), join("a", "../b"), join("a", ".")] == [
        "",
        "a/b",
        "b",
        "b",
        "a",
    ]
