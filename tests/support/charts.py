# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts, a chart repository and an OCI registry, on loopback."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A ``.tgz`` with these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def chart_files(name: str, version: str, **fields: object) -> dict[str, str]:
    """The files of a small chart: a ConfigMap that holds its version. ``fields`` go into Chart.yaml."""
    return {
        "Chart.yaml": json.dumps({"apiVersion": "v2", "name": name, "version": version, **fields}),
        "values.yaml": "size: 1\n",
        "templates/cm.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"
        "data: {version: {{ .Chart.Version }}}\n",
    }


def packed_chart(name: str, version: str, **fields: object) -> bytes:
    return packed({f"{name}/{path}": content for path, content in chart_files(name, version, **fields).items()})


@dataclass
class Reply:
    """What a path is answered with. ``login`` is asked for; ``length`` is what is announced, if it is not true."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    login: str = ""
    length: int | None = None
    drip: bool = False
    content_type: str = "application/octet-stream"


class ChartServer:
    """An http server on a free port of 127.0.0.1: a chart repository, or whatever ``replies`` make of it."""

    def __init__(self, login: str = ""):
        self.login = login
        self.replies: dict[str, Reply] = {}
        self.requests: list[tuple[str, str]] = []
        """Path, and user:password ('' without), of each request."""
        self.stopping = threading.Event()
        self._charts: dict[str, list[dict]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_exception) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, version: str, *, digest: str | None = None, url: str = "", **fields: object) -> bytes:
        """Put a chart into the repository's index; return the archive."""
        data = packed_chart(name, version, **fields)
        path = f"charts/{name}-{version}.tgz"
        self.put(f"/{path}", data)
        entry = {"apiVersion": "v2", "name": name, "version": version, "urls": [url or path]}
        entry["digest"] = hashlib.sha256(data).hexdigest() if digest is None else digest
        self._charts.setdefault(name, []).append(entry)
        lines = ["apiVersion: v1", "entries:"]
        for chart, entries in self._charts.items():
            lines.append(f"  {chart}:")
            for item in entries:
                lines += [f"  - apiVersion: {item['apiVersion']}", f"    name: {item['name']}"]
                lines += [f"    version: {item['version']!r}", f"    digest: {item['digest']!r}"]
                lines += ["    urls:", f"    - {item['urls'][0]}"]
        self.put("/index.yaml", "\n".join([*lines, "generated: '2026-01-01T00:00:00Z'", ""]).encode())
        return data

    def put(self, path: str, body: bytes, **reply: object) -> None:
        self.replies[path] = Reply(body, login=self.login, **reply)

    def asked(self, path: str) -> int:
        return sum(1 for asked, _login in self.requests if asked == path)

    def _handler(outer) -> type:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                kind, _space, encoded = self.headers.get("Authorization", "").partition(" ")
                login = base64.b64decode(encoded).decode() if kind == "Basic" else ""
                outer.requests.append((self.path, login))
                reply = outer.replies.get(self.path, Reply(b"not here", status=404))
                if reply.login and login != reply.login:
                    reply = Reply(b"no", status=401)
                self.send_response(reply.status)
                if reply.location:
                    self.send_header("Location", reply.location)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
                self.end_headers()
                if reply.drip:
                    self._drip()
                    return
                self.wfile.write(reply.body)
                if reply.length is not None:
                    self.close_connection = True

            do_HEAD = do_GET

            def _drip(self) -> None:
                """A byte now and then: never silent, never finished."""
                while not outer.stopping.wait(0.05):
                    try:
                        self.wfile.write(b"x")
                    except OSError:
                        return

            def log_message(self, *arguments) -> None:
                return

        return Handler


class Registry:
    """The OCI registry of the lab, in memory, by http."""

    def __init__(self, program: Path, user: str = "", password: str = ""):
        self._login = (user, password)
        environment = {**os.environ, "REGISTRY_USER": user, "REGISTRY_PASSWORD": password}
        self._process = subprocess.Popen(
            [program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = f"oci://{self._process.stdout.readline().strip()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        self._process.communicate()

    def push(self, helm: Path, directory: Path, data: bytes, path: str = "charts") -> None:
        """Push a packed chart with Helm, as people do."""
        archive = directory / "pushed.tgz"
        archive.write_bytes(data)
        login = base64.b64encode(":".join(self._login).encode()).decode()
        config = directory / "registry.json"
        config.write_text(json.dumps({"auths": {self.url.removeprefix("oci://"): {"auth": login}}}))
        subprocess.run(
            [helm, "push", archive, f"{self.url}/{path}", "--plain-http", "--registry-config", config],
            check=True,
            capture_output=True,
        )
