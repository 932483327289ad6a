# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the checkout where Ansible looks for a collection: ``python .ci/collection_tree.py link|copy``.

``link``: ``build/collections/ansible_collections/gitops/fleet`` is a link to the checkout. Playbooks and pytest are
content with that. ``kubernetes.core`` of ``.venv`` is linked beside it, for the environments that have none.

``copy``: ``build/copy/ansible_collections/gitops/fleet`` is a copy of the files that git knows or would add, and a
git repository of its own. ``ansible-test`` resolves links, and asks git which files there are; in a directory that
the outer repository ignores it would find none, and pass. Unchanged files keep their times, so caches stay warm.
"""

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LINKS = CHECKOUT / "build/collections/ansible_collections"
COPY = CHECKOUT / "build/copy/ansible_collections/gitops/fleet"


def link() -> None:
    point(LINKS / "gitops/fleet", CHECKOUT)
    for kubernetes in CHECKOUT.glob(".venv/lib/python3*/site-packages/ansible_collections/kubernetes/core"):
        point(LINKS / "kubernetes/core", kubernetes)


def point(place: Path, to: Path) -> None:
    """Make ``place`` a relative link to ``to``, so that the checkout can be moved."""
    wanted = os.path.relpath(to, place.parent)
    if place.is_symlink() and os.readlink(place) == wanted:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(wanted)


def copy() -> None:
    COPY.mkdir(parents=True, exist_ok=True)
    wanted = {name for name in git("ls-files", "-co", "--exclude-standard") if is_file(CHECKOUT / name)}
    if not (COPY / ".git").exists():
        subprocess.run(["git", "init", "--quiet", str(COPY)], check=True)
    for name in wanted:
        copy_file(CHECKOUT / name, COPY / name)
    for path in sorted(COPY.rglob("*"), reverse=True):
        name = path.relative_to(COPY).as_posix()
        if name.split("/")[0] == ".git" or name in wanted or name.startswith("tests/output"):
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        elif not any(path.iterdir()):
            path.rmdir()


def git(*arguments: str) -> list[str]:
    completed = subprocess.run(["git", "-C", str(CHECKOUT), *arguments, "-z"], capture_output=True, check=False)
    if completed.returncode:
        sys.exit(f"The checks need a git checkout: {completed.stderr.decode().strip()}")
    return [name for name in completed.stdout.decode().split("\0") if name]


def is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def copy_file(source: Path, target: Path) -> None:
    if target.exists() and not target.is_symlink() and filecmp.cmp(source, target, shallow=True):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


if __name__ == "__main__":
    {"link": link, "copy": copy}[sys.argv[1]]()
