# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories are bundles, what they hold, and what they are called."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ...bundle.bundle import Bundle
from ...bundle.names import MAX_RELEASE_NAME, helm_release_name
from ...bundle.validation import validate
from ...errors import FleetError
from ...source import ignore
from ...source.scan import OPTIONS_FILES, find_bundles
from ...source.tree_index import join
from ..bundle_view import OVERLAYS, TEMPLATES, BundleView
from ..document import Document
from ..finding import ERROR, NOTE, WARNING, Found, Place
from ..repository import IgnoreFile, Repository
from ..rule import rule
from ..schema import WRONG_TYPE

_YAML = (".yaml", ".yml")
_WITH_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?$")
_OBJECT = re.compile(rb"^kind:", re.MULTILINE)


@rule("fleet-fails", ERROR, BundleView, "what Fleet cannot read")
def fleet_fails(bundle: BundleView) -> Iterator[Found]:
    # Only reading them finds what is wrong with them.
    bundle.read_all()
    error = bundle.problem
    if error is None or any(problem.rule == WRONG_TYPE for problem in bundle.schema):
        return
    yield _place_of(error, bundle.place()).says(f"Fleet fails here: {error.problem}", instead_of(error.remedy))


def _place_of(error: FleetError, otherwise: Place) -> Place:
    match = _WITH_LINE.match(error.place)
    if match:
        return Place(match["path"], int(match["line"]))
    return Place(error.place) if error.place and " " not in error.place else otherwise


def instead_of(remedy: str) -> str:
    """What an error says to do, as a part of a sentence."""
    return remedy[:1].lower() + remedy[1:].rstrip(".") or "correct it"


