# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts from repositories, registries, archives and git, and the dependencies of charts: with the real servers."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.charts import chart_directory
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import decode_resource
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.single import build_single
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.chart.loader import ChartLoader
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts.credentials import (
    ChartAccess,
    HelmCredentials,
)
from ansible_collections.gitops.fleet.plugins.module_utils.source.directory_tree import DirectoryTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.memory_tree import MemoryTree
from charts import ChartServer, Registry, Reply, chart_files, packed, packed_chart
from git_repositories import Repository
from recording_server import Answer, RecordingServer

from lab import binaries
from lab.git_server import GitHttpServer

LOGIN = HelmCredentials(username="reader", password="tr0mbone-4711")
PLAIN = HelmCredentials(username="reader", password="tr0mbone-4711", basic_http=True)


@pytest.fixture(scope="session")
def helms() -> dict[str, Path]:
    return {name: binaries.directory() / name for name in ("helm4", "helm3")}


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with ChartServer() as server:
        yield server


@pytest.fixture
def registry(helms) -> Iterator[Registry]:
    with Registry(binaries.registry(), LOGIN.username, LOGIN.password) as registry:
        yield registry


class Build:
    """The outcome of building one bundle."""

    def __init__(self, bundle, loader: ChartLoader):
        self.warnings = loader.warnings
        self.is_lasting = loader.is_lasting
        self.spec = bundle.spec
        self.files = {item["name"]: decode_resource(item) for item in bundle.spec["resources"]}

    def chart(self, **helm: str) -> dict[str, bytes]:
        """The files of a fetched chart by their path in it."""
        prefix = chart_directory(helm) + "/"
        return {path.removeprefix(prefix): data for path, data in self.files.items() if path.startswith(prefix)}

    def version(self, name: str, **helm: str) -> str:
        return json.loads(self.chart(**helm)[f"{name}/Chart.yaml"])["version"]


@pytest.fixture
def build(tmp_path, cache, helms) -> Callable[..., Build]:
    """Builds a bundle of files, or of a directory, with these options."""

    def run(
        files: dict | Path | None = None,
        options: dict | None = None,
        *,
        access: ChartAccess | None = None,
        helm: str = "helm4",
        owner: str = "ws/apps",
        **loader,
    ) -> Build:
        tree = DirectoryTree(files) if isinstance(files, Path) else _tree(files or {})
        with RunDirectory(tmp_path) as run, HelmFinder(str(helms[helm]), run) as finder:
            chart_loader = ChartLoader(owner, access or ChartAccess(), finder.find, cache, run, **loader)
            bundle = build_single(tree, GitRepo("apps"), options, chart_loader)
            assert LOGIN.password not in _kept_texts(cache)
        return Build(bundle, chart_loader)

    return run


def _tree(files: dict) -> MemoryTree:
    return MemoryTree({path: text.encode() if isinstance(text, str) else text for path, text in files.items()})


def _kept_texts(cache: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in cache.rglob("*") if path.is_file())


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """The error that is raised says all of this, and no secret."""
    with pytest.raises(FleetError) as caught:
        yield
    for word in words:
        assert word in str(caught.value)
    assert LOGIN.password not in str(caught.value)


# Repositories


def test_the_newest_version_of_a_range_for_each_customization(server, build):
    for version in ("1.0.0", "1.10.0", "1.9.0", "2.0.0", "2.1.0-rc.1"):
        server.add("web", version)
    root = {"chart": "web", "repo": server.url, "version": "^1.0"}
    options = {
        "helm": root,
        "targetCustomizations": [
            {"name": "new", "clusterName": "a", "helm": {"version": "2.x"}},
            {"name": "newest", "clusterName": "b", "helm": {"version": ">= 2.0.0-0"}},
            {"name": "same", "clusterName": "c", "helm": {"values": {"size": 2}}},
        ],
    }
    built = build(options=options)
    assert built.version("web", **root) == "1.10.0"
    assert built.version("web", **{**root, "version": "2.x"}) == "2.0.0"
    assert built.version("web", **{**root, "version": ">= 2.0.0-0"}) == "2.1.0-rc.1"
    assert len({path.split("/")[1] for path in built.files}) == 3
    assert server.asked("/index.yaml") == 1
    assert not built.is_lasting


