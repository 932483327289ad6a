# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking what was downloaded, in memory: nothing leaves the archive, and no bomb goes off.

The kinds, and how their names tell, are those of ``internal/bundlereader/archive.go`` in rancher/fleet; of zstd,
which Python has from 3.14 on, only the name is known.
"""

from __future__ import annotations

import bz2
import io
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping

from ...errors import FleetError
from ..tree import REGULAR, SYMLINK, Entry

LARGEST_CONTENT = 100 * 1024 * 1024
"""Bytes of all files of an archive together."""

MOST_FILES = 20_000
DEEPEST_PATH = 100
LONGEST_PATH = 4_096

_CHUNK = 1024 * 1024

_PACKED_TARS = {
    ".gz": (".tar.gz", ".tgz"),
    ".bz2": (".tar.bz2", ".tbz2"),
    ".xz": (".tar.xz", ".txz"),
    ".zst": (".tar.zst", ".tar.zstd", ".tzst"),
}
_PACKED_FILES = {".gz": (".gz",), ".bz2": (".bz2",), ".xz": (".xz",), ".zst": (".zst", ".zstd")}


class ArchiveTree:
    """The files and links of an archive, as a FileTree (see source/tree.py)."""

    def __init__(self, files: Mapping[str, bytes], links: Mapping[str, str]):
        self._files = files
        self._links = links

    def entries(self) -> Mapping[str, Entry]:
        """Every file and symbolic link by its path."""
        found = {path: Entry(REGULAR, len(content)) for path, content in self._files.items()}
        return found | {path: Entry(SYMLINK, len(target)) for path, target in self._links.items()}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files; of a symbolic link, the text of its target."""
        return {
            path: self._links[path].encode("utf-8", "surrogateescape") if path in self._links else self._files[path]
            for path in paths
        }

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(map(len, self._files.values()))

    def below(self, directory: str) -> ArchiveTree:
        """What lies below a directory of it; nothing where there is no such directory. Raises FleetError for ``..``."""
        if directory.startswith("/") or ".." in directory.split("/"):
            raise FleetError(f"the directory {directory!r} behind // leads out of what is fetched")
        prefix = posixpath.normpath(directory) + "/"
        if prefix == "./":
            return self
        if any(path.startswith(prefix) for path in self._links):
            raise FleetError(
                f"{directory} holds symbolic links, which Fleet does not take from a directory behind //",
                remedy="Leave the directory out of the address, or replace the links by files.",
            )
        files = {path[len(prefix) :]: content for path, content in self._files.items() if path.startswith(prefix)}
        return ArchiveTree(files, {})


def unpack(data: bytes, name: str, archive: str = "") -> ArchiveTree:
    """The files in an archive. ``name`` is that of the file, whose extension tells its kind unless ``archive`` does.

    What is no archive is a tree of one file. Raises FleetError.
    """
    lower = archive or name.lower()
    for packing, extensions in _PACKED_TARS.items():
        if lower.endswith(extensions):
            return _from_tar(_decompress(data, packing))
    if lower.endswith(".tar"):
        return _from_tar(data)
    if lower.endswith(".zip"):
        return _from_zip(data)
    for packing, extensions in _PACKED_FILES.items():
        for extension in extensions:
            if lower.endswith(extension):
                return _single(name.removesuffix(extension), _decompress(data, packing))
    return _single(name, data)


def _single(path: str, content: bytes) -> ArchiveTree:
    name = posixpath.basename(path)
    return ArchiveTree({name if name not in ("", ".", "..") else "file": content}, {})


def _decompress(data: bytes, packing: str) -> bytes:
    if packing == ".zst":
        raise FleetError(
            "archives packed with zstd are not read", remedy="Name an archive that is packed with gzip, bzip2 or xz."
        )
    try:
        decompressed = _bounded(data, packing)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise FleetError(f"is not packed as its name says ({packing}), or is broken") from error
    if len(decompressed) > LARGEST_CONTENT:
        raise _too_large()
    return decompressed


