# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching the commit that a GitRepo asks for into the cache, and its files from there."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ..errors import FleetError
from ..private_files import RunDirectory
from . import github_app
from .access import certificate_problem, check_connection, make_home, prepare_access, tls_context
from .credentials import Credentials
from .git_command import AnswerTooLarge, Completed, GitCommand, GitTimeout, check_version
from .git_errors import explain, unknown
from .git_tree import BrokenMirror, GitTree
from .gitrepo import GitRepo
from .mirror import Deadline, Mirror
from .refs import BRANCHES, TAGS, RemoteRefs, Wanted, is_commit
from .submodules import Submodule, TreeWithSubmodules
from .url import RepoUrl

DEFAULT_TIMEOUT = 300
"""Seconds for all that a fetch does, waiting for other runs included."""

_EVERYTHING = 2**31 - 1
"""The depth at which git fetches the whole history, also into a mirror that has a part of it."""

_LARGEST_REF_LISTING = 16 * 1024 * 1024

_REF_NOT_THERE = re.compile(r"couldn't find remote ref (\S+)")
_COMMIT_NOT_THERE = re.compile(r"not our ref|bad object|Unable to find [0-9a-f]{40} under")
_COMMIT_NOT_SERVED = re.compile(r"unadvertised object")
_SHALLOW_NOT_SERVED = re.compile(r"does not support shallow|shallow capabilities")
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded")


@dataclass(frozen=True)
class Fetched:
    """A commit (40 hex digits) and the files to deploy.

    ``tree`` is to be closed; it fetches submodules when it is asked for its files. ``warnings`` say
    what Fleet does and the user may not have meant.
    """

    commit: str
    tree: TreeWithSubmodules
    warnings: list[str] = field(default_factory=list)


def fetch(
    gitrepo: GitRepo,
    credentials: Credentials,
    cache: Path,
    run: RunDirectory,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    wanted: Wanted | None = None,
) -> Fetched:
    """Bring the mirror of ``gitrepo.repo`` up to date and open the tree that is to be deployed.

    ``cache`` is the cache directory, ``run`` takes the credentials while git runs, ``timeout`` is in
    seconds, ``wanted`` is another ref than those that the GitRepo names. One connection is made
    where the server has the ref; none for a commit that the mirror has. Raises FleetError, always
    with the GitRepo's name as its place.
    """
    try:
        return _Fetch(gitrepo, credentials, cache, run, timeout, wanted).fetch()
    except FleetError as error:
        raise error.at(gitrepo.place) from error