def test_a_version_is_fetched_once_and_then_never_again(server, build, cache):
    server.add("web", "1.2.3")
    options = {"helm": {"chart": "web", "repo": server.url, "version": "1.2.3"}}
    first = build(options=options)
    assert first.is_lasting
    server.requests.clear()
    server.replies.clear()
    assert build(options=options).files == first.files
    assert server.requests == []
    # What was damaged in the cache is not used.
    (archive,) = [path for path in (cache / "charts").iterdir() if path.is_file()]
    archive.write_bytes(b"other")
    with refused("404"):
        build(options=options)


def test_a_range_is_resolved_anew_but_an_archive_is_not_fetched_twice(server, build):
    server.add("web", "1.2.3")
    options = {"helm": {"chart": "web", "repo": server.url, "version": "1.x"}}
    build(options=options)
    server.requests.clear()
    build(options=options)
    assert [path for path, _login in server.requests] == ["/index.yaml"]
    server.add("web", "1.3.0")
    assert build(options=options).version("web", **options["helm"]) == "1.3.0"


def test_the_login_is_sent_where_the_pattern_says(build):
    with ChartServer(login="reader:tr0mbone-4711") as server:
        server.add("web", "1.2.3")
        options = {"helm": {"chart": "web", "repo": server.url, "version": "1.2.3"}}
        with refused("401", "helm_repo_url_regex is empty"):
            build(options=options, access=ChartAccess(LOGIN))
        with refused("401", "does not match"):
            build(options=options, access=ChartAccess(LOGIN, url_regex="https://x/"))
        with refused("401", "does not match"):
            build(options=options, access=ChartAccess(LOGIN, url_regex="//127.0.0.1"))
        assert {login for _path, login in server.requests} == {""}
        access = ChartAccess(LOGIN, url_regex=server.url)
        assert build(options=options, access=access).version("web", **options["helm"]) == "1.2.3"
        # It was fetched with a login: nobody else gets it from the cache.
        with refused("401"):
            build(options=options, owner="ws/other")
        for_paths = ChartAccess(for_paths={".": LOGIN}, url_regex=server.url)
        assert build(options=options, access=for_paths, owner="ws/third").files


def test_the_login_stays_with_its_server(server, build):
    access = ChartAccess(LOGIN, url_regex=server.url)
    with ChartServer() as other:
        data = packed_chart("web", "1.0.0")
        other.put("/web.tgz", data)
        server.put("/web.tgz", b"", status=302, location=f"{other.url}/web.tgz")
        assert build(options={"helm": {"chart": f"{server.url}/web.tgz"}}, access=access).files
        server.add("web", "2.0.0", url=f"{other.url}/web.tgz", digest="")
        assert build(options={"helm": {"chart": "web", "repo": server.url}}, access=access).files
        assert {login for _path, login in server.requests} == {"reader:tr0mbone-4711"}
        assert [login for _path, login in other.requests] == ["", ""]


def test_certificates_are_checked(tmp_path, build):
    server = RecordingServer()
    server.answer = lambda request: Answer(body=packed_chart("web", "1.0.0"))
    server.start(tmp_path)
    options = {"helm": {"chart": f"{server.url}/web.tgz"}}
    try:
        with refused("certificate is not trusted", "ca_bundle"):
            build(options=options)
        trusting = HelmCredentials(ca_bundle=server.authority.pem.decode())
        assert build(options=options, access=ChartAccess(trusting)).files
        assert build(options=options, access=ChartAccess(HelmCredentials(insecure_skip_tls_verify=True))).files
        server.answer = lambda request: Answer(302, headers={"Location": "http://127.0.0.1:1/web.tgz"})
        with refused("redirects from https"):
            build(options=options, access=ChartAccess(trusting))
        # Helm trusts the same.
        files = {f"app/{path}": text for path, text in umbrella(_redis(server.url)).items()}
        entry = {"apiVersion": "v2", "name": "redis", "version": "1.0.0", "urls": [f"{server.url}/redis-1.0.0.tgz"]}
        index = json.dumps({"apiVersion": "v1", "entries": {"redis": [entry]}})
        server.answer = lambda request: Answer(
            body=index.encode() if request.path == "/index.yaml" else packed_chart("redis", "1.0.0")
        )
        with refused("certificate is not trusted"):
            build(files, {"helm": {"chart": "app"}})
        for helm in ("helm4", "helm3"):
            built = build(files, {"helm": {"chart": "app"}}, access=ChartAccess(trusting), helm=helm)
            assert "app/charts/redis-1.0.0.tgz" in built.files
    finally:
        server.close()


