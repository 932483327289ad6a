#!/usr/bin/python
# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_bundle
short_description: Build one bundle from a directory or from resources in the play, or lint a repository
version_added: 0.1.0
author:
  - gitops.fleet contributors (@gitops-fleet)
description:
  - Builds one bundle by Rancher Fleet's rules, from a directory of the control node or from resources that the play
    gives, and writes it to a file that M(gitops.fleet.fleet_deploy) deploys.
  - Charts that O(options) name by an address, and dependencies that a chart's C(charts/) lacks, are loaded.
  - Nothing is deployed. No git repository, no GitRepo and no cluster is needed, so that it also serves to see what
    Fleet would make of a directory.
  - With O(state=linted) it reads a whole repository instead, and tells what Fleet would do with it that its author
    hardly means, such as options that it ignores. The rules are listed in C(docs/lint.md).
  - Symbolic links that leave the directory, and options of a wrong type are errors with file and line.
options:
  state:
    description:
      - V(built) builds the bundle.
      - V(linted) lints the bundles below O(path), and fails where there is something wrong, see O(fail_level).
    type: str
    choices:
      - built
      - linted
    default: built
  name:
    description:
      - Name of the bundle. The Helm release has the same name, unless O(options) give it another one.
      - A C(name) in O(options) or in the C(fleet.yaml) of O(path) has precedence, as in Fleet.
      - Required for O(state=built). For O(state=linted) it is the name of the GitRepo, from which the names of bundles
        are made; by default, the name of the directory in small letters.
    type: str
  workspace:
    description:
      - The workspace, which is the namespace of a Fleet manager that the bundle and its clusters belong to.
    type: str
    default: fleet-default
  path:
    description:
      - Directory that holds the resources, as YAML files, a Helm chart or a Kustomize overlay.
      - For O(state=linted), the directory or the checkout of a repository whose bundles are linted.
    type: path
  resources:
    description:
      - The resources, in place of O(path).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Path of the file in the bundle, such as C(templates/deployment.yaml).
        type: str
        required: true
      content:
        description:
          - The file's content.
        type: str
        required: true
  options:
    description:
      - Options of the bundle, with the fields of Fleet's C(fleet.yaml), in Fleet's own spelling.
      - Without it, C(fleet.yaml) or C(fleet.yml) in O(path) is read, if there is one. With it, neither is read.
    type: dict
  targets:
    description:
      - Which clusters to deploy to, as a list of Fleet's GitTargets, in Fleet's own spelling. Each has C(name) and any
        of C(clusterName), C(clusterSelector), C(clusterGroup) and C(clusterGroupSelector).
      - Without it, the cluster group C(default) is the target.
      - C(targetCustomizations) in the options change what these clusters get.
      - For O(state=linted), the targets of the GitRepo. Without them, any cluster of O(clusters) may be one.
    type: list
    elements: dict
    default: []
  labels:
    description:
      - Labels of the bundle. C(labels) of the options have precedence.
    type: dict
    default: {}
  paths:
    description:
      - For O(state=linted), the C(paths) of the GitRepo. Without it, the whole of O(path) is searched for bundles.
    type: list
    elements: str
    default: []
  clusters:
    description:
      - For O(state=linted), a file with clusters and their labels, for the rules that need them. No cluster is asked.
      - It has the list of the inventory source C(file) of P(gitops.fleet.clusters#inventory), or is an inventory file
        of that plugin with such sources, or holds Fleet's Cluster and ClusterGroup objects.
    type: path
  since:
    description:
      - For O(state=linted), a commit, branch or tag of the git checkout that O(path) lies in. The rules that compare
        tell what the changes since then uninstall or move.
    type: str
  fail_level:
    description:
      - For O(state=linted), the level of findings from which on the task fails. V(never) reports only.
    type: str
    choices:
      - error
      - warning
      - note
      - never
    default: error
  format:
    description:
      - For O(state=linted), what is written to O(dest). V(sarif) is SARIF 2.1.0, for code review pages.
    type: str
    choices:
      - text
      - json
      - sarif
    default: text
  dest:
    description:
      - File to write the Bundle object to, as YAML, for other tools. It may hold secret values, and gets mode 0600.
      - For O(state=linted), the file to write the findings to, see O(format).
      - Its directory must be there.
    type: path
  cache_dir:
    description:
      - Directory for built bundles and fetched charts.
      - By default C(gitops.fleet) in the user's cache directory.
    type: path
extends_documentation_fragment:
  - gitops.fleet.charts
  - gitops.fleet.helm
  - gitops.fleet.attributes
  - gitops.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    support: full
    details:
      - The file RV(build) is written in check mode too. It is a part of the cache.
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
requirements:
  - PyYAML (Python library)
notes:
  - Let the task run on the control node (C(delegate_to=localhost)) and once for all clusters (C(run_once=true)).
seealso:
  - module: gitops.fleet.fleet_gitrepo
  - module: gitops.fleet.fleet_deploy
  - name: Fleet's fleet.yaml
    description: The file whose fields O(options) are.
    link: https://fleet.rancher.io/ref-fleet-yaml
"""

EXAMPLES = r"""
- name: Build a bundle from resources in the play
  gitops.fleet.fleet_bundle:
    name: motd
    resources:
      - name: configmap.yaml
        content: |
          apiVersion: v1
          kind: ConfigMap
          metadata:
            name: motd
          data:
            message: Welcome
    options:
      defaultNamespace: motd
    targets:
      - name: all
        clusterSelector: {}
  run_once: true
  delegate_to: localhost
  register: motd

- name: Show its content ID
  ansible.builtin.debug:
    var: motd.content_id

- name: Build a bundle from a Helm chart beside the playbook, with other values in production
  gitops.fleet.fleet_bundle:
    name: web
    path: "{{ playbook_dir }}/charts/web"
    options:
      namespace: web
      helm:
        values:
          replicas: 1
      targetCustomizations:
        - name: prod
          clusterSelector:
            matchLabels:
              env: prod
          helm:
            values:
              replicas: 3
    targets:
      - name: everywhere
        clusterSelector: {}
  run_once: true
  delegate_to: localhost
  register: web

- name: Build a bundle from a chart of a repository, in the newest version below 7
  gitops.fleet.fleet_bundle:
    name: podinfo
    resources: []
    options:
      defaultNamespace: podinfo
      helm:
        repo: https://stefanprodan.github.io/podinfo
        chart: podinfo
        version: ">= 6.0.0, < 7"
    targets:
      - name: everywhere
        clusterSelector: {}
  run_once: true
  delegate_to: localhost

- name: Write the Bundle object that Fleet would make of a directory
  gitops.fleet.fleet_bundle:
    name: app
    path: /srv/apps/app
    dest: /tmp/app-bundle.yaml
  delegate_to: localhost

- name: Lint a repository, and fail on warnings too
  gitops.fleet.fleet_bundle:
    state: linted
    path: /srv/apps
    fail_level: warning
  delegate_to: localhost

- name: Lint what a pull request changes, with the labels of all clusters, for a code review page
  gitops.fleet.fleet_bundle:
    state: linted
    path: "{{ lookup('env', 'GITHUB_WORKSPACE') }}"
    clusters: clusters.yaml
    since: origin/main
    format: sarif
    dest: fleet.sarif
  delegate_to: localhost
"""

RETURN = r"""
name:
  description: Name of the bundle.
  returned: success and O(state=built)
  type: str
  sample: web
content_id:
  description: Fleet's ID of the bundle's resources. The same resources have the same ID.
  returned: success and O(state=built)
  type: str
  sample: s-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9
resource_names:
  description: The files that are resources of the bundle, sorted. At most 1,000 of them.
  returned: success and O(state=built)
  type: list
  elements: str
  sample:
    - Chart.yaml
    - templates/deployment.yaml
bundle:
  description: The Bundle, as Fleet's custom resource. What is larger than 50,000 characters is only in RV(build).
  returned: success, if it is small
  type: dict
  sample:
    apiVersion: fleet.cattle.io/v1alpha1
    kind: Bundle
    metadata:
      name: motd
      namespace: fleet-default
    spec:
      resources:
        - name: configmap.yaml
          content: "kind: ConfigMap"
      targets:
        - name: all
          clusterSelector: {}
build:
  description: File with the built bundle, for O(gitops.fleet.fleet_deploy#module:builds).
  returned: success and O(state=built)
  type: str
  sample: /home/me/.cache/gitops.fleet/builds/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.json
findings:
  description: What was found, by file and line. At most 1,000, all of them are in the file O(dest).
  returned: O(state=linted)
  type: list
  elements: dict
  contains:
    path:
      description: The file, below O(path).
      type: str
      sample: web/fleet.yaml
    line:
      description: The line, from 1.
      type: int
      sample: 12
    column:
      description: The column, from 1.
      type: int
      sample: 3
    rule:
      description: Name of the rule.
      type: str
      sample: valuesfiles-without-chart
    level:
      description: V(error), V(warning) or V(note).
      type: str
      sample: error
    message:
      description: What Fleet does.
      type: str
      sample: Fleet reads helm.valuesFiles only where helm.chart or helm.repo is set
    remedy:
      description: What to write instead.
      type: str
      sample: "write chart: ."
lines:
  description: The findings as text, a line each, and a line that counts them.
  returned: O(state=linted)
  type: list
  elements: str
  sample:
    - "web/fleet.yaml:12:3 valuesfiles-without-chart: Fleet reads …; write chart: . [error]"
    - "1 bundle: 1 error, 0 warnings, 0 notes"
counts:
  description: How many findings there are of each level.
  returned: O(state=linted)
  type: dict
  sample:
    error: 1
    warning: 0
    note: 0
dest:
  description: The file with the Bundle object, or with the findings.
  returned: success, if O(dest) is set
  type: str
  sample: /tmp/app-bundle.yaml
"""

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import Build
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.go_json import dumps_for_yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.single import build_single
from ansible_collections.gitops.fleet.plugins.module_utils.chart import loading_options
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.lint import report as reports
from ansible_collections.gitops.fleet.plugins.module_utils.lint.clusters_file import read_clusters
from ansible_collections.gitops.fleet.plugins.module_utils.lint.finding import LEVELS
from ansible_collections.gitops.fleet.plugins.module_utils.lint.history import checkout_of, tree_at
from ansible_collections.gitops.fleet.plugins.module_utils.lint.lint import Report, lint
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory, cache_directory
from ansible_collections.gitops.fleet.plugins.module_utils.source.directory_tree import DirectoryTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.memory_tree import MemoryTree

LARGEST_SHOWN = 50_000
"""In characters: a result stays well under the 700,000 that AWX keeps of it."""

MOST_NAMES_SHOWN = 1_000
MOST_FINDINGS_SHOWN = 1_000


def argument_spec() -> dict:
    return {
        "state": {"type": "str", "choices": ["built", "linted"], "default": "built"},
        "name": {"type": "str"},
        "workspace": {"type": "str", "default": "fleet-default"},
        "path": {"type": "path"},
        "resources": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, "content": {"type": "str", "required": True}},
        },
        "options": {"type": "dict"},
        "targets": {"type": "list", "elements": "dict", "default": []},
        "labels": {"type": "dict", "default": {}},
        "paths": {"type": "list", "elements": "str", "default": []},
        "clusters": {"type": "path"},
        "since": {"type": "str"},
        "fail_level": {"type": "str", "choices": ["error", "warning", "note", "never"], "default": "error"},
        "format": {"type": "str", "choices": ["text", "json", "sarif"], "default": "text"},
        "dest": {"type": "path"},
        "cache_dir": {"type": "path"},
        **loading_options.argument_spec(),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        mutually_exclusive=[("path", "resources")],
        required_one_of=[("path", "resources")],
        required_if=[("state", "built", ["name"]), ("state", "linted", ["path"])],
        supports_check_mode=True,
    )
    try:
        result = linted(module) if module.params["state"] == "linted" else built(module)
    except FleetError as error:
        module.fail_json(msg=str(error))
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def linted(module: AnsibleModule) -> dict:
    """The module's result for a repository. Raises FleetError."""
    params = module.params
    path = Path(params["path"])
    name = params["name"] or path.resolve().name.lower() or "repository"
    gitrepo = GitRepo(name=name, namespace=params["workspace"], paths=params["paths"], targets=params["targets"])
    clusters = read_clusters(Path(params["clusters"]), params["workspace"]) if params["clusters"] else None
    with tree_at(path, params["since"]) if params["since"] else nullcontext() as before:
        report = lint(DirectoryTree(path), gitrepo, clusters=clusters, before=before)
    return lint_result(module, report, path)


def lint_result(module: AnsibleModule, report: Report, path: Path) -> dict:
    """What is returned, and written to ``dest``. Raises FleetError."""
    params = module.params
    lines = [str(finding) for finding in report.findings[:MOST_FINDINGS_SHOWN]]
    result = {
        "changed": False,
        "findings": [reports.to_dict(finding) for finding in report.findings[:MOST_FINDINGS_SHOWN]],
        "lines": [*lines, reports.summary(report)],
        "counts": {level: report.count(level) for level in LEVELS},
    }
    if params["dest"]:
        text = written(report, params["format"], path)
        result |= {"dest": params["dest"], "changed": write(module, text, Path(params["dest"]))}
    if params["fail_level"] != "never" and report.at_least(params["fail_level"]):
        result |= {"failed": True, "msg": "\n".join(result["lines"])}
    return result


def written(report: Report, form: str, path: Path) -> str:
    """The report in one of its formats. Paths in SARIF begin at the top of the git checkout."""
    if form != "sarif":
        return reports.to_json(report) if form == "json" else reports.to_text(report)
    top = checkout_of(path)
    below = path.resolve().relative_to(top).as_posix() if top else "."
    return reports.to_sarif(report, "" if below == "." else below)


def built(module: AnsibleModule) -> dict:
    """The module's result. Raises FleetError."""
    params = module.params
    gitrepo = GitRepo(
        name=params["name"],
        namespace=params["workspace"],
        targets=params["targets"],
        labels={key: str(value) for key, value in params["labels"].items()},
    )
    cache = cache_directory(params["cache_dir"])
    with RunDirectory() as run_directory, HelmFinder(params["helm_binary"] or "", run_directory) as helm:
        owner = f"{gitrepo.namespace}/{gitrepo.name}"
        loader = loading_options.chart_loader(params, owner, helm.find, cache, run_directory)
        try:
            bundle = build_single(tree_of(params), gitrepo, params["options"], loader)
        except FleetError as error:
            if params["path"]:
                raise error.at(params["path"]) from error
            raise
    for warning in loader.warnings:
        module.warn(warning)
    path = Build(gitrepo, "", [bundle]).save(cache)
    names = [resource["name"] for resource in bundle.spec["resources"]]
    result = {
        "changed": False,
        "name": bundle.name,
        "content_id": content_id(bundle),
        "resource_names": names[:MOST_NAMES_SHOWN],
        "build": str(path),
    }
    text = dumps_for_yaml(bundle.to_object())
    if len(text) <= LARGEST_SHOWN:
        result["bundle"] = bundle.to_object()
    if params["dest"]:
        result |= {"dest": params["dest"], "changed": write(module, text + "\n", Path(params["dest"]))}
    return result


def tree_of(params: dict) -> DirectoryTree | MemoryTree:
    if params["path"]:
        return DirectoryTree(Path(params["path"]))
    files: dict[str, bytes] = {}
    for resource in params["resources"]:
        if resource["name"] in files:
            raise FleetError(f"two resources have the name {resource['name']}", place="resources")
        files[resource["name"]] = resource["content"].encode("utf-8")
    return MemoryTree(files)


def write(module: AnsibleModule, text: str, dest: Path) -> bool:
    """Write the file with mode 0600 if it differs, at once or not at all; say whether it did. Raises FleetError.

    JSON is written, which is YAML that every parser reads alike.
    """
    content = text.encode("utf-8")
    try:
        if dest.is_file() and dest.read_bytes() == content:
            return False
        if not module.check_mode:
            descriptor, temporary = tempfile.mkstemp(prefix=".bundle-", dir=dest.parent)
            module.add_cleanup_file(temporary)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, dest)
    except OSError as error:
        raise FleetError(f"cannot be written: {error.strerror}", place=str(dest)) from error
    return True


if __name__ == "__main__":
    main()
