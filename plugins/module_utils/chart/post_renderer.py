# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A post-renderer for Helm that is a function in this process.

Helm wants a program (Helm 3) or a plugin (Helm 4). Ours is a shell script of a few lines, the same
for all releases: it puts what Helm rendered into a memory file, says so through a pipe, waits for a
word through another, and gives Helm what lies in a second memory file. All four are descriptors that
Helm inherits. If this process dies, the second pipe ends, and so does the script.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import FleetError
from .memory_file import MemoryFile

PLUGIN = "gitops-fleet"

SCRIPT_NAME = "ask.sh"

_SCRIPT = """\
# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Arguments: file for the question, pipe to ask by, pipe for the word, file with the answer.
cat >"$1" && echo >"$2" && read -r word <"$3" && [ "$word" = done ] && exec cat "$4"
"""

_PLUGIN_FILE = f"""\
name: {PLUGIN}
version: 1.0.0
type: postrenderer/v1
apiVersion: v1
runtime: subprocess
runtimeConfig:
  platformCommand:
    - command: /bin/sh
      args: ["${{HELM_PLUGIN_DIR}}/{SCRIPT_NAME}"]
"""

_NOTHING = b"# no objects\n"
"""Helm takes an empty answer for a mistake."""


class PostRenderer:
    """Answers one run of Helm with ``function(rendered manifests) -> manifests``.

    ``plugins`` is the directory that :func:`write_plugin` has filled. ``error`` is what the function
    raised; Helm fails then too, and this is the error to show.
    """

    def __init__(self, function: Callable[[bytes], bytes], plugins: Path):
        self._function = function
        self._plugins = plugins
        self.error: BaseException | None = None
        self._question = MemoryFile(b"", plugins)
        self._answer = MemoryFile(b"", plugins)
        self._asked, self._ask = os.pipe()
        self._word, self._say = os.pipe()

    def __enter__(self) -> PostRenderer:
        return self

    def __exit__(self, *_exception) -> None:
        for file in (self._question, self._answer):
            file.close()
        for descriptor in (self._asked, self._ask, self._word, self._say):
            os.close(descriptor)

    @property
    def descriptors(self) -> list[int]:
        """What Helm has to inherit."""
        return [*self._question.inherited, *self._answer.inherited, self._ask, self._word]

    def arguments(self, *, helm_4: bool) -> list[str]:
        """Helm's arguments."""
        program = [PLUGIN] if helm_4 else ["/bin/sh", str(self._plugins / PLUGIN / SCRIPT_NAME)]
        own = [self._question.path, f"/dev/fd/{self._ask}", f"/dev/fd/{self._word}", self._answer.path]
        arguments = ["--post-renderer", program[0]]
        for argument in [*program[1:], *own]:
            arguments += ["--post-renderer-args", argument]
        return arguments

    def fileno(self) -> int:
        return self._asked

    def answer(self) -> None:
        """Answer the question that Helm asked. Never raises: Helm has to be told in any case."""
        os.read(self._asked, 4096)
        try:
            self._answer.write(self._function(self._question.read()) or _NOTHING)
        except BaseException as error:
            self.error = error
            os.write(self._say, b"failed\n")
        else:
            os.write(self._say, b"done\n")


def write_plugin(directory: Path) -> None:
    """Make the plugin in a plugin directory (HELM_PLUGINS). Helm 3 is given its script alone."""
    plugin = directory / PLUGIN
    try:
        plugin.mkdir(parents=True, mode=0o700, exist_ok=True)
        (plugin / "plugin.yaml").write_text(_PLUGIN_FILE, encoding="ascii")
        (plugin / SCRIPT_NAME).write_text(_SCRIPT, encoding="ascii")
    except OSError as error:
        raise FleetError(f"Helm's plugin cannot be written: {error.strerror}", place=str(plugin)) from error
