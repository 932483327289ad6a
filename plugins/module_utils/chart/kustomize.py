# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running Kustomize over a bundle's files, or over what Helm rendered.

Fleet's rules: ``internal/helmdeployer/kustomize/kustomize.go``. Kustomize gets a private copy of the
files and next to nothing of the environment: a generator could otherwise take variables from it.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..bundle import go_yaml
from ..errors import FleetError
from .chart import Chart
from .helm import Helm, error_message, find_binary
from .style import KUSTOMIZATION_YAML
from .yaml_text import to_yaml

MANIFESTS = "fleet-manifests.yaml"
"""What Helm rendered, as the first resource of the kustomization."""

TIMEOUT = 120
"""Seconds for one run."""

_LONGEST_MESSAGE = 2_000
"""In characters: Kustomize repeats what a kustomization says, and a kustomization is a stranger's."""

_REMEDY = (
    "Install kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize) or kubectl so that it is on "
    "PATH, or name one with the option kustomize_binary or the environment variable FLEET_KUSTOMIZE."
)

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_REMOTE = re.compile(r"://|^git@|^github\.com[/:]|\.git(?:$|[/?])|\?(?:ref|version|timeout|submodules)=")

_NO_NETWORK = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "NO_PROXY": "",
    "PATH": "/nonexistent",
}
"""What is remote is not fetched: there is no git to be found, and no way out."""


class Kustomize:
    """Runs ``kustomize``, or ``kubectl kustomize``; looks for either only when a bundle needs it."""

    def __init__(self, binary: str, helm: Helm):
        self._binary = binary
        self._helm = helm
        self._lock = threading.Lock()
        self._command: list[str] | None = None

    def build(self, chart: Chart, manifests: bytes) -> bytes:
        """The objects of a chart's kustomization as YAML, with ``manifests`` (may be empty) as one more resource.

        Raises :class:`FleetError`: no kustomize, or its own message.
        """
        command = self._find()
        root = Path(tempfile.mkdtemp(prefix="kustomize-", dir=self._helm.directory))
        try:
            _write_files(root / "bundle", _with_manifests(chart, manifests))
            environment = {**_NO_NETWORK, "HOME": str(root), "TMPDIR": str(root), "KUBECONFIG": os.devnull}
            completed = self._helm.processes.run(
                [*command, str(root / "bundle" / _relative(chart.kustomize_dir))],
                environment=environment,
                timeout=TIMEOUT,
                directory=str(root),
            )
        finally:
            shutil.rmtree(root, ignore_errors=True)
        if completed.returncode != 0:
            raise _error(chart, _message(completed.stderr).replace(str(root / "bundle") + "/", ""))
        return completed.stdout

    def _find(self) -> list[str]:
        with self._lock:
            if self._command is None:
                self._command = _find(self._binary)
            return self._command


def _find(binary: str) -> list[str]:
    if not binary and not os.environ.get("FLEET_KUSTOMIZE") and not shutil.which("kustomize"):
        if not shutil.which("kubectl"):
            raise FleetError(
                "neither kustomize nor kubectl was found on PATH, and this bundle needs one", remedy=_REMEDY
            )
        binary = "kubectl"
    path = find_binary("kustomize", binary, "FLEET_KUSTOMIZE", _REMEDY)
    return [path, "kustomize"] if os.path.basename(path).startswith("kubectl") else [path, "build"]


def _with_manifests(chart: Chart, manifests: bytes) -> dict[str, bytes]:
    directory = _relative(chart.kustomize_dir)
    files = {**chart.resources, posixpath.normpath(posixpath.join(directory, MANIFESTS)): manifests}
    if manifests:
        name = posixpath.normpath(posixpath.join(directory, KUSTOMIZATION_YAML))
        files[name] = _with_resource(files[name], name)
    return files


def _with_resource(content: bytes, name: str) -> bytes:
    """The kustomization with the rendered manifests as its first resource."""
    kustomization = go_yaml.load(content, name) or {}
    if not isinstance(kustomization, dict):
        raise FleetError("this is not a mapping", place=name)
    resources = kustomization.get("resources") or []
    resources = resources if isinstance(resources, list) else [resources]
    if MANIFESTS in resources:
        return content
    return to_yaml([{**kustomization, "resources": [MANIFESTS, *resources]}])


def _write_files(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = root / _relative(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(content)
        except OSError as error:
            raise FleetError(f"a copy for kustomize cannot be written: {error.strerror}", place=name) from error


def _relative(name: str) -> str:
    """A path inside the bundle; one that leads out of it is an error."""
    path = posixpath.normpath(name.lstrip("/") or ".")
    if path == ".." or path.startswith("../"):
        raise FleetError("this path leads out of the bundle", place=name)
    return path


def _message(stderr: str) -> str:
    """Kustomize's own words, without what the program around it puts before them."""
    logged = re.search(r' err=("(?:[^"\\]|\\.)*")', stderr)
    return json.loads(logged.group(1)) if logged else error_message(stderr).removeprefix("error: ")


def _error(chart: Chart, message: str) -> FleetError:
    remote = next(_remote_resources(chart.resources), None)
    if remote and ("127.0.0.1:1:" in message or "'git' program" in message or remote[1] in message):
        name, entry = remote
        return FleetError(
            f"the kustomization names {entry}, and nothing is fetched from elsewhere while a bundle is rendered",
            place=name,
            remedy="Put a copy of it into the repository and name that.",
        )
    place = posixpath.normpath(posixpath.join(_relative(chart.kustomize_dir), KUSTOMIZATION_YAML))
    if len(message) > _LONGEST_MESSAGE:
        # The file and the kind of error stand at its beginning, the cause at its end.
        message = f"{message[: _LONGEST_MESSAGE // 2]} … {message[-_LONGEST_MESSAGE // 2 :]}"
    return FleetError(f"kustomize: {message}", place=place)


def _remote_resources(files: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """The entries of a bundle's kustomizations that are addresses, each with its file."""
    for name, content in files.items():
        if posixpath.basename(name) not in _NAMES:
            continue
        try:
            kustomization = go_yaml.load(content, name)
        except FleetError:
            continue
        for entry in _entries(kustomization):
            if _REMOTE.search(entry):
                yield name, entry


def _entries(kustomization: Any) -> Iterator[str]:
    if not isinstance(kustomization, dict):
        return
    for field in ("resources", "bases", "components"):
        entries = kustomization.get(field)
        yield from (entry for entry in (entries if isinstance(entries, list) else []) if isinstance(entry, str))
