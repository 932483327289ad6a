#!/usr/bin/python
# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file holds the documentation only: the work is done by the action plugin of the same name,
# which needs the controller's view of the play (hosts of the batch, their variables).

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_deploy
short_description: Deploy bundles to the clusters of a play
version_added: 0.1.0
author:
  - gitops.fleet contributors (@gitops-fleet)
description:
  - Deploys the bundles that M(gitops.fleet.fleet_gitrepo) or M(gitops.fleet.fleet_bundle) built to those clusters
    of the play's batch that the bundles' targets select, by Rancher Fleet's rules, and prunes what git no longer has.
  - Every bundle becomes a Helm chart, and every deployment an ordinary Helm release, with the name and namespace that
    Fleet gives. C(helm list), C(helm history) and C(helm rollback) work on them.
  - The task runs once for the whole batch and needs C(run_once=true). It never fails for one cluster, because a failed
    C(run_once) task ends the play for all. Give its result to M(gitops.fleet.fleet_result) in the next task, which
    gives each host its own C(ok), C(changed) or C(failed), so that C(serial), C(--limit), C(rescue) and
    C(max_fail_percentage) mean what they always do.
  - A cluster that is up to date costs one API request and no C(helm) process.
  - A cluster is a host that has the variable C(fleet_cluster), which the inventory plugin
    P(gitops.fleet.clusters#inventory) sets. Two more variables of a host or its groups count. C(fleet_labels) are put
    over the labels of its cluster, C(fleet_values) over the Helm values of C(fleet.yaml) (those of C(helm.valuesFrom)
    still win), in all bundles that are Helm charts. The reason of a planned step names the values that they set.
  - A kubeconfig that lies in a Secret of a hub is read when it is first used, and kept in memory. One that runs
    programs, reads files or does not verify the server is refused.
options:
  builds:
    description:
      - Files with built bundles, each the return value RV(gitops.fleet.fleet_gitrepo#module:build) or
        RV(gitops.fleet.fleet_bundle#module:build).
    type: list
    elements: path
    required: true
  owner:
    description:
      - Who deploys. Releases carry it as a label. Releases of another owner are never changed or pruned.
      - All control nodes and jobs that deploy the same fleet must have the same owner.
      - By default the value of the environment variable E(GITOPS_FLEET_OWNER); else, in a job of AWX or AAP, the
        controller's address and the inventory's number; else the machine ID of the control node.
    type: str
  prune:
    description:
      - Whether to uninstall releases of the builds' GitRepos for which no bundle asks any more on their cluster.
    type: bool
    default: true
  delete_budget:
    description:
      - How many releases of a GitRepo may be pruned by one run, as a number or as a percentage of the releases that
        the GitRepo has on the clusters of the batch. Counted before anything is changed.
      - A run that would go over the budget changes nothing and fails.
      - A percentage always lets one whole bundle go.
    type: str
    default: 25%
  adopt:
    description:
      - Names of bundles that may take over a release which has their name and namespace, and which somebody else made.
      - Without it, such a release is refused.
    type: list
    elements: str
    default: []
  accept_identity:
    description:
      - Clusters, as C(workspace.name), that are knowingly not what they were. They were rebuilt under the same name,
        renamed, or moved to another workspace.
      - Without it, a cluster whose identity changed is refused, because its context may have been pointed at another
        cluster by mistake.
    type: list
    elements: str
    default: []
  downstream_resources:
    description:
      - Secrets and ConfigMaps that bundles want copied to the namespace of their release (C(downstreamResources) in
        C(fleet.yaml)), each a whole object. Its C(metadata.namespace) is the workspace of the bundles, by default
        C(fleet-default).
      - They are made before the release, brought up to date where they differ, and removed with it. A bundle that
        wants one which is neither here nor in O(downstream_resources_from) is not deployed.
      - Keep them in a vault.
    type: list
    elements: dict
    default: []
  downstream_resources_from:
    description:
      - The cluster that has the other objects of C(downstreamResources), in the namespace that has the name of the
        workspace. With Rancher Fleet that is its manager.
    type: dict
    suboptions:
      kubeconfig:
        description: Path of a kubeconfig, or C(env:NAME) for the path that an environment variable holds.
        type: str
        required: true
      context:
        description: The context; by default the current one.
        type: str
        default: ""
  service_account_namespace:
    description:
      - The namespace on each cluster with the service accounts that bundles are deployed as (C(serviceAccount) in
        C(fleet.yaml) or the GitRepo). With Rancher Fleet it is the agent's own.
      - A bundle that names no service account is deployed as C(fleet-default) where that is there, else with the
        rights of the kubeconfig.
    type: str
    default: cattle-fleet-system
  wait:
    description:
      - Whether to wait until the objects of what was deployed are healthy.
      - What other bundles depend on (C(dependsOn)) is waited for in any case, before these are deployed.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for health, for all bundles of a cluster together.
    type: int
    default: 300
  lock_timeout:
    description:
      - Seconds to wait for another run that is at work on the same cluster.
    type: int
    default: 120
  request_timeout:
    description:
      - Seconds that a request to a cluster's API may take.
    type: int
    default: 30
  workers:
    description:
      - How many clusters are looked at, or releases deployed, at the same time.
    type: int
    default: 8
  helm_binary:
    description:
      - The C(helm) to use, version 4, or 3.17 or later.
      - By default the one named by the environment variable E(FLEET_HELM), or found in E(PATH).
    type: path
  kustomize_binary:
    description:
      - The C(kustomize) or C(kubectl) to use where a bundle uses Kustomize.
      - By default the one named by the environment variable E(FLEET_KUSTOMIZE), or found in E(PATH).
    type: path
  cache_dir:
    description:
      - Directory for what the next run can use again and for the details of runs.
      - By default C(gitops.fleet) in the user's cache directory.
    type: path
extends_documentation_fragment:
  - gitops.fleet.attributes
  - gitops.fleet.attributes.actiongroup_fleet
  - gitops.fleet.attributes.flow
attributes:
  check_mode:
    support: full
    details:
      - The result is the plan. Only with C(--diff) is C(helm) asked what it would render.
  diff_mode:
    support: full
    details:
      - The differences of each object are given to the hosts by M(gitops.fleet.fleet_result).
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: full
requirements:
  - helm 4, or 3.17 or later
  - kubernetes (Python library)
  - kustomize or kubectl, where a bundle uses Kustomize
seealso:
  - module: gitops.fleet.fleet_gitrepo
  - module: gitops.fleet.fleet_bundle
  - module: gitops.fleet.fleet_result
"""

EXAMPLES = r"""
- name: Deploy a git repository to every cluster that it targets
  hosts: fleet
  gather_facts: false
  tasks:
    - name: Fetch the repository and build its bundles
      gitops.fleet.fleet_gitrepo:
        name: apps
        repo: https://git.example.com/apps.git
        branch: main
        targets:
          - clusterSelector:
              matchLabels:
                env: prod
      run_once: true
      delegate_to: localhost
      register: apps

    - name: Deploy to the whole batch
      gitops.fleet.fleet_deploy:
        builds:
          - "{{ apps.build }}"
      run_once: true
      changed_when: false
      register: fleet_deployed

    - name: Give each cluster its own result
      gitops.fleet.fleet_result:
"""

RETURN = r"""
hosts:
  description: What came of each host of the batch.
  returned: always
  type: dict
  sample:
    prod-eu: {"changed": true, "failed": false, "unreachable": false, "counts": {"install": 4}}
failed_hosts:
  description: The hosts on which something failed.
  returned: always
  type: list
  elements: str
  sample: []
unreachable_hosts:
  description: The hosts whose cluster did not answer.
  returned: always
  type: list
  elements: str
  sample: [dev-us]
details:
  description: Directory with one JSON file for each host, with every release and difference.
  returned: always
  type: str
  sample: /home/me/.cache/gitops.fleet/runs/20260102T030405-4711
"""
