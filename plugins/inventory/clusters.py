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
  - Brings Kubernetes clusters into the inventory, one host a cluster, from a Fleet manager, Rancher, Cluster API, the
    contexts of kubeconfig files, and lists in files.
  - All clusters are in the group C(fleet). Their labels, workspaces and cluster groups become further groups, so that
    C(--limit label_env_prod) does what it says.
  - Inventory files are YAML files whose name ends in C(.fleet.yml), C(.fleet.yaml), C(.clusters.yml) or
    C(.clusters.yaml).
  - Nothing that other tools are told by the environment (C(K8S_AUTH_*), E(KUBECONFIG)) changes what a file says.
extends_documentation_fragment:
  - constructed
  - inventory_cache
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
      - No two clusters of one workspace may have the same name, unless O(on_collision) says which of them counts.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - V(fleet) reads the Cluster and ClusterGroup objects of a Fleet manager.
          - V(kubeconfig) makes a cluster of each context of one or many kubeconfig files.
          - V(file) reads a list of clusters that somebody wrote, from a file or from here.
          - V(rancher) reads the clusters that a Rancher manages.
          - V(capi) reads the Cluster objects of a Cluster API management cluster.
        type: str
        required: true
        choices: [fleet, kubeconfig, file, rancher, capi]
      name:
        description: What to call the source in messages and in RV(ignore:fleet_cluster.source). By default its type.
        type: str
      workspace:
        description:
          - The workspace of the source's clusters that say none themselves. By default O(workspace).
          - With O(sources[].type=capi), that of all its clusters. By default each is in the workspace that is named as
            its namespace, as with Fleet's add-on provider for Cluster API.
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
        description:
          - With O(sources[].type=file), the kubeconfig of all clusters that say none themselves.
          - With V(fleet), V(rancher) and V(capi), the kubeconfig of the hub, as a path or V(env:NAME). With V(rancher)
            it is one that Rancher gives for its local cluster, unless O(sources[].reached_by=kubeconfig).
        type: str
      context:
        description: With V(fleet), V(rancher) and V(capi), the context of the hub. By default the current context.
        type: str
      timeout:
        description: With V(fleet), V(rancher) and V(capi), the seconds that a request to the hub may take.
        type: int
        default: 30
      workspaces:
        description:
          - With O(sources[].type=fleet), the workspaces to read, one or a list. By default all, which needs the right
            to list in all namespaces.
        type: raw
      namespaces:
        description: With O(sources[].type=capi), the namespaces to read, one or a list. By default all.
        type: raw
      url:
        description:
          - With O(sources[].type=rancher), the address of Rancher, to be used with O(sources[].token) instead of
            O(sources[].kubeconfig). It brings what the token's user may see, without rights on Rancher's own cluster.
        type: str
      token:
        description: With O(sources[].url), V(env:NAME) of the environment variable that holds an API token of Rancher.
        type: str
      ca_file:
        description:
          - With O(sources[].url), a file with the authorities by which Rancher's certificate is checked, as a path or
            V(env:NAME). By default those of the system.
        type: str
      reached_by:
        description:
          - With O(sources[].type=rancher), V(proxy) reaches clusters through Rancher, with the login that lists them.
            V(kubeconfig) reaches each by the kubeconfig that Rancher keeps for it in a Secret.
        type: str
        choices: [proxy, kubeconfig]
        default: proxy
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
    vars:
      - name: gitops_fleet_workspace
    ini:
      - section: gitops_fleet
        key: workspace
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
    vars:
      - name: gitops_fleet_label_groups
    ini:
      - section: gitops_fleet
        key: label_groups
  label_selector:
    description:
      - Only clusters with these labels become hosts. Written as for C(kubectl -l), for example
        V(env=prod,region in (eu,us),!legacy).
    type: str
    default: ''
    env:
      - name: GITOPS_FLEET_LABEL_SELECTOR
    vars:
      - name: gitops_fleet_label_selector
    ini:
      - section: gitops_fleet
        key: label_selector
  names:
    description:
      - Only clusters whose name, or C(workspace.name), matches one of these patterns (shell wildcards) become hosts.
        By default all.
    type: list
    elements: str
    default: []
    env:
      - name: GITOPS_FLEET_NAMES
    vars:
      - name: gitops_fleet_names
    ini:
      - section: gitops_fleet
        key: names
  exclude_names:
    description: Clusters that match one of these patterns do not become hosts, whatever O(names) says.
    type: list
    elements: str
    default: []
    env:
      - name: GITOPS_FLEET_EXCLUDE_NAMES
    vars:
      - name: gitops_fleet_exclude_names
    ini:
      - section: gitops_fleet
        key: exclude_names
  full_host_names:
    description:
      - Whether every host is called C(workspace.cluster). Otherwise that is done only where the cluster's name alone
        would not be unique, or is the name of a group.
      - Set it where clusters come and go and C(host_vars) must keep fitting.
    type: bool
    default: false
    env:
      - name: GITOPS_FLEET_FULL_HOST_NAMES
    vars:
      - name: gitops_fleet_full_host_names
    ini:
      - section: gitops_fleet
        key: full_host_names
  states:
    description:
      - Only clusters in these states (shell wildcards) become hosts, by RV(ignore:fleet_cluster.status.state). By
        default all.
      - Clusters of which their source tells no state are kept.
    type: list
    elements: str
    default: []
    env:
      - name: GITOPS_FLEET_STATES
    vars:
      - name: gitops_fleet_states
    ini:
      - section: gitops_fleet
        key: states
  hostnames:
    description:
      - Jinja2 expressions over C(fleet_cluster), without braces. The first that gives a text is the host's name. A
        cluster for which none does is called C(workspace.cluster).
      - The names must be unique and consist of letters, digits, C(-), C(_) and C(.).
    type: list
    elements: str
    default: []
    env:
      - name: GITOPS_FLEET_HOSTNAMES
    vars:
      - name: gitops_fleet_hostnames
    ini:
      - section: gitops_fleet
        key: hostnames
  on_collision:
    description:
      - What to do where several sources, or several contexts, bring clusters of one name and workspace.
      - V(fail) refuses that. V(first) takes the one that is found first, in the order of O(sources), and a warning says
        so. They are never merged.
    type: str
    choices: [fail, first]
    default: fail
    env:
      - name: GITOPS_FLEET_ON_COLLISION
    vars:
      - name: gitops_fleet_on_collision
    ini:
      - section: gitops_fleet
        key: on_collision
  node_facts:
    description:
      - Whether to ask each cluster for its nodes, with one LIST, for RV(ignore:fleet_cluster.nodes).
      - Clusters with Windows nodes are then in the group C(windows_nodes), those with Linux nodes in C(linux_nodes).
    type: bool
    default: false
    env:
      - name: GITOPS_FLEET_NODE_FACTS
    vars:
      - name: gitops_fleet_node_facts
    ini:
      - section: gitops_fleet
        key: node_facts
  node_facts_workers:
    description: How many clusters are asked for their nodes at the same time.
    type: int
    default: 16
    env:
      - name: GITOPS_FLEET_NODE_FACTS_WORKERS
    vars:
      - name: gitops_fleet_node_facts_workers
    ini:
      - section: gitops_fleet
        key: node_facts_workers
  node_facts_timeout:
    description:
      - Seconds for asking all clusters for their nodes. Those that have not been asked by then, or do not answer within
        10 seconds, are left without, and a warning says so.
    type: int
    default: 60
    env:
      - name: GITOPS_FLEET_NODE_FACTS_TIMEOUT
    vars:
      - name: gitops_fleet_node_facts_timeout
    ini:
      - section: gitops_fleet
        key: node_facts_timeout
  cache_if_unreachable:
    description:
      - Whether to use what a hub said last, however old, where it does not answer. A warning says how old it is.
      - It takes O(cache=true) and a cache plugin that keeps things, such as C(ansible.builtin.jsonfile).
    type: bool
    default: false
    env:
      - name: GITOPS_FLEET_CACHE_IF_UNREACHABLE
    vars:
      - name: gitops_fleet_cache_if_unreachable
    ini:
      - section: gitops_fleet
        key: cache_if_unreachable
