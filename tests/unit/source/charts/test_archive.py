# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives: good ones of all kinds, and such as were made to do harm."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from contextlib import suppress

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts import archive
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts.archive import unpack
from hypothesis import given
from hypothesis import strategies as st

FILES = {"web/Chart.yaml": b"name: web\n", "web/a/b": b"\xff\x00"}


def tar(files=FILES, **members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as target:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
        for name, (kind, linked) in members.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, linked
            target.addfile(member)
    return stream.getvalue()


def zipped(files=FILES, mode=0o100644):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return stream.getvalue()


def contents(tree):
    return tree.read(tree.entries())


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (tar(), "a.tar", ""),
        (gzip.compress(tar(), mtime=0), "A.TGZ", ""),
        (gzip.compress(tar(), mtime=0), "a.tar.gz", ""),
        (gzip.compress(tar()[:700], mtime=0) + gzip.compress(tar()[700:], mtime=0) + b"\0\0", "a.tar.gz", ""),
        (bz2.compress(tar()), "a.tbz2", ""),
        (lzma.compress(tar()), "a.tar.xz", ""),
        (zipped(), "a.zip", ""),
        (gzip.compress(tar(), mtime=0), "download", ".tar.gz"),
        (tar({f"./{name}": content for name, content in FILES.items()}), "a.tar", ""),
    ],
)
def test_kinds(data, name, kind):
    assert contents(unpack(data, name, kind)) == FILES


@pytest.mark.parametrize(
    ("data", "name", "path"),
    [(b"x", "a/Chart.yaml", "Chart.yaml"), (b"x", "", "file"), (gzip.compress(b"x", mtime=0), "b.gz", "b")],
)
def test_single_files(data, name, path):
    assert contents(unpack(data, name)) == {path: b"x"}


def test_links_inside_stay_links():
    tree = unpack(tar(**{"web/link": (tarfile.SYMTYPE, "a/b"), "web/a": (tarfile.DIRTYPE, "")}), "a.tar")
    assert tree.entries()["web/link"].mode == "120000"
    assert contents(tree)["web/link"] == b"a/b"


def test_a_part_of_it():
    tree = unpack(tar(), "a.tar")
    assert contents(tree.below("web/a")) == {"b": b"\xff\x00"}
    assert contents(tree.below(".")) == FILES
    assert not tree.below("nowhere").entries()
    for directory in ("..", "web/../..", "/etc"):
        with pytest.raises(FleetError, match="leads out"):
            tree.below(directory)
    with pytest.raises(FleetError, match="symbolic links"):
        unpack(tar(**{"web/link": (tarfile.SYMTYPE, "a")}), "a.tar").below("web")


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (tar({"../evil": b""}), "a.tar", "leads out of the archive"),
        (tar({"a/../../evil": b""}), "a.tar", "leads out of the archive"),
        (tar({"/etc/evil": b""}), "a.tar", "leads out of the archive"),
        (zipped({"../evil": b""}), "a.zip", "leads out of the archive"),
        (zipped({"/evil": b""}), "a.zip", "leads out of the archive"),
        (zipped({"link": b"/etc/passwd"}, 0o120777), "a.zip", "symbolic link"),
        (tar(link=(tarfile.SYMTYPE, "/etc/passwd")), "a.tar", "leads out of the archive"),
        (tar(link=(tarfile.SYMTYPE, "../x")), "a.tar", "leads out of the archive"),
        (tar(link=(tarfile.LNKTYPE, "/etc/passwd")), "a.tar", "neither a file nor a directory"),
        (tar(device=(tarfile.CHRTYPE, "")), "a.tar", "neither a file nor a directory"),
        (tar({"a": b"", "a/b": b""}), "a.tar", "both as a file and as a directory"),
        (tar({"a/b": b""}, a=(tarfile.SYMTYPE, "c")), "a.tar", "both as a file and as a directory"),
        (tar({"d/" * 150 + "f": b""}), "a.tar", "too long or too deep"),
        (gzip.compress(tar(), mtime=0)[:-30], "a.tgz", "is broken"),
        (b"<html>", "a.tgz", "is broken"),
        (b"<html>", "a.zip", "is broken"),
        (b"<html>" * 200, "a.tar", "is broken"),
        (b"", "a.tar.zst", "zstd"),
    ],
)
def test_what_is_refused(data, name, message):
    with pytest.raises(FleetError, match=message):
        unpack(data, name)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_bombs_do_not_go_off(monkeypatch, pack):
    monkeypatch.setattr(archive, "LARGEST_CONTENT", 100_000)
    extension = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[pack]
    with pytest.raises(FleetError, match=r"when it is unpacked|is broken"):
        unpack(pack(tar({"zeros": b"\0" * 1_000_000})), f"a.tar.{extension}")


def test_bombs_of_zip_and_of_many_files(monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_CONTENT", 100_000)
    monkeypatch.setattr(archive, "MOST_FILES", 20)
    with pytest.raises(FleetError, match="when it is unpacked"):
        unpack(zipped({"zeros": b"\0" * 1_000_000}), "a.zip")
    with pytest.raises(FleetError, match="more than 20 files"):
        unpack(tar({str(number): b"" for number in range(21)}), "a.tar")


def test_a_zip_that_says_less_than_it_holds():
    data = zipped({"a": b"\0" * 1_000})
    lying = data.replace((1_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(FleetError, match="is broken"):
        unpack(lying, "a.zip")


@given(st.sampled_from(["a.tar", "a.tgz", "a.zip", "a.tar.xz", "a.bz2"]), st.integers(0, 2_000), st.binary(max_size=8))
def test_damaged_archives_are_answered(name, position, damage):
    data = {"a.tar": tar(), "a.zip": zipped(), "a.tar.xz": lzma.compress(tar()), "a.bz2": bz2.compress(tar())}.get(
        name, gzip.compress(tar(), mtime=0)
    )
    with suppress(FleetError):
        assert unpack(data[:position] + damage + data[position + len(damage) :], name).entries() is not None