@rule("invalid-name", ERROR, BundleView, "a name of a bundle or release that Kubernetes or Helm does not take")
def invalid_name(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem:
        return
    try:
        validate(Bundle(bundle.name, "", bundle.bundle.spec))
    except FleetError as error:
        steps = ("name",) if bundle.fields.get("name") else ()
        if "releaseName" in error.problem:
            steps = ("helm", "releaseName")
        yield bundle.value_place(*steps).says(
            f"Fleet cannot make this bundle: {error.problem}", instead_of(error.remedy)
        )


@rule("bundle-name-digest", NOTE, BundleView, "a path of which no plain name can be made")
def bundle_name_digest(bundle: BundleView) -> Iterator[Found]:
    if bundle.fields.get("name") or not bundle.resources:
        return
    path = posixpath.normpath(bundle.root.spelled).strip("./").replace("/", "-")
    is_odd = bool(path) and helm_release_name(path) != re.sub("-+", "-", path).strip("-")
    is_long = len(f"{bundle.settings.name}-{path}") > MAX_RELEASE_NAME
    if is_odd or is_long:
        why = "has other characters than a-z, 0-9 and -" if is_odd else "makes it too long"
        yield bundle.place().says(
            f"Fleet calls this bundle {bundle.name}, with a digest, because its path {why}",
            "write name: in its fleet.yaml, before it is deployed for the first time",
        )


@rule("bundle-name-twice", ERROR, Repository, "two bundles of one name")
def bundle_name_twice(repository: Repository) -> Iterator[Found]:
    known: dict[str, BundleView] = {}
    for bundle in repository.bundles:
        if not bundle.resources and not bundle.has_remote_chart:
            continue
        other = known.setdefault(bundle.name, bundle)
        if other is not bundle and (other.directory, other.root.options) != (bundle.directory, bundle.root.options):
            yield bundle.place("name").says(
                f"Fleet calls the bundle of {other.directory or '.'} {bundle.name} too, and deploys only one of them",
                "give one of them another name",
            )


@rule("bundle-from-hidden-yaml", WARNING, BundleView, "a bundle that is one only because of hidden files")
def bundle_from_hidden_yaml(bundle: BundleView) -> Iterator[Found]:
    if bundle.options_path or bundle.root.options or _is_hidden(bundle.directory):
        return
    found = [path for path in _unclaimed_yaml(bundle) if not _is_hidden(_below(bundle, path))]
    hidden = [path for path in _unclaimed_yaml(bundle) if _is_hidden(_below(bundle, path))]
    if hidden and not found and bundle.resources:
        yield Place(hidden[0]).says(
            f"Fleet takes this hidden file for a reason to make the bundle {bundle.name} of "
            f"{bundle.directory or 'the repository'}, and deploys nothing by it",
            "name the directories with bundles in paths of the GitRepo",
        )


def _unclaimed_yaml(bundle: BundleView) -> Iterator[str]:
    """YAML below a bundle that no deeper fleet.yaml claims."""
    index = bundle.files.index
    # A link to a directory is a bundle too, but not walked.
    pending = [bundle.directory] if index.is_directory(bundle.directory) else []
    while pending:
        directory = pending.pop()
        children = index.children(directory)
        if any(name in children for name in OPTIONS_FILES):
            continue
        for name, is_directory in children.items():
            if is_directory:
                pending.append(join(directory, name))
            elif name.endswith(_YAML):
                yield join(directory, name)


@rule("deploys-nothing", WARNING, BundleView, "a raw bundle without any manifest")
def deploys_nothing(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem or not bundle.resources or bundle.has_remote_chart:
        return
    if not all(bundle.style(section).is_raw for section in bundle.sections):
        return
    overlays = any(name.startswith(OVERLAYS) for name in bundle.resources) and any(
        (section.options.get("yaml") or {}).get("overlays") for section in bundle.sections
    )
    templates = any(name.startswith(TEMPLATES) for name in bundle.resources)
    if overlays or templates or any(_is_object(manifest.value) for manifest in bundle.raw_manifests):
        return
    if not all(manifest.is_readable for manifest in bundle.raw_manifests) or list(
        bundle_from_hidden_yaml.check(bundle)
    ):
        return
    yield bundle.place().says(
        f"Fleet makes the bundle {bundle.name} of {bundle.directory or 'the repository'}, and there is no manifest in "
        "it to deploy",
        "name the directories with bundles in paths of the GitRepo, or put manifests here",
    )


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and bool(value.get("kind"))


@rule("empty-bundle", WARNING, BundleView, "a fleet.yaml with nothing to deploy")
def empty_bundle(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem or bundle.resources or bundle.has_remote_chart or _is_hidden(bundle.directory):
        return
    yield bundle.place().says(
        f"Fleet makes no bundle of {bundle.directory or 'the repository'}, in which it finds no file to deploy",
        "put files to deploy here, or remove it",
    )


@rule("hidden-bundle", ERROR, BundleView, "a bundle in a hidden directory")
def hidden_bundle(bundle: BundleView) -> Iterator[Found]:
    if _is_hidden(bundle.directory.rpartition("/")[2]) and not bundle.resources:
        yield bundle.place().says(
            "Fleet reads no file of a directory whose name begins with a dot, and makes no bundle of it",
            "give the directory another name",
        )


@rule("hidden-manifest", NOTE, BundleView, "a manifest whose name begins with a dot")
def hidden_manifest(bundle: BundleView) -> Iterator[Found]:
    index = bundle.files.index
    if not index.is_directory(bundle.directory):
        return
    for name, is_directory in index.children(bundle.directory).items():
        path = join(bundle.directory, name)
        if is_directory or not name.startswith(".") or not name.endswith(_YAML) or not index.is_file(path):
            continue
        data = bundle.files.read(path)
        if _OBJECT.search(data) and b"apiVersion:" in data:
            yield Place(path).says(
                "Fleet leaves out files whose names begin with a dot: this manifest is not deployed", "rename it"
            )


@rule("fleet-yml", NOTE, BundleView, "options in fleet.yml")
def fleet_yml(bundle: BundleView) -> Iterator[Found]:
    if bundle.options_path.endswith("/fleet.yml") or bundle.options_path == "fleet.yml":
        yield bundle.place().says(
            "Fleet reads fleet.yml, and keeps it as a file of the bundle too: each change in it is a new version of "
            "the bundle's content",
            "call it fleet.yaml",
        )


@rule("fleet-yml-ignored", ERROR, BundleView, "a fleet.yml beside a fleet.yaml")
def fleet_yml_ignored(bundle: BundleView) -> Iterator[Found]:
    path = join(bundle.directory, "fleet.yml")
    if bundle.options_path == join(bundle.directory, "fleet.yaml") and bundle.files.index.is_file(path):
        yield Place(path).says("Fleet reads fleet.yaml and ignores this file", "put everything into fleet.yaml")


@rule("nested-bundle", NOTE, BundleView, "a bundle below another bundle")
def nested_bundle(bundle: BundleView) -> Iterator[Found]:
    inner = sorted(name for name in bundle.resources if name.rpartition("/")[2] in OPTIONS_FILES and "/" in name)
    if inner:
        more = f" and {len(inner) - 1} more" if len(inner) > 1 else ""
        yield Place(join(bundle.directory, inner[0])).says(
            f"Fleet makes a bundle of this directory{more}, and also keeps its files in the bundle {bundle.name} "
            "above it: each change here is a new version of both",
            f"leave it out above with a .fleetignore, or name the directories below {bundle.directory or '.'} in paths",
        )


@rule("fleetignore-path", ERROR, IgnoreFile, "a pattern of .fleetignore that can never match")
def fleetignore_path(file: IgnoreFile) -> Iterator[Found]:
    for number, line in enumerate(file.data.split(b"\n"), 1):
        for pattern in ignore.parse(line):
            reason = _never_matches(pattern)
            if reason:
                does = f"Fleet compares patterns with the names of files and directories alone: {pattern} {reason}"
                yield Place(file.path, number).says(does, _ignore_instead(pattern))


def _never_matches(pattern: str) -> str:
    directory = pattern.removesuffix("/*")
    if pattern.startswith("!"):
        return "takes nothing back"
    if "/" in directory:
        return "never matches"
    if directory != pattern and any(letter in directory for letter in "*?["):
        return "never matches, since a directory before /* is taken literally"
    return ""


def _ignore_instead(pattern: str) -> str:
    if pattern.startswith("!"):
        return "remove it, and write patterns that do not match the file"
    name = pattern.rstrip("/").removesuffix("/*").removesuffix("/**").rpartition("/")[2]
    if pattern.endswith("/"):
        return f"write {name}/* for the directory"
    return f"write {name}, which matches at any depth"


@rule("ignored-directory-is-bundle", WARNING, IgnoreFile, "a directory with a fleet.yaml in a .fleetignore")
def ignored_directory_is_bundle(file: IgnoreFile) -> Iterator[Found]:
    index = file.repository.index
    names = {}
    for number, line in enumerate(file.data.split(b"\n"), 1):
        for pattern in ignore.parse(line):
            names.setdefault(pattern.removesuffix("/*"), number)
    bundles = {bundle.directory for bundle in file.repository.bundles}
    for name, is_directory in index.children(file.directory).items():
        path = join(file.directory, name)
        if is_directory and name in names and path in bundles:
            yield Place(file.path, names[name]).says(
                f"Fleet leaves {path} out of the bundle above it, and makes a bundle of its own of it all the same",
                "name the directories with bundles in paths of the GitRepo, if it should not be deployed",
            )


@rule("no-bundles", ERROR, Repository, "a repository without any bundle")
def no_bundles(repository: Repository) -> Iterator[Found]:
    if any(bundle.problem for bundle in repository.bundles):
        return
    if repository.roots and not repository.deployed:
        why = "has bundles, and none of them holds anything"
    elif not repository.roots and not repository.problem:
        why = "has no bundle at these paths"
    else:
        return
    yield repository.place_of("").says(
        f"Fleet finds nothing to deploy: the repository {why}. It then removes what it deployed before, and fails",
        "put manifests, or a fleet.yaml with files beside it, into the paths of the GitRepo",
    )


@rule("path-is-root", ERROR, Repository, '"/" as a path')
def path_is_root(repository: Repository) -> Iterator[Found]:
    for place, path in _paths(repository):
        if path and not path.strip("/"):
            yield place.says("Fleet finds no directory / in the repository, and fails", "leave paths out, or write .")


@rule("path-matches-nothing", ERROR, Repository, "a path at which there is nothing")
def path_matches_nothing(repository: Repository) -> Iterator[Found]:
    if repository.problem:
        return
    for path in repository.gitrepo.paths:
        if path.strip("/") and not _is_double_star(path) and not find_bundles(repository.index.tree, [path]):
            yield repository.place_of("").says(
                f"Fleet passes over the path {path}, at which it finds no directory with bundles",
                "correct it: paths are directories, with * and ? inside of one name",
            )


@rule("path-double-star", ERROR, Repository, "** in a path")
def path_double_star(repository: Repository) -> Iterator[Found]:
    for place, path in _paths(repository):
        if _is_double_star(path):
            yield place.says(
                f"Fleet takes ** in {path} for *, the directories of one level", "write a path for each level"
            )


def _is_double_star(path: str) -> bool:
    return "**" in path.split("/")


def _paths(repository: Repository) -> Iterator[tuple[Place, str]]:
    """The paths of the GitRepo, and those of GitRepo objects in the repository."""
    for path in repository.gitrepo.paths:
        yield repository.place_of(""), path
    for gitrepo in repository.gitrepos:
        document: Document = gitrepo.document
        for index, path in enumerate(gitrepo.spec.get("paths") or []):
            if isinstance(path, str):
                yield document.value_place("spec", "paths", index), path


def _below(bundle: BundleView, path: str) -> str:
    return path[len(bundle.directory) + 1 :] if bundle.directory else path


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/") if part)