notes:
  - "Every host has the variable C(fleet_cluster): C(name), C(workspace), C(labels), C(annotations), C(templateValues),
    C(status) (what its source says of its state), C(source), and the way to it as a reference, C(kubeconfig) (a path
    or C(env:NAME)) and C(context), or, for a cluster that is reached by way of a hub, C(hub) with either C(secret) or
    C(proxy_path). C(uid) is there where it is known. No variable and no cache holds a credential."
  - Kubeconfigs in Secrets of a hub are read when a cluster is used, and kept in memory. They may hold a token or
    certificates. Those that run programs, read files or do not verify the server are refused.
  - What O(sources) of the types V(fleet), V(rancher) and V(capi) say is cached with O(cache=true), for
    O(cache_timeout) seconds, and read anew when the source's options or the hub's address change, and with
    C(--flush-cache). Files are always read.
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
  # All clusters and cluster groups of a Fleet manager. In AWX, a credential puts the kubeconfig into the job and its
  # path into FLEET_KUBECONFIG.
  - type: fleet
    kubeconfig: env:FLEET_KUBECONFIG
  # Every kubeconfig of a directory.
  - type: kubeconfig
    path: kubeconfigs/edge
    names_from: file
    workspace: edge
    labels: {env: edge}
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
  # What the user of an API token may see in Rancher.
  - type: rancher
    url: https://rancher.example.com
    token: env:RANCHER_TOKEN
  # The clusters of Cluster API in two namespaces.
  - type: capi
    kubeconfig: env:FLEET_KUBECONFIG
    namespaces: [shops, edge]
