# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding Helm and running it: no secret in its arguments, nothing of the user's Helm settings in its way."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..errors import FleetError
from ..private_files import RunDirectory
from .hiding import hide
from .memory_file import MemoryFile
from .post_renderer import PostRenderer, write_plugin
from .processes import STDOUT_LIMIT, Completed, Processes, TimeLimit

__all__ = ["Completed", "Helm", "HelmError", "HelmFinder", "TimeLimit", "find_helm"]

MINIMUM = (3, 17)
"""``--take-ownership``, without which a Fleet upgrade cannot be done, came in Helm 3.17."""

_REMEDY = (
    "Install Helm 4 (https://helm.sh/docs/intro/install), or 3.17 and later, so that it is on PATH, "
    "or name it with the option helm_binary or the environment variable FLEET_HELM."
)

_NOT_INHERITED = ("HELM_", "KUBE", "K8S_AUTH_")
"""Variables by which Helm or its Kubernetes client would take settings that are not ours (also KUBECONFIG)."""


class HelmError(FleetError):
    """Helm ran and failed. ``problem`` is Helm's own message, without the secrets that it was given."""


class Helm:
    """A Helm binary, and everything that each run of it shares. Safe to be used by many threads.

    ``version`` is (major, minor, patch).
    """

    def __init__(self, path: str, run: RunDirectory, processes: Processes):
        self.path = path
        self.processes = processes
        self.directory = run.path / "helm"
        self._environment = _environment(self.directory, os.environ)
        self.version = _version(self)
        if self.version < MINIMUM:
            raise FleetError(
                f"this is Helm {'.'.join(map(str, self.version))}, and 3.17 is the oldest that will do",
                place=path,
                remedy=_REMEDY,
            )
        write_plugin(self._plugins)
        if self.is_helm_4:
            self._environment["HELM_PLUGINS"] = str(self._plugins)

    @property
    def is_helm_4(self) -> bool:
        return self.version[0] >= 4

    @property
    def _plugins(self) -> Path:
        return self.directory / "plugins"

    def run(
        self,
        arguments: Sequence[str],
        *,
        timeout: float,
        values: Iterable[bytes] = (),
        kubeconfig: bytes | None = None,
        post_render: Callable[[bytes], bytes] | None = None,
        secrets: Iterable[str] = (),
        stdout_limit: int = STDOUT_LIMIT,
    ) -> Completed:
        """Run ``helm`` with ``arguments`` and return what it wrote, if it succeeded.

        ``values`` are YAML or JSON documents, later ones win; they and ``kubeconfig`` are given by
        memory files. ``post_render`` gets the rendered manifests (with Helm 3 without the hooks)
        and returns what is to be used instead. ``timeout`` is in seconds, for the whole process.
        ``secrets`` are strings that must not come back in an error.

        Raises :class:`HelmError` if Helm fails, what ``post_render`` raises if that fails, and
        :class:`~.processes.TimeLimit`.
        """
        command = [self.path, *arguments]
        with ExitStack() as stack:
            files = [stack.enter_context(MemoryFile(document, self.directory)) for document in values]
            for file in files:
                command += ["--values", file.path]
            if kubeconfig is not None:
                files.append(stack.enter_context(MemoryFile(kubeconfig, self.directory)))
                command += ["--kubeconfig", files[-1].path]
            descriptors = [descriptor for file in files for descriptor in file.inherited]
            environment = self._environment
            if kubeconfig is not None:
                # What Helm finds out about an API server, it writes down; it never reads it in a later run.
                kept = stack.enter_context(tempfile.TemporaryDirectory(prefix="kube-", dir=self.directory))
                environment = {**environment, "KUBECACHEDIR": kept}
            conversation = None
            if post_render:
                conversation = stack.enter_context(PostRenderer(post_render, self._plugins))
                command += conversation.arguments(helm_4=self.is_helm_4)
                descriptors += conversation.descriptors
            completed = self.processes.run(
                command,
                environment=environment,
                timeout=timeout,
                descriptors=descriptors,
                conversation=conversation,
                stdout_limit=stdout_limit,
            )
        if conversation and conversation.error:
            raise conversation.error
        if completed.returncode != 0:
            raise self._error(completed, secrets)
        return completed

    def _error(self, completed: Completed, secrets: Iterable[str]) -> FleetError:
        if self.processes.ended:
            return FleetError("helm was ended, because the run was", remedy="Run again.")
        if completed.returncode < 0:
            return HelmError(f"helm was killed by signal {-completed.returncode}", remedy="Run again.")
        return HelmError(hide(error_message(completed.stderr), secrets))


