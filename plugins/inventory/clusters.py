# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin clusters: the clusters of a fleet as hosts, their labels as groups."""

from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: The Kubernetes clusters of a fleet as hosts, in groups by their labels
version_added: 0.1.0
author:
  - gitops.fleet contributors (@gitops-fleet)
description:
  - Brings Kubernetes clusters into the inventory, one host a cluster, from lists in files and from the contexts of
    kubeconfig files.
  - All clusters are in the group C(fleet). Their labels, workspaces and cluster groups become further groups, so that
    C(--limit label_env_prod) does what it says.
  - Inventory files are YAML files whose name ends in C(.fleet.yml), C(.fleet.yaml), C(.clusters.yml) or
    C(.clusters.yaml).
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [gitops.fleet.clusters]
  sources:
    description:
      - Where clusters are known. Several sources may be listed.
      - Where several are listed and one cannot be read, a warning says so and the others are used, unless
        O(strict=true).
      - No two clusters of one workspace may have the same name.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - V(file) reads a list of clusters that somebody wrote, from a file or from here.
          - V(kubeconfig) makes a cluster of each context of one or many kubeconfig files.
        type: str
        required: true
        choices: [file, kubeconfig]
      name:
        description: What to call the source in messages and in RV(ignore:fleet_cluster.source). By default its type.
        type: str
      workspace:
        description: The workspace of the source's clusters that say none themselves. By default O(workspace).
        type: str
      labels:
        description: Labels for all clusters of the source. Those that a cluster has itself win.
        type: dict
      path:
        description:
          - With O(sources[].type=file), the file that holds the list of clusters, as YAML or JSON, bare or below the
            key C(clusters).
          - With O(sources[].type=kubeconfig), kubeconfig files or directories of them, one or a list. Of a directory
            the files C(*.yaml), C(*.yml), C(*.kubeconfig), C(*.conf), C(*.config) and C(config) are read.
          - A relative path counts from the inventory file. V(env:NAME) is the path that the environment variable NAME
            holds; the host variables keep it in this form, so nothing of a job's own files is stored.
        type: raw
      clusters:
        description:
          - With O(sources[].type=file), the list of clusters itself, instead of O(sources[].path).
        type: list
        elements: dict
        suboptions:
          name:
            description: The cluster's name, as on a Fleet manager.
            type: str
            required: true
          workspace:
            description: Its workspace.
            type: str
          labels:
            description: Its labels, by which it is selected and grouped. Values are strings.
            type: dict
          annotations:
            description: Its annotations. Values are strings.
            type: dict
          templateValues:
            description: Values for the templates in C(fleet.yaml), as C(spec.templateValues) of a Fleet Cluster.
            type: dict
          kubeconfig:
            description:
              - The kubeconfig by which it is reached, as a path or V(env:NAME). A relative path counts from the file in
                which it is written.
              - Required unless O(sources[].kubeconfig) is set.
            type: str
          context:
            description: The context in the kubeconfig. By default its current context.
            type: str
          uid:
            description:
              - The UID of its namespace kube-system. Nothing is deployed to a cluster that has another.
            type: str
      kubeconfig:
        description: With O(sources[].type=file), the kubeconfig of all clusters that say none themselves.
        type: str
      contexts:
        description:
          - With O(sources[].type=kubeconfig), patterns for the contexts to take (shell wildcards). By default all.
        type: list
        elements: str
      names_from:
        description:
          - With O(sources[].type=kubeconfig), V(context) names each cluster as its context, in lower case and with C(-)
            for what Kubernetes does not allow in a name.
          - V(file) takes one cluster from each file, its current context, and names it as the file. It is for
            kubeconfigs whose contexts all have the same name.
        type: str
        choices: [context, file]
        default: context
  workspace:
    description: The workspace (namespace on a Fleet manager) of clusters and cluster groups that say none.
    type: str
    default: fleet-default
    env:
      - name: GITOPS_FLEET_WORKSPACE
  cluster_groups:
    description:
      - Fleet's ClusterGroups. Each becomes a group C(cluster_group_NAME) of the clusters in its workspace that its
        selector selects (C(cluster_group_WORKSPACE_NAME) where several workspaces have one of the name).
      - They are what C(clusterGroup) and C(clusterGroupSelector) in the targets of bundles mean.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The group's name.
        type: str
        required: true
      workspace:
        description: Its workspace. By default O(workspace).
        type: str
      labels:
        description: The group's own labels, for C(clusterGroupSelector).
        type: dict
      selector:
        description:
          - A label selector with C(matchLabels) and C(matchExpressions). An empty one selects all clusters of the
            workspace; without one the group is empty.
        type: dict
  label_groups:
    description:
      - Patterns (shell wildcards) for the label keys that become groups C(label_KEY_VALUE). An empty list makes none.
      - Characters that Ansible does not want in group names become C(_). Where that lets different labels fall into one
        group, a warning names them. What bundles are deployed to never depends on groups.
    type: list
    elements: str
    default: ['*']
    env:
      - name: GITOPS_FLEET_LABEL_GROUPS
  label_selector:
    description:
      - Only clusters with these labels become hosts. Written as for C(kubectl -l), for example
        V(env=prod,region in (eu,us),!legacy).
    type: str
    default: ''
    env:
      - name: GITOPS_FLEET_LABEL_SELECTOR
  names:
    description:
      - Only clusters whose name, or C(workspace.name), matches one of these patterns (shell wildcards) become hosts.
        By default all.
    type: list
    elements: str
    default: []
    env:
      - name: GITOPS_FLEET_NAMES
  exclude_names:
    description: Clusters that match one of these patterns do not become hosts, whatever O(names) says.
    type: list
    elements: str
    default: []
    env:
      - name: GITOPS_FLEET_EXCLUDE_NAMES
  full_host_names:
    description:
      - Whether every host is called C(workspace.cluster). Otherwise that is done only where the cluster's name alone
        would not be unique, or is the name of a group.
      - Set it where clusters come and go and C(host_vars) must keep fitting.
    type: bool
    default: false
    env:
      - name: GITOPS_FLEET_FULL_HOST_NAMES
