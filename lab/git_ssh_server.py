# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real git server over SSH, on loopback: the SSH protocol by asyncssh, ``git-upload-pack`` by git.

::

    with GitSshServer(root, authorized_keys=[public_key]) as server:
        Path("known_hosts").write_text(server.known_hosts)
        server.url                            # "ssh://git@127.0.0.1:<port>", then /<path below root>
"""

import asyncio
import os
import shlex
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Self

import asyncssh


class GitSshServer:
    """Serves the bare repositories below ``root`` to those who hold the private half of a key.

    ``authorized_keys`` are public keys in OpenSSH form. ``host_key`` is a private key in OpenSSH form; a
    new one is made without it. ``port`` 0 takes a free one.
    """

    def __init__(self, root: Path, *, authorized_keys: Sequence[str], host_key: str = "", port: int = 0):
        self.root = Path(root).resolve()
        # Every command that a client asked for, also those that were refused.
        self.requests: list[str] = []
        self._authorized = asyncssh.import_authorized_keys("\n".join(authorized_keys))
        self._host_key = (
            asyncssh.import_private_key(host_key) if host_key else asyncssh.generate_private_key("ssh-ed25519")
        )
        self._wanted_port = port
        self._loop = asyncio.new_event_loop()
        self._listener: asyncssh.SSHAcceptor | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The start of every repository's URL."""
        return f"ssh://git@127.0.0.1:{self.port}"

    @property
    def known_hosts(self) -> str:
        """The line that makes a client trust this server."""
        public = self._host_key.export_public_key("openssh").decode().split()
        return f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n"

    def start(self) -> Self:
        """Serve in a thread, until ``stop``. Errors of starting are raised here."""
        listening: Future = Future()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="git-ssh", daemon=True)
        self._thread.start()
        self.port = listening.result(timeout=30)
        return self

    def stop(self) -> None:
        """Stop listening, and end the connections that are open."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception) -> None:
        self.stop()

    def _run(self, listening: Future) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._listener = self._loop.run_until_complete(self._listen())
        except (OSError, asyncssh.Error) as error:
            listening.set_exception(error)
            return
        listening.set_result(self._listener.get_port())
        self._loop.run_forever()
        self._loop.close()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            self._wanted_port,
            server_host_keys=[self._host_key],
            authorized_client_keys=self._authorized,
            password_auth=False,
            kbdint_auth=False,
            gss_host=None,
            process_factory=self._serve,
            encoding=None,
        )

    async def _close(self) -> None:
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, process: asyncssh.SSHServerProcess) -> None:
        self.requests.append(process.command or "")
        command = self._git_command(process.command or "")
        if command is None:
            process.stderr.write(b"Only git may be spoken here, about repositories that exist.\n")
            process.exit(1)
            return
        version = process.env.get(b"GIT_PROTOCOL") or process.env.get("GIT_PROTOCOL") or ""
        git = await asyncio.create_subprocess_exec(
            *command,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_PROTOCOL": version.decode() if isinstance(version, bytes) else version,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        await process.redirect(stdin=git.stdin, stdout=git.stdout, stderr=git.stderr)
        await process.stdout.drain()
        process.exit(await git.wait())
        await process.wait_closed()

    def _git_command(self, command: str) -> list[str] | None:
        """What to run for a client's command line; None unless it is git's own, on a repository of ours."""
        try:
            service, path = shlex.split(command)
        except ValueError:
            return None
        if service not in ("git-upload-pack", "git-receive-pack"):
            return None
        repository = (self.root / path.lstrip("/")).resolve()
        if not repository.is_relative_to(self.root) or not repository.is_dir():
            return None
        return ["git", service.removeprefix("git-"), str(repository)]