# Archives


def test_archives_with_checksum_kind_and_directory(server, build):
    data = packed({"repo-main/charts/web/" + path: text for path, text in chart_files("web", "1.0.0").items()})
    server.put("/download?token=a%2Fb", data)
    digest = hashlib.sha256(data).hexdigest()
    base = f"{server.url}/download//repo-main/charts/web?archive=tar.gz&token=a%2Fb"
    chart = f"{base}&checksum=sha256:{digest}"
    built = build(options={"helm": {"chart": chart}})
    assert sorted(built.chart(chart=chart)) == ["Chart.yaml", "templates/cm.yaml", "values.yaml"]
    assert built.is_lasting
    server.replies.clear()
    assert build(options={"helm": {"chart": chart}}).files == built.files
    server.put("/download?token=a%2Fb", data)
    with refused("the sha512 checksum is", "not abcd"):
        build(options={"helm": {"chart": f"{server.url}/download?token=a%2Fb&archive=tgz&checksum=sha512:abcd"}})
    with refused("no directory nowhere"):
        build(options={"helm": {"chart": f"{server.url}/download//nowhere?archive=tgz&token=a%2Fb"}})


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(packed({"../evil": "x"})), ["leads out of the archive"]),
        (Reply(packed({"/etc/evil": "x"})), ["leads out of the archive"]),
        (Reply(packed({"zeros": b"\0" * (101 * 1024 * 1024)})), ["MiB when it is unpacked"]),
        (Reply(b"<html>"), ["not packed as its name says"]),
        (Reply(packed({"web/Chart.yaml": "x"})[:-20]), ["is broken"]),
        (Reply(b"", status=302, location="/web.tgz"), ["redirected more than 10 times"]),
        (Reply(b"", status=302, location="file:///etc/passwd"), ["no http address"]),
        (Reply(b"x" * 10, length=1000), ["broke off"]),
        (Reply(length=200 * 1024 * 1024), ["has more than 100 MiB"]),
        (Reply(b"gone", status=410), ["answered 410"]),
        (Reply(length=1000, drip=True), ["was not there after 1 s"]),
    ],
)
def test_bad_archives(server, build, reply, words):
    server.replies["/web.tgz"] = reply
    with refused("web.tgz", *words):
        build(options={"helm": {"chart": f"{server.url}/web.tgz"}}, timeout=1 if reply.drip else 60)


def test_bad_indexes(server, build):
    helm = {"chart": "web", "repo": server.url}
    server.add("web", "1.0.0", digest="0" * 64)
    with refused("the sha256 checksum is"):
        build(options={"helm": helm})
    server.add("web", "1.1.0", url="/etc/passwd")
    server.add("web", "1.2.0", url="../../etc/passwd")
    with refused("404"):
        build(options={"helm": helm})
    with refused("no version of chart web that ^3", "1.2.0, 1.1.0, 1.0.0"):
        build(options={"helm": {**helm, "version": "^3"}})
    with refused("no chart 'wep'"):
        build(options={"helm": {**helm, "chart": "wep"}})
    with refused("neither a version nor a range"):
        build(options={"helm": {**helm, "version": "latest"}})
    server.put("/index.yaml", b"entries:\n" + b"  # filler\n" * 20_000_000)
    with refused("index.yaml", "has more than 64 MiB"):
        build(options={"helm": helm})


# Git