notes:
  - "Every host has the variable C(fleet_cluster): C(name), C(workspace), C(labels), C(annotations), C(templateValues),
    C(source), and the way to it as a reference, C(kubeconfig) (a path or C(env:NAME)), C(context), and C(uid) where it
    is known. No variable holds a credential."
  - "Every host has C(ansible_connection=local) and the Python interpreter of the control node, because tasks for a
    cluster run there."
  - "The group C(fleet) has the variable C(fleet_cluster_groups), the definitions of O(cluster_groups), which
    M(gitops.fleet.fleet_deploy) reads."
  - Labels, annotations and names are data and never run as templates.
"""

EXAMPLES = r"""
# clusters.fleet.yml, with several sources. docs/inventory.md has a file for each kind of source, and one for AWX.
plugin: gitops.fleet.clusters
sources:
  # Two clusters, written here.
  - type: file
    clusters:
      - name: prod-eu
        labels: {env: prod, region: eu}
        kubeconfig: kubeconfigs/prod-eu.yaml
      - name: dev-eu
        labels: {env: dev, region: eu}
        kubeconfig: kubeconfigs/dev.yaml
        context: dev-eu
        templateValues: {replicas: 1}
  # A list that some other tool writes.
  - type: file
    path: clusters.yaml
  # Every kubeconfig of a directory.
  - type: kubeconfig
    path: kubeconfigs/edge
    names_from: file
    workspace: edge
    labels: {env: edge}
  # In AWX, a credential puts the kubeconfig into the job and its path into FLEET_KUBECONFIG.
  - type: kubeconfig
    path: env:FLEET_KUBECONFIG
    contexts: ["prod-*"]
    labels: {env: prod}
cluster_groups:
  - name: europe
    selector:
      matchLabels: {region: eu}
keyed_groups:
  - key: fleet_cluster.labels.region | default('')
    prefix: region
compose:
  is_prod: fleet_cluster.labels.env == 'prod'
