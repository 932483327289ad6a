# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action fleet_deploy: hand the clusters of the play's batch to the push engine, once for all of them."""

from __future__ import annotations

import os

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.budget import DeleteBudget
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.owner import owner
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.request import Request
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.run import deploy
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import cache_directory
from ansible_collections.gitops.fleet.plugins.module_utils.status.report import batch_result, save_details
from ansible_collections.gitops.fleet.plugins.module_utils.status.summary import table_lines
from ansible_collections.gitops.fleet.plugins.plugin_utils.play import read_batch
from ansible_collections.gitops.fleet.plugins.plugin_utils.signals import interrupted_by_signals
from ansible_collections.gitops.fleet.plugins.plugin_utils.unsafe import plain

ARGUMENT_SPEC = {
    "builds": {"type": "list", "elements": "path", "required": True},
    "owner": {"type": "str"},
    "prune": {"type": "bool", "default": True},
    "delete_budget": {"type": "str", "default": "25%"},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "accept_identity": {"type": "list", "elements": "str", "default": []},
    "downstream_resources": {"type": "list", "elements": "dict", "default": []},
    "downstream_resources_from": {
        "type": "dict",
        "options": {"kubeconfig": {"type": "str", "required": True}, "context": {"type": "str", "default": ""}},
    },
    "service_account_namespace": {"type": "str", "default": "cattle-fleet-system"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
    "lock_timeout": {"type": "int", "default": 120},
    "request_timeout": {"type": "int", "default": 30},
    "workers": {"type": "int", "default": 8},
    "helm_binary": {"type": "path"},
    "kustomize_binary": {"type": "path"},
    "cache_dir": {"type": "path"},
}

LEAST = {"wait_timeout": 0, "lock_timeout": 0, "request_timeout": 1, "workers": 1}


class ActionModule(ActionBase):
    """One call serves every cluster of the batch. It never fails for one cluster: fleet_result does."""

    # Makes the strategies that do not know batches (free, host_pinned) refuse the task.
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        if not self._task.run_once:
            raise AnsibleActionFail(
                "fleet_deploy works for the whole batch at once. Give the task run_once: true, register it, and let "
                "the task gitops.fleet.fleet_result after it give every host its own result."
            )
        try:
            with interrupted_by_signals():
                outcomes = deploy(self._request(arguments, task_vars))
            _add_findings(outcomes)
            details = save_details(cache_directory(arguments["cache_dir"]), outcomes, self._task.check_mode)
        except FleetError as error:
            return {"failed": True, "msg": str(error)}
        for line in table_lines(outcomes):
            Display().display(line)
        return batch_result(outcomes, details)

    def _request(self, arguments, task_vars) -> Request:
        _check_numbers(arguments)
        hub = arguments["downstream_resources_from"]
        batch = read_batch(task_vars["ansible_play_batch"], task_vars["hostvars"])
        return Request(
            targets=batch.targets,
            not_clusters=batch.not_clusters,
            groups=batch.groups,
            builds=arguments["builds"],
            owner=owner(arguments["owner"] or os.environ.get("GITOPS_FLEET_OWNER"), os.environ),
            check_mode=self._task.check_mode,
            diff=self._task.diff,
            prune=arguments["prune"],
            delete_budget=DeleteBudget.parse(arguments["delete_budget"]),
            adopt=frozenset(arguments["adopt"]),
            accept_identity=frozenset(arguments["accept_identity"]),
            downstream_resources=plain(arguments["downstream_resources"]),
            downstream_resources_from=hub and Connection(**hub),
            service_account_namespace=arguments["service_account_namespace"],
            wait=arguments["wait"],
            wait_timeout=arguments["wait_timeout"],
            lock_timeout=arguments["lock_timeout"],
            request_timeout=arguments["request_timeout"],
            workers=arguments["workers"],
            helm_binary=arguments["helm_binary"] or "",
            kustomize_binary=arguments["kustomize_binary"] or "",
            cache_dir=arguments["cache_dir"],
        )


def _add_findings(outcomes):
    """What lint can tell of a preview, as warnings of the cluster."""
    previewed = [outcome for outcome in outcomes if any(release.live for release in outcome.releases)]
    if not previewed:
        return
    # Loading the rules would cost every run something.
    from ansible_collections.gitops.fleet.plugins.module_utils.lint.lint import lint_live

    for outcome in previewed:
        for finding in lint_live(release.live for release in outcome.releases if release.live):
            outcome.warnings.append(f"{finding.place.path}: {finding.message} ({finding.rule})")


def _check_numbers(arguments):
    for name, least in LEAST.items():
        if arguments[name] < least:
            raise FleetError(f"it is {arguments[name]}, and has to be {least} at least", place=name)
