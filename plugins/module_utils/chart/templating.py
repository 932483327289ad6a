# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that depend on the cluster: ``global.fleet.clusterLabels.*``, ``${ ... }`` and ``helm.templateValues``.

Fleet's rules: ``preprocessHelmValues`` in ``internal/cmd/controller/target/builder.go``. The labels are
put in here (:func:`prepare`); Go templates are evaluated by Helm, those of all clusters in few runs.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..bundle import go_yaml
from ..errors import FleetError
from ..target.cluster import Cluster
from ..target.deployment import BundleDeployment
from .go_yaml_dump import dump
from .helm import Helm, HelmError
from .processes import TimeLimit
from .template_text import CHECK_TEMPLATE, Rewritten, TemplateSyntax, has_actions, rewrite, syntax_error

LABEL_PREFIX = "global.fleet.clusterLabels."
MAX_DEPTH = 50
"""How deep Fleet looks for LABEL_PREFIX before it gives up."""

TIMEOUT = 30
"""Seconds for one run of Helm over :data:`BATCH` texts and clusters."""

BATCH = 2000

_RESERVED = ("fleet.cattle.io/", "management.cattle.io/")


def prepare(deployment: BundleDeployment) -> BundleDeployment:
    """The deployment with its cluster's labels put in where ``global.fleet.clusterLabels.*`` asks for them.

    It also gets the empty ``helm`` and ``helm.values`` that Fleet gives it, which count in the
    deployment's ID. Raises :class:`FleetError` for values that are nested too deeply.
    """
    labels = cluster_labels(deployment.cluster)
    if not labels:
        return deployment
    helm = deployment.options.get("helm")
    if helm is None:
        prepared: dict[str, Any] = {}
    else:
        values = helm.get("values") or {}
        try:
            prepared = {**helm, "values": _with_labels(values, labels, 0)}
        except FleetError as error:
            raise error.at(_place(deployment)) from error
    return replace(deployment, options={**deployment.options, "helm": prepared})


def needs_evaluation(deployment: BundleDeployment) -> bool:
    """Whether :func:`evaluate` would change the deployment: not so for most that :func:`prepare` has been over."""
    labels = cluster_labels(deployment.cluster)
    if not labels:
        return False
    helm = deployment.options.get("helm")
    # Prepared, it is empty or has values.
    if helm is None or (helm and helm.get("values") is None) or any(_asks_for_label(helm.get("values"))):
        return True
    return any(has_actions(text.text) or text.key for text in _texts(deployment))


def evaluate(deployments: Sequence[BundleDeployment], helm: Helm) -> list[BundleDeployment | FleetError]:
    """The deployments with their final values, in order.

    Where one cluster's values cannot be worked out, all deployments of that bundle get the error, as
    Fleet gives up on the whole bundle then.
    """
    return _Evaluation(deployments, helm).results()


def cluster_labels(cluster: Cluster) -> dict[str, str]:
    """The labels that templates see, which is also what decides whether there is any processing at all."""
    labels = _without_reserved(cluster.labels)
    labels.update({name: value for name, value in cluster.labels.items() if name.startswith(_RESERVED)})
    return labels


def _without_reserved(labels: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in labels.items()
        if not name.startswith("kubectl.kubernetes.io/") and "cattle.io/" not in name
    }


