# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bench only: what fleet_deploy leaves behind, for as many hosts and releases as asked, without any cluster."""

from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.outcome import HostOutcome, ReleaseOutcome
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Action
from ansible_collections.gitops.fleet.plugins.module_utils.status.report import batch_result, save_details


class ActionModule(ActionBase):
    BYPASS_HOST_LOOP = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        releases = int(self._task.args["releases"])
        outcomes = [_outcome(number, host, releases) for number, host in enumerate(task_vars["ansible_play_batch"])]
        directory = save_details(Path(self._task.args["cache"]), outcomes, check_mode=False)
        return batch_result(outcomes, directory)


def _outcome(number: int, host: str, count: int) -> HostOutcome:
    releases = [
        ReleaseOutcome(
            bundle=f"bundle-{index}",
            namespace=f"namespace-{index}",
            release=f"release-{index}",
            action=Action.UPGRADE if index % 10 == number % 10 else Action.NONE,
            healthy=True,
            changed=index % 10 == number % 10,
            revision=number + index,
            version=f"1.{number}.{index}",
            commit="0123456789abcdef0123456789abcdef01234567",
            updated="2026-01-02T03:04:05Z",
            seconds=0.2,
        )
        for index in range(count)
    ]
    return HostOutcome(host=host, cluster=f"fleet-default.{host}", releases=releases)