class _Fetch:
    """One call of :func:`fetch`."""

    def __init__(
        self,
        gitrepo: GitRepo,
        credentials: Credentials,
        cache: Path,
        run: RunDirectory,
        timeout: float,
        wanted: Wanted | None = None,
    ):
        gitrepo.validate()
        self.gitrepo = gitrepo
        self.credentials = credentials
        self.deadline = Deadline(timeout)
        self.wanted = wanted or Wanted.of(gitrepo)
        self.url = RepoUrl.parse(gitrepo.repo)
        credentials.check(self.url)
        self.run = run
        self.home = make_home(run)
        check_version(run.path)
        self.mirror = Mirror(cache, self.url)
        self.local = GitCommand(self.mirror.path, self.home)

    @cached_property
    def remote(self) -> GitCommand:
        """Git with all that it needs to reach the server."""
        self._exchange_github_app()
        access = prepare_access(self.url, self.gitrepo, self.credentials, self.run, self.home)
        environment = {**access.environment, **self.mirror.writer_environment}
        return GitCommand(self.mirror.path, self.home, access.settings, environment)

    def _exchange_github_app(self) -> None:
        app = self.credentials.github_app
        if app is not None:
            token = app.token(self.url, tls_context(self.gitrepo))
            self.credentials = replace(self.credentials, username=github_app.USER, password=token, github_app=None)

    def fetch(self) -> Fetched:
        with self.mirror.fetching(self.deadline):
            new = self.mirror.prepare(self.home, self.deadline)
            try:
                return self._update_and_open()
            except BrokenMirror as error:
                if new:
                    raise unknown(str(error), self.credentials) from error
            self.mirror.discard(self.deadline)
            self.mirror.prepare(self.home, self.deadline)
            try:
                return self._update_and_open()
            except BrokenMirror as error:
                raise unknown(str(error), self.credentials) from error

    def _update_and_open(self) -> Fetched:
        """Raises BrokenMirror where a mirror made anew may help."""
        if not self._has_pinned_commit():
            check_connection(self.url)
            self._update()
            self.mirror.tidy(self.remote, self.deadline)
        return self._open()

    def _has_pinned_commit(self) -> bool:
        """Whether a commit is asked for by its own name and was fetched before: then nothing can have changed."""
        if not is_commit(self.wanted.content):
            return False
        known = self._run_local("rev-parse", "--verify", "--quiet", _local_ref(self.wanted.content))
        return known.output.decode().strip() == self.wanted.content

    def _update(self) -> None:
        """Fetch what is wanted, as little of it as the server gives."""
        wanted = self.wanted.to_fetch
        errors = self._run_fetch(["--depth=1"], wanted)
        if errors and _SHALLOW_NOT_SERVED.search(errors):
            errors = self._run_fetch([], wanted)
        if errors and is_commit(self.wanted.content) and _COMMIT_NOT_SERVED.search(errors):
            errors = self._fetch_whole_history()
        if errors:
            raise self._failure(errors)

    def _fetch_whole_history(self) -> str:
        """For servers that give a commit only as part of a branch or tag. Returns git's errors, '' if none."""
        errors = self._run_fetch([f"--depth={_EVERYTHING}", "--prune"], [f"{BRANCHES}*", f"{TAGS}*"])
        if errors:
            return errors
        commit = self.wanted.content
        if self._run_local("cat-file", "-e", f"{commit}^{{commit}}").status != 0:
            return f"not our ref {commit}"
        self._run_local("update-ref", _local_ref(commit), commit)
        return ""

    def _run_fetch(self, options: list[str], wanted: list[str]) -> str:
        """Returns git's errors, '' if there are none."""
        refspecs = [f"+{ref}:{_local_ref(ref)}" for ref in wanted]
        arguments = ["--quiet", "--no-tags", "--no-auto-gc", "--no-write-fetch-head", "--update-shallow", *options]
        with self.mirror.unfinished():
            completed = self._run_remote("fetch", *arguments, "--", self.url.for_git(), *refspecs)
        if completed.status == 0:
            return ""
        if _DISK_FULL.search(completed.errors):
            self.mirror.mark_broken()
        return completed.errors or "git fetch failed without a word"

    def _failure(self, errors: str) -> FleetError:
        if _REF_NOT_THERE.search(errors):
            return self._remote_refs().missing(self.gitrepo)
        if is_commit(self.wanted.content) and _COMMIT_NOT_THERE.search(errors):
            return FleetError(
                f"the repository has no commit {self.wanted.content}",
                remedy="Check revision: it may have been removed by a force-push, or belong to another repository.",
            )
        if "verification failed" in errors:
            errors += certificate_problem(self.url, self.gitrepo.ca_bundle)
        known = explain(errors, self.url, self.credentials)
        if known is None:
            raise BrokenMirror(errors)
        return known

    def _remote_refs(self) -> RemoteRefs:
        listed = self._run_remote(
            "ls-remote", "--quiet", "--symref", "--", self.url.for_git(), "HEAD", f"{BRANCHES}*", f"{TAGS}*"
        )
        if listed.status != 0:
            raise explain(listed.errors, self.url, self.credentials) or unknown(listed.errors, self.credentials)
        return RemoteRefs.parse(listed.output.decode(errors="replace"))

    def _open(self) -> Fetched:
        content = _local_ref(self.wanted.content)
        named = self._run_local("rev-parse", f"{content}^{{commit}}", f"{content}^{{tree}}")
        if named.status != 0:
            raise self._no_commit(content, named.errors)
        commit, tree = named.output.decode().split()
        warnings = []
        if self.wanted.revision != self.wanted.content:
            commit = self._commit_of_revision()
            warnings.append(
                f"{self.gitrepo.place}: branch and revision are both set (branch-and-revision). As in Fleet, the "
                f"content is that of branch {self.gitrepo.branch}, and only the commit's name is that of revision "
                f"{self.gitrepo.revision}. Remove branch to deploy the revision."
            )
        lock = self.mirror.reading(self.deadline)
        try:
            root = GitTree(tree, self.local, self.mirror, lock)
            return Fetched(commit, TreeWithSubmodules(root, self.url, self._fetch_submodule), warnings)
        except BaseException:
            lock.release()
            raise

    def _fetch_submodule(self, submodule: Submodule) -> GitTree:
        """The tree of a submodule's commit. Its server gets the credentials only if it is the GitRepo's own."""
        same_server = submodule.url.server == self.url.server
        gitrepo = GitRepo(
            self.gitrepo.name,
            repo=submodule.url.for_git(),
            revision=submodule.commit,
            ca_bundle=self.gitrepo.ca_bundle,
            insecure_skip_tls_verify=self.gitrepo.insecure_skip_tls_verify and same_server,
        )
        credentials = self.credentials if same_server else Credentials()
        inner = _Fetch(gitrepo, credentials, self.mirror.cache, self.run, self.deadline.left)
        return inner.fetch().tree.root

    def _commit_of_revision(self) -> str:
        if is_commit(self.wanted.revision):
            return self.wanted.revision
        revision = _local_ref(self.wanted.revision)
        named = self._run_local("rev-parse", f"{revision}^{{commit}}")
        if named.status != 0:
            raise self._no_commit(revision, named.errors)
        return named.output.decode().strip()

    def _no_commit(self, ref: str, errors: str) -> Exception:
        """What to raise for a ref that leads to no commit: a tag may name a file or a directory."""
        kind = self._run_local("cat-file", "-t", f"{ref}^{{}}").output.decode().strip()
        if kind in ("blob", "tree"):
            return FleetError(
                f"revision {self.gitrepo.revision!r} does not name a commit but a {kind}",
                remedy="Use a tag that was made for a commit.",
            )
        return BrokenMirror(errors)

    def _run_local(self, *arguments: str) -> Completed:
        return self._in_time(self.local, *arguments)

    def _run_remote(self, *arguments: str) -> Completed:
        return self._in_time(self.remote, *arguments)

    def _in_time(self, git: GitCommand, *arguments: str) -> Completed:
        try:
            return git.run(*arguments, timeout=self.deadline.left, largest=_LARGEST_REF_LISTING)
        except GitTimeout:
            raise FleetError(
                f"the repository could not be fetched within {self.deadline.seconds:.0f} s",
                remedy="Raise timeout if the repository is large, else look at the network and the server.",
            ) from None
        except AnswerTooLarge:
            raise FleetError(
                "the repository has too many branches and tags to list",
                remedy="Check the names in branch and revision.",
            ) from None


def _local_ref(wanted: str) -> str:
    """The mirror's own ref for a remote ref or commit.

    A digest: a branch ``a/b`` may follow a deleted branch ``a``, and names may differ in case only.
    """
    if wanted.endswith("/*"):
        return f"refs/all/{wanted}"
    return f"refs/fleet/{hashlib.sha256(wanted.encode()).hexdigest()}"