def test_charts_in_git(tmp_path, build):
    repository = Repository(tmp_path / "served" / "charts.git")
    files = {f"charts/web/{path}": text for path, text in chart_files("web", "1.0.0").items()}
    first = repository.commit(files | {"top.yaml": ""})
    repository.git("tag", "v1", first)
    repository.commit({path: text.replace("1.0.0", "2.0.0") for path, text in files.items()}, "next")
    with GitHttpServer(tmp_path / "served", users={"reader": LOGIN.password}) as server:
        access = ChartAccess(LOGIN, url_regex="git::http://127.0.0.1")
        for ref, version in (("", "1.0.0"), ("v1", "1.0.0"), ("next", "2.0.0"), (first, "1.0.0")):
            query = f"?ref={ref}&depth=3" if ref else ""
            chart = f"git::{server.url}/charts.git//charts/web{query}"
            built = build(options={"helm": {"chart": chart}}, access=access)
            assert json.loads(built.chart(chart=chart)["Chart.yaml"])["version"] == version
            assert sorted(built.chart(chart=chart)) == ["Chart.yaml", "templates/cm.yaml", "values.yaml"]
            assert built.is_lasting == (ref == first)
        with refused("no branch or tag 'nope'"):
            build(options={"helm": {"chart": f"git::{server.url}/charts.git?ref=nope"}}, access=access)
        with refused("charts.git"):
            build(options={"helm": {"chart": f"git::{server.url}/charts.git"}})


# Registries


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_charts_of_a_registry(registry, helms, tmp_path, build, helm):
    for version in ("1.0.0", "1.2.0", "2.0.0", "2.1.0-rc.1"):
        registry.push(helms["helm4"], tmp_path, packed_chart("web", version))
    address = f"{registry.url}/charts/web"
    access = ChartAccess(PLAIN, url_regex="oci://127.0.0.1")
    for options, version in (({"version": "^1.0"}, "1.2.0"), ({}, "2.0.0"), ({"version": "2.1.0-rc.1"}, "2.1.0-rc.1")):
        for place in ("repo", "chart"):
            built = build(options={"helm": {place: address, **options}}, access=access, helm=helm)
            assert built.version("web", **{place: address, **options}) == version
    with refused("helm_repo_url_regex"):
        build(options={"helm": {"repo": address, "version": "1.0.0"}}, access=ChartAccess(PLAIN), helm=helm)
    with refused("web"):
        build(options={"helm": {"repo": address, "version": "^7"}}, access=access, helm=helm)


def test_a_version_of_a_registry_is_fetched_once(helms, tmp_path, build):
    with Registry(binaries.registry()) as registry:
        registry.push(helms["helm4"], tmp_path, packed_chart("web", "1.0.0"))
        options = {"helm": {"repo": f"{registry.url}/charts/web", "version": "1.0.0"}}
        access = ChartAccess(HelmCredentials(basic_http=True))
        first = build(options=options, access=access)
    assert build(options=options, access=access).files == first.files


def test_a_registry_that_is_slow_or_stops_halfway(server, build):
    access = ChartAccess(HelmCredentials(basic_http=True))
    options = {"helm": {"repo": f"{server.url.replace('http:', 'oci:')}/charts/web", "version": "1.0.0"}}
    manifest = "application/vnd.oci.image.manifest.v1+json"
    server.replies["/v2/charts/web/manifests/1.0.0"] = Reply(length=100_000, drip=True, content_type=manifest)
    with refused("did not end in time"):
        build(options=options, access=access, timeout=1)
    server.replies["/v2/charts/web/manifests/1.0.0"] = Reply(b"{", length=100_000, content_type=manifest)
    with refused("oci://"):
        build(options=options, access=access)


# Dependencies


def _redis(repository: str) -> dict[str, str]:
    return {"name": "redis", "version": "1.x", "repository": repository}


