# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache: runs at the same time, runs that are killed, damage, full and unwritable disks, secrets."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.mirror import Deadline, Mirror
from ansible_collections.gitops.fleet.plugins.module_utils.source.url import RepoUrl
from git_repositories import Repository

PASSWORD = "correct horse 1729"

RUN = """
import sys
from pathlib import Path
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
repo, branch, cache, runs = sys.argv[1:5]
login = sys.stdin.read().split("\\n") if len(sys.argv) > 5 else ["", ""]
with RunDirectory(Path(runs)) as run:
    fetched = fetch(GitRepo("apps", repo=repo, branch=branch), Credentials(*login), Path(cache), run)
    with fetched.tree as tree:
        files = tree.read(tree.entries())
    print(fetched.commit, len(files), flush=True)
"""


@pytest.fixture
def runs(tmp_path) -> Path:
    path = tmp_path / "runs"
    path.mkdir()
    return path


@pytest.fixture
def start(cache, runs):
    """Starts a run in a process of its own."""

    def process(repo, branch="main", *, login: tuple[str, str] | None = None, **options) -> subprocess.Popen:
        arguments = [sys.executable, "-c", RUN, str(repo), branch, str(cache), str(runs), *(["login"] if login else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        started = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            **options,
        )
        if login:
            started.stdin.write("\n".join(login))
        started.stdin.close()
        started.stdin = None
        return started

    return process


def finished(process: subprocess.Popen) -> str:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output.strip()


def large(repository: Repository, megabytes: int) -> str:
    return repository.commit({f"random-{n}": random.randbytes(1024 * 1024) for n in range(megabytes)})


def mirror_of(cache: Path) -> Path:
    (found,) = [path for path in (cache / "git").iterdir() if path.is_dir()]
    return found


def git_processes(cache: Path) -> list[str]:
    """The command lines of processes that write into a mirror of this cache."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"GITOPS_FLEET_WRITES_INTO={cache}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


class TestAtTheSameTime:
    def test_runs_of_the_same_and_of_other_branches(self, repository, start):
        commits = {f"b{number}": repository.commit({"a": str(number)}, branch=f"b{number}") for number in range(3)}
        running = [(branch, start(repository.path, branch)) for branch in commits for _time in range(2)]
        for branch, process in running:
            assert finished(process) == f"{commits[branch]} 1"

    def test_threads_of_one_run(self, repository, cache, tmp_path):
        commits = {f"b{number}": repository.commit({"a": str(number)}, branch=f"b{number}") for number in range(4)}
        found = {}

        def take(branch):
            fetched = fetch(GitRepo("apps", repo=str(repository.path), branch=branch), Credentials(), cache, run)
            with fetched.tree as tree:
                found[branch] = (fetched.commit, tree.read(["a"]))

        with RunDirectory(tmp_path) as run:
            threads = [threading.Thread(target=take, args=(branch,)) for branch in commits]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert found == {branch: (commits[branch], {"a": branch[1:].encode()}) for branch in commits}

    def test_a_reader_is_not_disturbed_by_later_runs(self, repository, cache, tmp_path, snapshot):
        with RunDirectory(tmp_path) as run:
            fetched = fetch(GitRepo("apps", repo=str(repository.path), branch="main"), Credentials(), cache, run)
            with fetched.tree as tree:
                for number in range(33):
                    repository.commit({"a": str(number)})
                    snapshot(repo=str(repository.path), branch="main")
                assert tree.read(["app/cm.yaml"]) == {"app/cm.yaml": b"kind: ConfigMap\n"}

    def test_waiting_for_another_run_has_an_end(self, repository, cache, snapshot):
        mirror = Mirror(cache, RepoUrl.parse(str(repository.path)))
        with mirror.fetching(Deadline(1)), pytest.raises(FleetError, match="another run has been busy .* for 1 s"):
            snapshot(repo=str(repository.path), branch="main", timeout=1)
        assert snapshot(repo=str(repository.path), branch="main").files


class TestKilled:
    def test_at_many_moments_and_the_next_run_is_well(self, repository, start, cache, runs, snapshot):
        commit = large(repository, 12)
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        moments = random.Random(seed)
        for _time in range(8):
            process = start(repository.path)
            time.sleep(moments.uniform(0.05, 0.7))
            process.kill()
            process.communicate()
        taken = snapshot(repo=str(repository.path), branch="main")
        assert (taken.commit, len(taken.files)) == (commit, 12)
        assert git_processes(cache) == []
        assert not [*mirror_of(cache).rglob("tmp_*"), *mirror_of(cache).rglob("*.lock")]
        with RunDirectory(runs) as run:
            assert [path for path in runs.iterdir() if path != run.path] == []

    def test_while_a_silent_server_keeps_git_waiting(self, repository, start, cache, snapshot):
        """Git outlives the run that started it; the next run ends it instead of waiting for it."""
        large(repository, 4)
        stopped = self._stopped_fetch(repository, start, cache)
        taken = snapshot(repo=str(repository.path), branch="main", timeout=30)
        assert len(taken.files) == 4
        assert git_processes(cache) == []
        assert stopped.wait() == -signal.SIGKILL

    def _stopped_fetch(self, repository, start, cache) -> subprocess.Popen:
        process = start(repository.path)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for found in Path("/proc").glob("[0-9]*"):
                try:
                    if f"GITOPS_FLEET_WRITES_INTO={cache}".encode() in (found / "environ").read_bytes():
                        os.kill(int(found.name), signal.SIGSTOP)
                        process.kill()
                        process.communicate()
                        return process
                except OSError:
                    continue
        raise AssertionError("no git process was seen")

    def test_interrupted_and_no_git_process_is_left(self, repository, start, cache):
        large(repository, 12)
        process = start(repository.path)
        while not git_processes(cache) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert git_processes(cache) == []


def cut_pack(mirror):
    for pack in mirror.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:40])


def lose_pack(mirror):
    for pack in mirror.glob("objects/pack/*"):
        pack.unlink()


def lose_head(mirror):
    (mirror / "HEAD").unlink()


def spoil_config(mirror):
    (mirror / "config").write_text("[core\n")


def spoil_refs(mirror):
    for ref in (mirror / "refs/fleet").iterdir():
        ref.write_text("nonsense\n")


def leave_locks(mirror):
    for ref in (mirror / "refs/fleet").iterdir():
        ref.with_suffix(".lock").touch()
    (mirror / "shallow.lock").touch()


def make_it_a_file(mirror):
    mirror.rename(mirror.with_name("elsewhere"))
    mirror.write_text("x")


DAMAGES = [cut_pack, lose_pack, lose_head, spoil_config, spoil_refs, leave_locks, make_it_a_file]


class TestDamaged:
    @pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
    def test_it_is_made_anew(self, repository, cache, snapshot, damage):
        snapshot(repo=str(repository.path), branch="main")
        damage(mirror_of(cache))
        assert snapshot(repo=str(repository.path), branch="main").files == {"app/cm.yaml": b"kind: ConfigMap\n"}
        commit = repository.commit({"new": "1"})
        assert snapshot(repo=str(repository.path), branch="main").commit == commit

    def test_a_pinned_commit_is_fetched_again(self, repository, cache, snapshot):
        commit = repository.git("rev-parse", "main")
        snapshot(repo=str(repository.path), revision=commit)
        for pack in mirror_of(cache).glob("objects/pack/*"):
            pack.unlink()
        assert snapshot(repo=str(repository.path), revision=commit).files

    def test_damage_that_only_reading_finds(self, repository, cache, snapshot, tmp_path):
        """The run fails with the remedy, and the next one is well."""
        content = random.randbytes(200_000)
        repository.commit({"a": content})
        snapshot(repo=str(repository.path), branch="main")
        (pack,) = mirror_of(cache).glob("objects/pack/*.pack")
        pack.chmod(0o600)
        spoilt = bytearray(pack.read_bytes())
        spoilt[100_000:100_100] = bytes(100)
        pack.write_bytes(spoilt)
        with pytest.raises(FleetError, match="is damaged.*Run this again"):
            snapshot(repo=str(repository.path), branch="main")
        assert snapshot(repo=str(repository.path), branch="main").files == {"a": content}


def test_many_small_packs_are_put_together(repository, cache, snapshot):
    for number in range(33):
        commit = repository.commit({"a": str(number)})
        taken = snapshot(repo=str(repository.path), branch="main")
        assert (taken.commit, taken.files) == (commit, {"a": str(number).encode()})
    assert len(list(mirror_of(cache).glob("objects/pack/*.pack"))) < 33


def test_mirrors_that_nobody_asks_for_are_removed(repository, cache, snapshot, tmp_path):
    """After 30 days, unless somebody reads one of them."""
    for name in ("idle", "read", "recent"):
        Repository(tmp_path / f"{name}.git").commit({"a": "1"})
        snapshot(repo=str(tmp_path / f"{name}.git"), branch="main")
    mirrors = {name: Mirror(cache, RepoUrl.parse(str(tmp_path / f"{name}.git"))) for name in ("idle", "read", "recent")}
    long_ago = time.time() - 31 * 24 * 3600
    for name in ("idle", "read"):
        os.utime(mirrors[name].path.with_suffix(".fetch.lock"), (long_ago, long_ago))
    reader = mirrors["read"].reading(Deadline(1))
    snapshot(repo=str(repository.path), branch="main")
    reader.release()
    assert {name: mirror.path.exists() for name, mirror in mirrors.items()} == {
        "idle": False,
        "read": True,
        "recent": True,
    }
    assert snapshot(repo=str(tmp_path / "idle.git"), branch="main").files == {"a": b"1"}


def test_modes_of_what_is_in_the_cache(repository, cache, snapshot):
    snapshot(repo=str(repository.path), branch="main")
    assert (cache / "git").stat().st_mode & 0o777 == 0o700
    assert mirror_of(cache).stat().st_mode & 0o777 == 0o700
    assert not list(mirror_of(cache).glob("hooks/*"))


class TestNoRoom:
    @pytest.fixture
    def small_disk(self, tmp_path) -> Iterator[Path]:
        """A disk of two megabytes."""
        path = tmp_path / "small"
        path.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)], capture_output=True, text=True, check=False
        )
        if mounted.returncode != 0:
            pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
        yield path
        subprocess.run(["umount", str(path)], check=True)

    @pytest.fixture
    def cache(self, small_disk) -> Path:
        return small_disk / "cache"

    def test_the_disk_gets_full_while_git_fetches(self, repository, small_disk, snapshot):
        large(repository, 4)
        with pytest.raises(FleetError, match=r"disk of the cache directory is full\. Make room"):
            snapshot(repo=str(repository.path), branch="main")
        repository.commit({"small": "1"})
        assert snapshot(repo=str(repository.path), branch="main").files == {"small": b"1"}
        assert sum(file.stat().st_size for file in small_disk.rglob("*") if file.is_file()) < 200_000

    def test_the_disk_is_full_before(self, repository, small_disk, cache, snapshot):
        cache.mkdir()
        with pytest.raises(OSError, match="No space"), open(small_disk / "filler", "wb") as filler:
            filler.write(b"x" * 4 * 1024 * 1024)
        with pytest.raises(FleetError, match=r"No space left on device.*Make room"):
            snapshot(repo=str(repository.path), branch="main")

    def test_the_disk_is_read_only(self, repository, small_disk, cache, snapshot):
        cache.mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with pytest.raises(FleetError, match="cache cannot be written: Read-only file system.*cache_dir"):
            snapshot(repo=str(repository.path), branch="main")


def test_a_cache_that_is_a_file(repository, tmp_path):
    (tmp_path / "file").touch()
    with RunDirectory(tmp_path) as run, pytest.raises(FleetError, match="cache cannot be written: Not a directory"):
        fetch(
            GitRepo("apps", repo=str(repository.path), branch="main"), Credentials(), tmp_path / "file" / "cache", run
        )


class TestSecrets:
    SECRET = "tr0mbone-planted-4711"

    @pytest.fixture
    def http_server(self, repository, tmp_path):
        from lab.git_server import GitHttpServer

        with GitHttpServer(tmp_path / "served", users={"reader": self.SECRET}) as server:
            yield server

    def test_none_in_arguments_environment_or_cache(self, repository, http_server, start, cache, runs):
        large(repository, 8)
        seen, done = [], threading.Event()
        watcher = threading.Thread(target=self._watch, args=(seen, done))
        watcher.start()
        try:
            for _time in range(3):
                finished(start(f"{http_server.url}/team/apps.git", login=("reader", self.SECRET)))
                repository.commit({"a": str(random.random())})
        finally:
            done.set()
            watcher.join()
        assert any("remote-http" in line for line in seen)
        assert not any(self.SECRET in line for line in seen)
        for path in cache.rglob("*"):
            assert self.SECRET not in path.name
            if path.is_file():
                assert self.SECRET.encode() not in path.read_bytes()
        assert list(runs.iterdir()) == []

    def _watch(self, seen: list[str], done: threading.Event) -> None:
        """Arguments and environment of every process below this one, again and again."""
        while not done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    for name in ("cmdline", "environ"):
                        seen.append((process / name).read_bytes().decode(errors="replace").replace("\0", " "))
                except OSError:
                    continue
            time.sleep(0.02)
