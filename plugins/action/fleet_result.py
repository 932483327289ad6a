# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action fleet_result: give one host its own part of what fleet_deploy did for the whole batch."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.status.report import Details

ARGUMENT_SPEC = {
    "of": {"type": "str", "default": "fleet_deployed"},
    "on_unreachable": {"type": "str", "choices": ["continue", "fail"], "default": "continue"},
    "closing": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Runs for every host, so it reads one small file and starts no process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        host = task_vars["inventory_hostname"]
        try:
            details = _details(task_vars, arguments["of"], host)
        except FleetError as error:
            return {"failed": True, "msg": str(error)}
        if arguments["closing"]:
            return _closing(details)
        for warning in details.warnings:
            Display().warning(f"[{host}] {warning}")
        result = {
            "changed": details.changed,
            "failed": details.failed,
            "msg": details.summary,
            "counts": details.counts,
            "releases": details.notable_releases,
            "details": details.path,
        }
        if self._task.diff and details.diff:
            result["diff"] = details.shown_diff
        if details.unreachable:
            fails = arguments["on_unreachable"] == "fail"
            result.update(failed=fails, msg=_unreachable(details), cluster_unreachable=True)
            if not fails:
                Display().warning(f"[{host}] {_unreachable(details)}")
        return result


def _closing(details) -> dict:
    """Only whether the cluster answered: all else was said in its batch."""
    if details.unreachable:
        return {"changed": False, "failed": True, "msg": _unreachable(details), "cluster_unreachable": True}
    return {"changed": False, "msg": details.summary}


def _unreachable(details) -> str:
    return f"unreachable: {details.unreachable}"


def _details(task_vars, variable, host) -> Details:
    # By the name of the registered variable, not through a template: a template would be evaluated
    # over the results of all hosts again for each host.
    batch = task_vars.get(variable)
    if not isinstance(batch, dict) or "details" not in batch:
        raise FleetError(
            f"variable {variable} does not hold what fleet_deploy returned",
            place="fleet_result",
            remedy=f"Register the fleet_deploy task, with run_once: true, as {variable}, or name its variable with of.",
        )
    return Details.load(batch["details"], host)