def umbrella(*dependencies: dict) -> dict[str, str]:
    return chart_files("app", "1.0.0", dependencies=list(dependencies))


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_dependencies_are_loaded_without_touching_the_source(server, registry, helms, tmp_path, build, helm):
    for version in ("1.0.0", "1.5.0", "2.0.0"):
        server.add("redis", version)
        registry.push(helms["helm4"], tmp_path, packed_chart("mongo", version))
    source = tmp_path / "source"
    files = {
        **{
            f"app/{path}": text
            for path, text in umbrella(
                {"name": "redis", "version": "^1.0", "repository": server.url},
                {"name": "mongo", "version": "1.0.0", "repository": f"{registry.url}/charts"},
                {"name": "common", "version": "*", "repository": "file://../lib/common"},
            ).items()
        },
        **{f"lib/common/{path}": text for path, text in chart_files("common", "3.0.0").items()},
    }
    for path, text in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    options = {"helm": {"chart": "app"}}
    access = ChartAccess(PLAIN, url_regex="oci://127.0.0.1")
    built = build(source, options, access=access, helm=helm)
    assert set(built.files) - files.keys() == {
        "app/Chart.lock",
        "app/charts/redis-1.5.0.tgz",
        "app/charts/mongo-1.0.0.tgz",
        "app/charts/common-3.0.0.tgz",
    }
    assert {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()} == files.keys()
    (warning,) = built.warnings
    assert "helm dependency build app" in warning
    assert "redis 1.5.0, mongo 1.0.0, common 3.0.0" in warning
    # No time is in it: the same input gives the same bundle, whenever it is built.
    assert build(source, options, access=access, helm=helm).files == built.files
    with refused("app/Chart.yaml", "needs redis, mongo, common", "`helm dependency build app`"):
        build(source, options, access=access, dependency_update="never")
    off = {"helm": {"chart": "app", "disableDependencyUpdate": True}}
    assert set(build(source, off, access=access).files) == files.keys()


def test_the_lock_file_is_followed_and_works_offline(server, tmp_path, build, helms):
    server.add("redis", "1.0.0")
    chart = tmp_path / "app"
    for path, text in umbrella({"name": "redis", "version": "^1.0", "repository": server.url}).items():
        (chart / path).parent.mkdir(parents=True, exist_ok=True)
        (chart / path).write_text(text)
    subprocess.run([helms["helm4"], "dependency", "update", chart], check=True, capture_output=True)
    server.add("redis", "1.5.0")
    vendored = {path.name for path in (chart / "charts").iterdir()}
    assert "charts/redis-1.5.0.tgz" in build(chart, dependency_update="always").files
    (chart / "charts" / vendored.pop()).unlink()
    built = build(chart)
    assert "charts/redis-1.0.0.tgz" in built.files
    assert "Chart.lock was followed" in built.warnings[0]
    server.replies.clear()
    server.requests.clear()
    assert build(chart).files == built.files
    assert server.requests == []
    (chart / "Chart.yaml").write_text((chart / "Chart.yaml").read_text().replace("^1.0", "~1.5"))
    server.add("redis", "1.5.0")
    assert "charts/redis-1.5.0.tgz" in build(chart).files


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("file:///etc", ["is an absolute path"]),
        ("file://../../../../etc", ["leads out of the repository"]),
        ("file://../nowhere", ["is no directory of the repository"]),
        ("@mine", ["cannot be loaded"]),
        ("FILE:///etc", ["cannot be loaded"]),
        ("http://127.0.0.1:1/charts", ["cannot be loaded", "helm dependency build app"]),
    ],
)
def test_dependencies_that_cannot_be_loaded(build, repository, words):
    dependency = {"name": "common", "version": "1.0.0", "repository": repository}
    files = {f"app/{path}": text for path, text in umbrella(dependency).items()}
    with refused("app/Chart.yaml", "common" if "file:" in repository else "app", *words):
        build(files, {"helm": {"chart": "app"}})


@pytest.mark.parametrize("name", ["requirements.yaml", "Chart.lock", "requirements.lock"])
def test_no_other_file_of_a_chart_leads_out_of_the_repository(server, build, name):
    server.add("redis", "1.0.0")
    other = json.dumps({"dependencies": [{"name": "redis", "version": "1.0.0", "repository": "file:///etc/chart"}]})
    files = {f"app/{path}": text for path, text in umbrella(_redis(server.url)).items()}
    with refused("redis (file:///etc/chart)", "is an absolute path"):
        build({**files, f"app/{name}": other}, {"helm": {"chart": "app"}})
