# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the lab: built once from Go modules, kept in the user's cache, shared by all checkouts.

They lie in ``${XDG_CACHE_HOME:-~/.cache}/gitops.fleet/lab/<hash of what they are built from>/bin``. A build
happens in a directory of its own and is moved there as a whole, so that a killed one is never used.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import go
from .errors import LabError

SOURCE = Path(__file__).parent

# An OCI registry for tests: a Go module of its own, so that a change of it does not build all the others anew.
REGISTRY = SOURCE / "registry"

# The binary `controlplane` is all of these: it runs the one by whose name it is called.
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")

# A build that no checkout has used for so long is removed by the next one (450 MB each).
FORGET_AFTER_DAYS = 30


@dataclass(frozen=True)
class Program:
    """One program: its Go package, and variables that are set when it is linked."""

    name: str
    package: str
    variables: dict[str, str] = field(default_factory=dict)

    def flags(self) -> str:
        """The linker's flags. Symbols for debuggers are left out: they double the size."""
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])


def directory() -> Path:
    """The directory of the programs; they are built first if need be, which takes minutes and says so."""
    programs = _programs()
    cache = _cache()
    final = cache / _hash(programs)
    if not final.exists():
        with _lock(cache / "build.lock"):
            if not final.exists():  # another checkout may have built it while we waited
                _remove_leftovers(cache)
                _build_all(programs, cache, final)
    os.utime(final)
    return final / "bin"


def registry() -> Path:
    """The OCI registry; it is built first if need be, which takes seconds. Kept like the other programs."""
    program = Program("registry", ".")
    cache = _cache()
    final = cache / f"registry-{_digest([*REGISTRY.glob('*.go'), *REGISTRY.glob('go.*')], [program])}"
    if not final.exists():
        with _lock(cache / "build.lock"):
            if not final.exists():  # another checkout may have built it while we waited
                _remove_leftovers(cache)
                work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache))
                try:
                    _build(go.find(cache, _say), program, work / "bin" / program.name, cache, REGISTRY)
                    work.rename(final)
                finally:
                    shutil.rmtree(work, ignore_errors=True)
    os.utime(final)
    return final / "bin" / program.name


def vet() -> None:
    """Run ``go vet`` on the lab's own Go code. Raises LabError with what it found.

    Two of its checks are left out: they would look at every line of Kubernetes first, for minutes.
    """
    cache = _cache()
    with _lock(cache / "build.lock"):
        go_command = go.find(cache, _say)
    arguments = ["vet", "-printf=false", "-lostcancel=false", "./..."]
    for module in (SOURCE, REGISTRY):
        _run_go(go_command, arguments, cache, "go vet found faults", module)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    cache = Path(base) / "gitops.fleet" / "lab"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    return cache


def _programs() -> list[Program]:
    """What is built. A program from its module does not know its own version; it is told here."""
    kubernetes = _version("k8s.io/kubernetes")
    major, minor = kubernetes.removeprefix("v").split(".")[:2]
    helm3, helm4 = _version("helm.sh/helm/v3"), _version("helm.sh/helm/v4")
    components = "k8s.io/component-base/version"
    return [
        Program("helm4", "helm.sh/helm/v4/cmd/helm", {"helm.sh/helm/v4/internal/version.version": helm4}),
        Program(
            "helm3",
            "helm.sh/helm/v3/cmd/helm",
            {
                "helm.sh/helm/v3/internal/version.version": helm3,
                # Without these two, charts are rendered for Kubernetes 1.20 when no cluster is asked.
                "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": major,
                "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": minor,
            },
        ),
        Program("kustomize", "sigs.k8s.io/kustomize/kustomize/v5"),
        Program("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
        Program(
            "controlplane",
            "./controlplane",
            {
                f"{components}.gitVersion": kubernetes,
                f"{components}.gitMajor": major,
                f"{components}.gitMinor": minor,
                f"{components}.gitTreeState": "clean",
            },
        ),
    ]


def _version(module: str) -> str:
    """The version of ``module`` that go.mod requires."""
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", (SOURCE / "go.mod").read_text(encoding="utf-8"), re.M)
    if found is None:
        raise LabError(f"lab/go.mod requires no {module}")
    return found.group(1)


def _hash(programs: list[Program]) -> str:
    """A digest of everything that decides what is built of the lab's own module."""
    return _digest([SOURCE / "go.mod", SOURCE / "go.sum", *SOURCE.glob("controlplane/*.go")], programs)


def _digest(sources: list[Path], programs: list[Program]) -> str:
    digest = hashlib.sha256()
    for path in sorted(sources):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(SOURCE)} {len(content)}\n".encode() + content)
    recipe = [(program.name, program.package, program.flags()) for program in programs]
    digest.update(json.dumps([recipe, platform.system(), platform.machine()]).encode())
    return digest.hexdigest()[:20]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock. It ends with its holder, however that one ends."""
    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another checkout is building the lab's programs; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_leftovers(cache: Path) -> None:
    """Remove what killed builds left, and builds that nobody has used for long. Needs the lock."""
    oldest = time.time() - FORGET_AFTER_DAYS * 24 * 3600
    for path in cache.glob("*"):
        unfinished = path.name.startswith("unfinished-")
        forgotten = (path / "bin").is_dir() and path.stat().st_mtime < oldest
        if unfinished or forgotten:
            shutil.rmtree(path, ignore_errors=True)


def _build_all(programs: list[Program], cache: Path, final: Path) -> None:
    _say(
        "building Helm, kustomize, kwok and the Kubernetes control plane from their Go modules. "
        "The first time takes about 10 minutes on two cores; later it is done in no time."
    )
    begin = time.monotonic()
    go_command = go.find(cache, _say)
    work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache))
    try:
        for number, program in enumerate(programs, start=1):
            _say(f"  {number} of {len(programs)}: {program.name} ({program.package})")
            _build(go_command, program, work / "bin" / program.name, cache, SOURCE)
        for component in CONTROL_PLANE:
            (work / "bin" / component).symlink_to("controlplane")
        (work / "bin" / "helm").symlink_to("helm4")
        work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _say(f"built in {time.monotonic() - begin:.0f} s, kept in {final}")


def _build(go_command: Path, program: Program, output: Path, cache: Path, module: Path) -> None:
    arguments = ["build", "-ldflags", program.flags(), "-o", str(output), program.package]
    _run_go(go_command, arguments, cache, f"{program.name} could not be built", module)


def _run_go(go_command: Path, arguments: list[str], cache: Path, problem: str, module: Path) -> None:
    """Run ``go`` in the directory of a module; what it prints is shown only if it fails."""
    process = subprocess.Popen(
        [go_command, *arguments],
        cwd=module,
        env=go.environment(go_command, cache),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        printed, _ = process.communicate()
    except BaseException:
        process.send_signal(signal.SIGINT)  # Ctrl-C at a terminal reaches go anyway, other signals do not
        process.wait()
        raise
    if process.returncode != 0:
        raise LabError(f"{problem}:\n{printed.rstrip()}")


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)