"""

import sys
from collections.abc import Mapping

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import compile_selector
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory import label_selector
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.groups import (
    ALL_CLUSTERS,
    LabelGroups,
    SelectedGroup,
    cluster_groups,
    safe,
)
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.hosts import check_unique, choose, host_names
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.record import Record, check_workspace
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.sources import read_sources
from ansible_collections.gitops.fleet.plugins.plugin_utils.unsafe import plain, unsafe

SUFFIXES = (".fleet.yml", ".fleet.yaml", ".clusters.yml", ".clusters.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable):
    """Reads the sources, chooses clusters, and hands hosts, groups and variables to Ansible."""

    NAME = "gitops.fleet.clusters"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(SUFFIXES)

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            workspace = check_workspace(plain(self.get_option("workspace")))
            selected_groups = cluster_groups(plain(self.get_option("cluster_groups")), workspace, path)
            records = self._records(path, workspace)
            self._populate(records, selected_groups, workspace)
        except FleetError as error:
            raise AnsibleParserError(str(error)) from error

    def _records(self, path: str, workspace: str) -> list[Record]:
        found = read_sources(plain(self.get_option("sources")), path, workspace)
        if found.broken and (self.get_option("strict") or not found.records):
            raise found.broken[0]
        for error in found.broken:
            self.display.warning(f"{error} This source is left out.")
        for warning in found.warnings:
            self.display.warning(warning)
        chosen = choose(
            found.records,
            compile_selector(label_selector.parse(plain(self.get_option("label_selector")))),
            plain(self.get_option("names")),
            plain(self.get_option("exclude_names")),
        )
        check_unique(chosen)
        return chosen

    def _populate(self, records: list[Record], selected_groups: list[SelectedGroup], workspace: str) -> None:
        self._add_groups(selected_groups)
        label_groups = LabelGroups(plain(self.get_option("label_groups")))
        memberships = [
            [
                ALL_CLUSTERS,
                safe(f"workspace_{record.cluster.namespace}"),
                *label_groups.names(record.cluster.labels),
                *(selected.group for selected in selected_groups if selected.has(record.cluster)),
            ]
            for record in records
        ]
        for group in dict.fromkeys(name for names in memberships for name in names):
            self.inventory.add_group(group)
        for text in label_groups.collisions():
            self.display.warning(f"{text}. Targets of bundles go by the labels and are not affected.")
        hosts = self._host_names(records, workspace)
        for host, record, groups in zip(hosts, records, memberships, strict=True):
            self._add_host(host, record, groups)

    def _add_groups(self, selected_groups: list[SelectedGroup]) -> None:
        self.inventory.add_group(ALL_CLUSTERS)
        # Another inventory file of this plugin may have brought some already.
        known = self.inventory.groups[ALL_CLUSTERS].get_vars().get("fleet_cluster_groups", [])
        definitions = [unsafe(selected.variable()) for selected in selected_groups]
        again = {(item["workspace"], item["name"]) for item in known} & {
            (item["workspace"], item["name"]) for item in definitions
        }
        if again:
            raise FleetError(f"cluster group {' '.join(sorted(again)[0])} is defined in another inventory file, too")
        self.inventory.set_variable(ALL_CLUSTERS, "fleet_cluster_groups", [*known, *definitions])
        for selected in selected_groups:
            self.inventory.add_group(selected.group)

    def _host_names(self, records: list[Record], workspace: str) -> list[str]:
        """Names that are unique in the whole inventory, whatever other inventory files brought into it."""
        others = {
            (known.get("workspace") or workspace, known.get("name") or name): name
            for name, host in self.inventory.hosts.items()
            if isinstance(known := host.vars.get("fleet_cluster"), Mapping)
        }
        for record in records:
            if (record.cluster.namespace, record.cluster.name) in others:
                raise FleetError(
                    f"cluster {record.full_name} is in another inventory file, too",
                    place=record.place,
                    remedy="Leave it out of one of them, with exclude_names for example.",
                )
        taken = {*self.inventory.groups, *others.values()}
        return host_names(records, taken, full=self.get_option("full_host_names"))

    def _add_host(self, host: str, record: Record, groups: list[str]) -> None:
        self.inventory.add_host(host)
        variables = {
            "fleet_cluster": unsafe(record.variable()),
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        for group in groups:
            self.inventory.add_child(group, host)
        self._construct(host, variables)

    def _construct(self, host: str, variables: dict) -> None:
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
