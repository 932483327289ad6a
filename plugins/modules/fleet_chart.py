#!/usr/bin/python
# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_chart
short_description: Install a Helm chart from a path, with Helm 3 or Helm 4
version_added: 0.1.0
author:
  - gitops.fleet contributors (@gitops-fleet)
description:
  - Installs a chart that lies on the control node as a release of one cluster, or upgrades the release.
  - The roles P(gitops.fleet.fleet_manager#role) and P(gitops.fleet.fleet_agent#role) install Rancher Fleet's own charts
    with it. Bundles are deployed by M(gitops.fleet.fleet_deploy).
  - Nothing is done when the release is deployed and was made from the same chart, values and rendered objects. What
    others changed in the cluster since is not looked at.
  - Values of an earlier revision are never kept.
options:
  release:
    description:
      - Name of the release.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the release. It is created when it does not exist.
    type: str
    required: true
  chart:
    description:
      - Directory or archive (C(.tgz)) with the chart, on the control node.
    type: path
    required: true
  values:
    description:
      - Values for the chart.
    type: dict
    default: {}
  secret_values:
    description:
      - Values that nobody may see, such as tokens. They are merged over O(values).
    type: dict
    default: {}
extends_documentation_fragment:
  - gitops.fleet.attributes
  - gitops.fleet.attributes.actiongroup_fleet
  - gitops.fleet.connection
  - gitops.fleet.helm
  - gitops.fleet.wait
attributes:
  check_mode:
    support: full
    details:
      - C(helm) is asked what it would do, and the API server checks it.
      - Where the kinds of the chart's objects are not known to the cluster yet, the chart is only rendered.
  diff_mode:
    support: full
    details:
      - Compares the objects of the release's last revision with those of the new one. Data of Secrets is masked.
  idempotent:
    support: partial
    details:
      - A chart that renders something else each time, such as a random password, is upgraded each time.
  platform:
    support: full
    platforms: posix
seealso:
  - module: gitops.fleet.fleet_deploy
"""

EXAMPLES = r"""
- name: Install the custom resource definitions of Rancher Fleet
  gitops.fleet.fleet_chart:
    kubeconfig: ~/.kube/manager.yaml
    release: fleet-crd
    namespace: cattle-fleet-system
    chart: /srv/charts/fleet-crd-0.16.0.tgz

- name: Install an agent with the values of its registration token
  gitops.fleet.fleet_chart:
    kubeconfig: ~/.kube/downstream.yaml
    release: fleet-agent
    namespace: cattle-fleet-system
    chart: /srv/charts/fleet-agent-0.16.0.tgz
    values:
      debug: true
    secret_values: "{{ registration_values }}"
"""

RETURN = r"""
action:
  description: What was done, or in check mode would be done. One of V(install), V(upgrade) and V(none).
  returned: success
  type: str
  sample: upgrade
revision:
  description: Revision of the release, V(0) when there is none yet.
  returned: success
  type: int
  sample: 2
chart_name:
  description: Name of the chart.
  returned: success
  type: str
  sample: fleet
chart_version:
  description: Version of the chart.
  returned: success
  type: str
  sample: 0.16.0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.diff import object_diff
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import index
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.gitops.fleet.plugins.module_utils.manager.chart_release import (
    ChartInstaller,
    ChartRelease,
    Outcome,
    secret_strings,
)
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory


def main():
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "required": True},
            "context": {"type": "str", "default": ""},
            "release": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "chart": {"type": "path", "required": True},
            "values": {"type": "dict", "default": {}},
            "secret_values": {"type": "dict", "default": {}, "no_log": True},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 300},
            "helm_binary": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        with RunDirectory() as run, HelmFinder(module.params["helm_binary"] or "", run) as finder:
            result = run_module(module, run, finder)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def run_module(module: AnsibleModule, run: RunDirectory, finder: HelmFinder) -> dict:
    connection = Connection(module.params["kubeconfig"], module.params["context"])
    client = Client(connection, temp_directory=run.path)
    try:
        installer = ChartInstaller(client, finder.find(), load(connection).to_bytes())
        outcome = installer.apply(wanted_release(module.params), check=module.check_mode)
    finally:
        client.close()
    for warning in client.warnings:
        module.warn(warning)
    result = {
        "changed": outcome.action != "none",
        "action": outcome.action,
        "revision": outcome.revision,
        "chart_name": outcome.after.chart_name,
        "chart_version": outcome.after.chart_version,
    }
    if module._diff:
        result["diff"] = differences(outcome, module.params["namespace"])
    return result


def wanted_release(params: dict) -> ChartRelease:
    return ChartRelease(
        name=params["release"],
        namespace=params["namespace"],
        chart=params["chart"],
        values=(params["values"], params["secret_values"]),
        secrets=tuple(secret_strings(params["secret_values"])),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )


def differences(outcome: Outcome, namespace: str) -> list[dict]:
    """The objects that differ between the last revision and the new one, deletions last."""
    before = index(outcome.before.objects, namespace) if outcome.before else {}
    after = index(outcome.after.objects, namespace)
    keys = [*after, *(key for key in before if key not in after)]
    return [
        object_diff(before.get(key), after.get(key), namespace=namespace)
        for key in keys
        if before.get(key) != after.get(key)
    ]


if __name__ == "__main__":
    main()