cluster_groups:
  - name: europe
    selector:
      matchLabels: {region: eu}
states: [Ready, Provisioned]
node_facts: true
keyed_groups:
  - key: fleet_cluster.labels.region | default('')
    prefix: region
compose:
  is_prod: fleet_cluster.labels.env == 'prod'
# What hubs said is used for ten minutes, and longer where they do not answer.
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/fleet-inventory
cache_timeout: 600
cache_if_unreachable: true
"""

import sys
from collections.abc import Mapping

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, get_cache_plugin
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import compile_selector
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory import label_selector
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.groups import (
    ALL_CLUSTERS,
    LabelGroups,
    SelectedGroup,
    defined_groups,
    safe,
    selected_groups,
)
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.hosts import (
    check_host_names,
    choose,
    host_names,
    without_collisions,
)
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.node_facts import SYSTEMS, NodeFacts
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.record import Record, check_workspace
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.snapshot import SnapshotCache
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.sources import Found, read_sources
from ansible_collections.gitops.fleet.plugins.plugin_utils.unsafe import plain, unsafe

SUFFIXES = (".fleet.yml", ".fleet.yaml", ".clusters.yml", ".clusters.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the sources, chooses clusters, and hands hosts, groups and variables to Ansible."""

    NAME = "gitops.fleet.clusters"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(SUFFIXES)

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        kept = self._snapshot_cache(path, refresh=not cache)
        try:
            workspace = check_workspace(self._plain("workspace"))
            definitions = defined_groups(self._plain("cluster_groups"), workspace, path)
            found = self._read(path, workspace, kept)
            groups = selected_groups([*definitions, *found.cluster_groups])
            self._populate(self._with_nodes(self._chosen(found), kept), groups, workspace)
        except FleetError as error:
            raise AnsibleParserError(str(error)) from error
        if kept.save():
            self._cache.set_cache()

    def _plain(self, option: str):
        return plain(self.get_option(option))

    def _snapshot_cache(self, path: str, refresh: bool) -> SnapshotCache:
        if not self.get_option("cache"):
            return SnapshotCache()
        # Ansible's plugins forget what is too old; a hub that is away may need just that, so its age is looked at here.
        options = {"_uri": self.get_option("cache_connection"), "_prefix": self.get_option("cache_prefix")}
        given = {name: value for name, value in options.items() if value is not None}
        self._cache = get_cache_plugin(self.get_option("cache_plugin"), _timeout=0, **given)
        key = self.get_cache_key(path)
        try:
            self._cache.get(key)
        except AnsibleError as error:
            self.display.warning(f"The inventory's cache cannot be read, so it is made anew: {error.message}")
            self._cache.pop(key, None)
        return SnapshotCache(
            self._cache,
            key,
            timeout=self.get_option("cache_timeout"),
            refresh=refresh,
            if_unreachable=self.get_option("cache_if_unreachable"),
        )

    def _read(self, path: str, workspace: str, kept: SnapshotCache) -> Found:
        found = read_sources(self._plain("sources"), path, workspace, kept)
        if found.broken and (self.get_option("strict") or not found.records):
            raise found.broken[0]
        for error in found.broken:
            self.display.warning(f"{error} This source is left out.")
        for warning in found.warnings:
            self.display.warning(warning)
        return found

    def _chosen(self, found: Found) -> list[Record]:
        chosen = choose(
            found.records,
            compile_selector(label_selector.parse(self._plain("label_selector"))),
            self._plain("names"),
            self._plain("exclude_names"),
            self._plain("states"),
        )
        chosen, warnings = without_collisions(chosen, first_counts=self.get_option("on_collision") == "first")
        for warning in warnings:
            self.display.warning(warning)
        return chosen

    def _with_nodes(self, records: list[Record], kept: SnapshotCache) -> list[Record]:
        if not self.get_option("node_facts"):
            return records
        for option in ("node_facts_workers", "node_facts_timeout"):
            if self.get_option(option) < 1:
                raise FleetError(f"it is {self.get_option(option)}, and has to be 1 at least", place=option)
        gather = NodeFacts(self.get_option("node_facts_workers"), self.get_option("node_facts_timeout"))
        records = gather(records, kept)
        for warning in gather.warnings:
            self.display.warning(warning)
        return records

    def _populate(self, records: list[Record], groups: list[SelectedGroup], workspace: str) -> None:
        self._add_groups(groups)
        label_groups = LabelGroups(self._plain("label_groups"))
        memberships = [
            [
                ALL_CLUSTERS,
                safe(f"workspace_{record.cluster.namespace}"),
                *label_groups.names(record.cluster.labels),
                *(selected.group for selected in groups if selected.has(record.cluster)),
                *(f"{system}_nodes" for system in SYSTEMS if (record.nodes or {}).get("os", {}).get(system)),
            ]
            for record in records
        ]
        for group in dict.fromkeys(name for names in memberships for name in names):
            self.inventory.add_group(group)
        for text in label_groups.collisions():
            self.display.warning(f"{text}. Targets of bundles go by the labels and are not affected.")
        variables = [self._variables(record) for record in records]
        hosts = self._host_names(records, variables, workspace)
        self._is_constructed = any(self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        for host, values, names in zip(hosts, variables, memberships, strict=True):
            self._add_host(host, values, names)

    def _add_groups(self, groups: list[SelectedGroup]) -> None:
        self.inventory.add_group(ALL_CLUSTERS)
        # Another inventory file of this plugin may have brought some already.
        known = self.inventory.groups[ALL_CLUSTERS].get_vars().get("fleet_cluster_groups", [])
        definitions = [unsafe(selected.variable()) for selected in groups]
        again = {(item["workspace"], item["name"]) for item in known} & {
            (item["workspace"], item["name"]) for item in definitions
        }
        if again:
            raise FleetError(f"cluster group {' '.join(sorted(again)[0])} is defined in another inventory file, too")
        self.inventory.set_variable(ALL_CLUSTERS, "fleet_cluster_groups", [*known, *definitions])
        for selected in groups:
            self.inventory.add_group(selected.group)

    def _variables(self, record: Record) -> dict:
        return {
            "fleet_cluster": unsafe(record.variable()),
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }

    def _host_names(self, records: list[Record], variables: list[dict], workspace: str) -> list[str]:
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
        if not self.get_option("hostnames"):
            return host_names(records, taken, full=self.get_option("full_host_names"))
        names = [
            self._composed_name(values) or record.full_name for record, values in zip(records, variables, strict=True)
        ]
        check_host_names(names, records, taken)
        return names

    def _composed_name(self, variables: dict) -> str:
        for expression in self.get_option("hostnames"):
            try:
                name = self._compose(expression, variables)
            except Exception as error:
                if self.get_option("strict"):
                    name = variables["fleet_cluster"]["name"]
                    raise FleetError(
                        f"{expression} has no value: {error}", place=f"hostnames, cluster {name}"
                    ) from error
                continue
            if name:
                return plain(str(name))
        return ""

    def _add_host(self, host: str, variables: dict, groups: list[str]) -> None:
        self.inventory.add_host(host)
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        for group in groups:
            self.inventory.add_child(group, host)
        if self._is_constructed:
            self._construct(host, variables)

    def _construct(self, host: str, variables: dict) -> None:
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
