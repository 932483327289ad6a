# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from collections.abc import Callable, Iterator

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from recording_server import RecordingServer


@pytest.fixture
def servers(tmp_path) -> Iterator[Callable[..., RecordingServer]]:
    """Starts recording servers and closes them when the test ends."""
    started: list[RecordingServer] = []

    def start(**arguments) -> RecordingServer:
        started.append(RecordingServer(**arguments).start(tmp_path))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def write(tmp_path) -> Callable[..., str]:
    """Writes a document (or text) as a file and returns its path."""

    def write_file(document: object, name: str = "kubeconfig") -> str:
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
        return str(path)

    return write_file


@pytest.fixture
def client_of(tmp_path, write) -> Iterator[Callable[..., Client]]:
    """Makes clients for recording servers."""
    made: list[Client] = []

    def make(target: RecordingServer, user: dict | None = None, *, timeout: float = 5, **cluster: object) -> Client:
        path = write(target.kubeconfig(user, **cluster), f"kubeconfig-{target.port}")
        made.append(Client(Connection(path), temp_directory=tmp_path, timeout=timeout))
        return made[-1]

    yield make
    for client in made:
        client.close()