def _with_labels(values: dict[str, Any], labels: dict[str, str], depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise FleetError(f"helm.values are nested more than {MAX_DEPTH} levels deep")
    return {name: _with_label(value, labels, depth) for name, value in values.items()}


def _with_label(value: Any, labels: dict[str, str], depth: int) -> Any:
    if isinstance(value, str) and value.startswith(LABEL_PREFIX):
        return labels.get(value[len(LABEL_PREFIX) :], "")
    if isinstance(value, dict):
        return _with_labels(value, labels, depth + 1)
    if isinstance(value, list):
        # Strings that are items themselves are left alone.
        return [_with_labels(item, labels, depth + 1) if isinstance(item, dict) else item for item in value]
    return value


def _asks_for_label(value: Any) -> Iterator[bool]:
    if isinstance(value, dict):
        for item in value.values():
            if isinstance(item, str):
                yield item.startswith(LABEL_PREFIX)
            else:
                yield from _asks_for_label(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from _asks_for_label(item)


@dataclass(frozen=True)
class _Text:
    """Something to evaluate: the values as a whole, or the entry ``key`` of templateValues."""

    key: str
    text: str

    @property
    def place(self) -> str:
        return f"helm.templateValues.{self.key}" if self.key else "helm.values"


def _texts(deployment: BundleDeployment) -> Iterator[_Text]:
    """What has to be evaluated in a prepared deployment."""
    helm = deployment.options.get("helm") or {}
    if helm.get("disablePreProcess"):
        return
    values, templates = helm.get("values") or {}, helm.get("templateValues")
    if any(_has_actions(values)):
        yield _Text("", _dumped(json.dumps(values)))
    for key, text in (templates or {}).items():
        yield _Text(key, text)


@functools.lru_cache(maxsize=1000)
def _dumped(values: str) -> str:
    """The text of values, which are the same for many clusters."""
    return dump(json.loads(values))


def _has_actions(value: Any) -> Iterator[bool]:
    if isinstance(value, str):
        yield has_actions(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield has_actions(name)
            yield from _has_actions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _has_actions(item)


def _context(cluster: Cluster) -> dict[str, Any]:
    """What templates see, as Fleet names it."""
    return {
        "ClusterNamespace": cluster.namespace,
        "ClusterName": cluster.name,
        "ClusterLabels": cluster_labels(cluster),
        "ClusterAnnotations": _without_reserved(cluster.annotations),
        "ClusterValues": cluster.template_values,
    }


def _place(deployment: BundleDeployment) -> str:
    cluster = deployment.cluster
    return f"cluster {cluster.namespace}/{cluster.name}, bundle {deployment.bundle.name}"


@dataclass(frozen=True)
class _Job:
    """One text for one deployment (an index into the list of them)."""

    deployment: int
    text: _Text


class _Evaluation:
    """The evaluation of many deployments."""

    def __init__(self, deployments: Sequence[BundleDeployment], helm: Helm):
        self._deployments = deployments
        self._helm = helm
        self._prepared: list[BundleDeployment] = []
        self._errors: dict[int, FleetError] = {}
        self._rewritten: dict[str, tuple[int, Rewritten]] = {}

    def results(self) -> list[BundleDeployment | FleetError]:
        jobs = []
        for index, deployment in enumerate(self._deployments):
            prepared = deployment
            try:
                prepared = prepare(deployment)
                if prepared is not deployment:
                    jobs += [_Job(index, text) for text in self._checked_texts(prepared)]
            except FleetError as error:
                self._fail(deployment, error)
            self._prepared.append(prepared)
        rendered: dict[_Job, str] = {job: job.text.text for job in jobs if not has_actions(job.text.text)}
        waiting = [job for job in jobs if job not in rendered]
        for start in range(0, len(waiting), BATCH):
            rendered.update(self._render(waiting[start : start + BATCH]))
        return self._finished(jobs, rendered)

    def _checked_texts(self, deployment: BundleDeployment) -> list[_Text]:
        texts = list(_texts(deployment))
        for text in texts:
            if has_actions(text.text) and text.text not in self._rewritten:
                number = len(self._rewritten)
                try:
                    self._rewritten[text.text] = (number, rewrite(text.text, f"{number}."))
                except TemplateSyntax as error:
                    place = f"{_place(deployment)}, {_where(text, error.line)}"
                    raise syntax_error(error, place) from error
        return texts

    def _fail(self, deployment: BundleDeployment, error: FleetError) -> None:
        self._errors.setdefault(_bundle(deployment), error)

    def _has_failed(self, job: _Job) -> bool:
        return _bundle(self._deployments[job.deployment]) in self._errors

    def _render(self, jobs: list[_Job]) -> dict[_Job, str]:
        """What Helm makes of the texts. One that fails is left out, with its bundle, and the others begin anew."""
        while True:
            jobs = [job for job in jobs if not self._has_failed(job)]
            if not jobs:
                return {}
            try:
                return self._run(jobs)
            except TimeLimit:
                error = FleetError(f"evaluating the template takes more than {TIMEOUT} s")
            except HelmError as failure:
                if self._blame(jobs, failure):
                    continue
                error = _reason(failure.problem)
            if len(jobs) == 1:
                self._fail_job(jobs[0], error, 0)
                return {}
            # One of them took all the time or memory. Which?
            middle = len(jobs) // 2
            return {**self._render(jobs[:middle]), **self._render(jobs[middle:])}

    def _run(self, jobs: list[_Job]) -> dict[_Job, str]:
        chart, values = self._chart(jobs)
        path = self._helm.directory / f"values-{id(jobs)}.tgz"
        path.write_bytes(chart)
        try:
            completed = self._helm.run(["template", "values", str(path)], values=[values], timeout=TIMEOUT)
        finally:
            path.unlink()
        output = {}
        for number, encoded in re.findall(
            r"^j(\d+): (\S*)$", completed.stdout.decode("utf-8", "replace"), re.MULTILINE
        ):
            output[jobs[int(number)]] = base64.b64decode(encoded).decode("utf-8", "replace")
        return output

    def _chart(self, jobs: list[_Job]) -> tuple[bytes, bytes]:
        """A chart with each text once as a template, and a document that names what each job makes of it."""
        files = {"Chart.yaml": "apiVersion: v2\nname: values\nversion: 1.0.0\n", "templates/_check.tpl": CHECK_TEMPLATE}
        contexts: dict[int, str] = {}
        calls = []
        for index, job in enumerate(jobs):
            number, rewritten = self._rewritten[job.text.text]
            files[f"templates/_{number}.tpl"] = rewritten.template
            cluster = self._deployments[job.deployment].cluster
            contexts[id(cluster)] = json.dumps(_context(cluster))
            # Parsed anew for each, since a template can change what it is given.
            context = f"index .Values.contexts {json.dumps(str(id(cluster)))} | fromJson"
            calls.append(f'j{index}: {{{{ include "values/templates/_{number}.tpl" ({context}) | b64enc }}}}')
        files["templates/output.yaml"] = "\n".join(calls) + "\n"
        values = {"contexts": {str(number): context for number, context in contexts.items()}}
        return _packed(files), json.dumps(values).encode()

    def _blame(self, jobs: list[_Job], error: HelmError) -> bool:
        """Find what an error of Helm's is about, text and cluster, and fail the bundle. False if it says neither."""
        found = re.search(r"values/templates/_(\d+)\.tpl:(\d+)", error.problem)
        called = re.search(r"values/templates/output\.yaml:(\d+)", error.problem)
        if called:
            job = jobs[int(called.group(1)) - 1]
        elif found:
            job = next(job for job in jobs if self._rewritten[job.text.text][0] == int(found.group(1)))
        else:
            return False
        number, rewritten = self._rewritten[job.text.text]
        checked = re.search(r"line (\d+): map has no entry", error.problem)
        line = int(checked.group(1)) if checked else 0
        if found and int(found.group(1)) == number:
            line = rewritten.lines[min(int(found.group(2)), len(rewritten.lines)) - 1]
        self._fail_job(job, _reason(error.problem), line)
        return True

    def _fail_job(self, job: _Job, error: FleetError, line: int) -> None:
        deployment = self._deployments[job.deployment]
        self._fail(deployment, error.at(f"{_place(deployment)}, {_where(job.text, line)}"))

    def _finished(self, jobs: list[_Job], rendered: dict[_Job, str]) -> list[BundleDeployment | FleetError]:
        by_deployment: dict[int, list[_Job]] = {}
        for job in jobs:
            by_deployment.setdefault(job.deployment, []).append(job)
        results: list[BundleDeployment | FleetError] = []
        for index, deployment in enumerate(self._prepared):
            if _bundle(deployment) not in self._errors and index in by_deployment:
                try:
                    deployment = _with_values(deployment, by_deployment[index], rendered)
                except FleetError as error:
                    self._fail(deployment, error.at(_place(deployment)))
            results.append(deployment)
        return [self._errors.get(_bundle(deployment), deployment) for deployment in results]


def _bundle(deployment: BundleDeployment) -> int:
    """Tells bundles apart, also those of two GitRepos that have one name."""
    return id(deployment.bundle)


def _with_values(deployment: BundleDeployment, jobs: list[_Job], rendered: dict[_Job, str]) -> BundleDeployment:
    helm = dict(deployment.options["helm"])
    values = dict(helm["values"])
    for job in jobs:
        value = _parse(rendered[job], job.text.place)
        if job.text.key:
            values[job.text.key] = value
        elif isinstance(value, dict):
            values = dict(value)
        else:
            raise FleetError("what the templates make of it is not a mapping", place=job.text.place)
    return replace(deployment, options={**deployment.options, "helm": {**helm, "values": values}})


def _parse(text: str, place: str) -> Any:
    """The evaluated text read as YAML, whose types may be others than before: a label "2" is a number now."""
    try:
        return _numbers(go_yaml.load(text, place))
    except ValueError as error:
        raise FleetError(f"the templates make a number of it that cannot be used: {error}", place=place) from error


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return go_yaml.to_float64(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _where(text: _Text, line: int) -> str:
    """The value that a line of the text belongs to, by its keys."""
    if text.key or not line:
        return text.place
    keys = [(-1, text.place)]
    for row in text.text.split("\n")[:line]:
        match = re.match(r"((?: |- )*)([^\s:#'\"-][^:]*|'[^']*'|\"[^\"]*\"):(?: |$)", row)
        if match:
            column = len(match.group(1))
            keys = [key for key in keys if key[0] < column]
            keys.append((column, match.group(2)))
    return ".".join(key for _column, key in keys)


def _reason(message: str) -> FleetError:
    """What Go's template engine says, without the places in templates that nobody wrote like that."""
    missing = re.search(r'map has no entry for key "((?:[^"\\]|\\.)*)"', message)
    if missing:
        key = missing.group(1)
        return FleetError(
            f"the template asks for {key}, and this cluster has none",
            remedy=f'Give the cluster what is asked for, or test it first (${{ if hasKey .ClusterLabels "{key}" }}).',
        )
    text = message.strip().split("\n")[-1].strip()
    text = re.sub(r"\(?index \(list \(set .*? 2\b\)?", "(...)", text)
    text = re.sub(r"^.*?(?: at <.*>: |at \([^()]*\): )", "", text)
    return FleetError(f"the template cannot be evaluated: {text}")


def _packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            data = content.encode("utf-8", "replace")
            member = tarfile.TarInfo(f"values/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
