# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare git repositories made for a test, also such as no honest git would make."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
}


@dataclass(frozen=True)
class Node:
    """A file with a mode of git's; of a submodule (160000) ``content`` is a commit, of a link its target."""

    mode: str
    content: str


class Repository:
    """A bare repository at ``path``, empty at first. ``branch`` is what its HEAD points at."""

    def __init__(self, path: Path, branch: str = "main"):
        self.path = Path(path)
        self.branch = branch
        subprocess.run(
            ["git", "init", "--quiet", "--bare", f"--initial-branch={branch}", str(path)], env=ENVIRONMENT, check=True
        )

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=ENVIRONMENT, input=stdin, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | bytes | Node], branch: str = "") -> str:
        """Commit exactly these files on top of the branch, and return the commit's name."""
        branch = branch or self.branch
        parts = [f"commit refs/heads/{branch}\ncommitter test <test@example.com> now\n{_data(b'change')}".encode()]
        if self.git("for-each-ref", f"refs/heads/{branch}"):
            parts.append(f"from refs/heads/{branch}^0\n".encode())
        parts.append(b"deleteall\n")
        for path, content in files.items():
            parts.append(_file(path, content))
        self.git("fast-import", "--quiet", "--force", "--date-format=now", stdin=b"".join(parts))
        return self.git("rev-parse", f"refs/heads/{branch}")

    def commit_tree(self, entries: list[tuple[str, str, str]], branch: str = "") -> str:
        """Commit a tree of (mode, name, object) as it is, whatever its names are."""
        raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in entries)
        tree = self.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw)
        commit = self.git("commit-tree", tree, "-m", "change")
        self.git("update-ref", f"refs/heads/{branch or self.branch}", commit)
        return commit

    def blob(self, content: str) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content.encode())


def _file(path: str, content: str | bytes | Node) -> bytes:
    # In quotes, for names with spaces, line breaks and the like.
    quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if isinstance(content, Node) and content.mode == "160000":
        return f'M 160000 {content.content} "{quoted}"\n'.encode()
    mode = content.mode if isinstance(content, Node) else "100644"
    text = content.content if isinstance(content, Node) else content
    data = text if isinstance(text, bytes) else text.encode()
    return f'M {mode} inline "{quoted}"\n'.encode() + b"data %d\n%s\n" % (len(data), data)


def _data(content: bytes) -> str:
    return f"data {len(content)}\n{content.decode()}\n"