class HelmFinder:
    """Finds Helm when it is first needed; a run that has nothing to do never looks for it.

    Use it as a context manager inside the thread pool whose threads run Helm: leaving it ends what
    still runs.
    """

    def __init__(self, binary: str, run: RunDirectory):
        self._binary = binary
        self._run = run
        self._lock = threading.Lock()
        self._helm: Helm | None = None
        self.processes = Processes()

    def __enter__(self) -> HelmFinder:
        return self

    def __exit__(self, *_exception) -> None:
        self.processes.close()

    def find(self) -> Helm:
        """The Helm to use: the given binary, else FLEET_HELM's, else ``helm`` on PATH. Raises FleetError."""
        with self._lock:
            if self._helm is None:
                self._helm = Helm(find_binary("helm", self._binary, "FLEET_HELM", _REMEDY), self._run, self.processes)
            return self._helm


def find_helm(binary: str = "", run: RunDirectory | None = None) -> Helm:
    """The Helm to use, for the rest of this process. Raises FleetError where there is none that will do."""
    run = run or RunDirectory()
    finder = HelmFinder(binary, run)
    atexit.register(run.remove)
    atexit.register(finder.processes.close)
    return finder.find()


def find_binary(name: str, given: str, variable: str, remedy: str) -> str:
    """The path of a program: ``given``, else by an environment variable, else ``name`` on PATH.

    A path that was given or set has to be right; nothing else is looked for then.
    """
    wanted = given or os.environ.get(variable, "")
    found = shutil.which(os.path.expanduser(wanted or name))
    if found:
        return os.path.abspath(found)
    if wanted:
        source = "the option" if given else variable
        raise FleetError(f"{wanted}, given by {source}, is no program that can be run", remedy=remedy)
    raise FleetError(f"{name} was not found on PATH", remedy=remedy)


def error_message(stderr: str) -> str:
    """Helm's own message of why it failed: what follows ``Error:``, else all that it wrote."""
    text = stderr.strip()
    match = re.search(r"^Error: |^fatal error: .*$", text, re.MULTILINE)
    if match and match.group().startswith("fatal"):
        # Go's runtime gave up, for want of memory as a rule; a trace of its stacks follows.
        return match.group()
    message = text[match.end() :] if match else text
    # Helm adds advice about its own options, which our users do not set.
    message = message.removesuffix("Use --debug flag to render out invalid YAML").strip()
    return message or "helm failed and did not say why"


def api_warnings(stderr: str) -> list[str]:
    """What API servers warned of during a run of Helm: unknown fields, deprecated versions."""
    quoted = re.findall(r'^\S+ .* warnings\.go:\d+\] ("(?:[^"\\]|\\.)*")$', stderr, re.MULTILINE)
    return [json.loads(text).removeprefix("Warning: ") for text in quoted]


def _environment(directory: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Our own homes for Helm: a user's repositories, plugins and settings play no part. Proxies stay."""
    environment = {name: value for name, value in inherited.items() if not name.startswith(_NOT_INHERITED)}
    directory.mkdir(mode=0o700, exist_ok=True)
    environment.update(
        HELM_CONFIG_HOME=str(directory / "config"),
        HELM_CACHE_HOME=str(directory / "cache"),
        HELM_DATA_HOME=str(directory / "data"),
        HELM_PLUGINS=str(directory / "no-plugins"),
        KUBECONFIG=os.devnull,
        # Where Helm would look for logins to registries, besides its own.
        DOCKER_CONFIG=str(directory / "no-docker"),
    )
    return environment


def _version(helm: Helm) -> tuple[int, int, int]:
    try:
        completed = helm.run(["version", "--template", "{{.Version}}"], timeout=30)
    except FleetError as error:
        raise FleetError(f"this does not behave like Helm: {error.problem}", place=helm.path, remedy=_REMEDY) from error
    text = completed.stdout.decode("utf-8", "replace").strip()
    match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if not match:
        raise FleetError(f"this is not Helm: its version reads {text[:60]!r}", place=helm.path, remedy=_REMEDY)
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch or 0)