def _bounded(data: bytes, packing: str) -> bytes:
    """At most one byte more than what is allowed. Several packed parts may follow each other."""
    result = io.BytesIO()
    while data and result.tell() <= LARGEST_CONTENT:
        decoder = _decoder(packing)
        left = LARGEST_CONTENT + 1 - result.tell()
        if packing == ".gz":
            result.write(decoder.decompress(data, left))
            finished, rest = decoder.eof, decoder.unused_data
        else:
            result.write(decoder.decompress(data, max_length=left))
            finished, rest = decoder.eof, decoder.unused_data
        if not finished:
            if result.tell() <= LARGEST_CONTENT:
                raise EOFError
            break
        # Zeros behind the end are padding.
        data = rest.lstrip(b"\0")
    return result.getvalue()


def _decoder(packing: str):
    if packing == ".gz":
        return zlib.decompressobj(wbits=31)
    if packing == ".bz2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(memlimit=LARGEST_CONTENT)


def _from_tar(data: bytes) -> ArchiveTree:
    contents = _Contents()
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                path = contents.path(member.name)
                if member.isdir():
                    continue
                if member.issym():
                    contents.add_link(path, member.linkname)
                elif member.isreg() and not member.issparse():
                    contents.add(path, member.size, lambda member=member: archive.extractfile(member).read())
                else:
                    raise FleetError(f"holds {member.name!r}, which is neither a file nor a directory")
    # What a broken header holds may be anything.
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise FleetError("is not a tar archive, or is broken") from error
    return contents.tree()


def _from_zip(data: bytes) -> ArchiveTree:
    contents = _Contents()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                path = contents.path(member.filename)
                if member.is_dir():
                    continue
                if stat.S_ISLNK(member.external_attr >> 16):
                    # Fleet writes a file that holds the text of the target.
                    raise FleetError(
                        f"holds the symbolic link {member.filename!r}, which zip archives cannot have here"
                    )
                contents.add(path, member.file_size, lambda member=member: _zip_member(archive, member))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise FleetError("is not a zip archive, or is broken") from error
    except lzma.LZMAError as error:
        raise FleetError("is not a zip archive, or is broken") from error
    return contents.tree()


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        # Its header may say less than it holds.
        return file.read(member.file_size + 1)


class _Contents:
    """Gathers the files of an archive, and refuses what would leave it or be too much."""

    def __init__(self):
        self._files: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._size = 0
        self._members = 0

    def path(self, name: str) -> str:
        """The path of a member. Raises FleetError for an absolute one, and for one with ``..``."""
        self._members += 1
        if self._members > MOST_FILES:
            raise FleetError(f"holds more than {MOST_FILES} files")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts:
            raise FleetError(
                f"holds the path {name[:80]!r}, which leads out of the archive",
                remedy="It was made to harm whoever unpacks it. Do not use it.",
            )
        if len(parts) > DEEPEST_PATH or len(name) > LONGEST_PATH:
            raise FleetError(f"holds a path that is too long or too deep: {name[:80]!r}…")
        return "/".join(parts)

    def add(self, path: str, size: int, read) -> None:
        self._size += size
        if self._size > LARGEST_CONTENT:
            raise _too_large()
        if not path:
            raise FleetError("holds a file without a name")
        content = read()
        if len(content) != size:
            raise FleetError(f"is broken: {path!r} has another size than the archive says")
        self._links.pop(path, None)
        self._files[path] = content

    def add_link(self, path: str, target: str) -> None:
        resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if target.startswith("/") or resolved == ".." or resolved.startswith("../"):
            raise FleetError(
                f"holds the symbolic link {path!r} to {target[:80]!r}, which leads out of the archive",
                remedy="It was made to harm whoever unpacks it. Do not use it.",
            )
        # Fleet leaves what is there already.
        if path and path not in self._files:
            self._links.setdefault(path, target)

    def tree(self) -> ArchiveTree:
        """Raises FleetError where one path is both a file and a directory."""
        paths = self._files.keys() | self._links.keys()
        for path in sorted(paths):
            parent = posixpath.dirname(path)
            while parent:
                if parent in paths:
                    raise FleetError(f"holds {parent!r} both as a file and as a directory")
                parent = posixpath.dirname(parent)
        return ArchiveTree(self._files, self._links)


def _too_large() -> FleetError:
    return FleetError(
        f"holds more than {LARGEST_CONTENT // 1024 // 1024} MiB when it is unpacked",
        remedy="A Helm release cannot hold as much; check what the address leads to.",
    )
