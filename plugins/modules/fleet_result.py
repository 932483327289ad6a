#!/usr/bin/python
# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file holds the documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_result
short_description: Give each cluster its own result of a deployment
version_added: 0.1.0
author:
  - gitops.fleet contributors (@gitops-fleet)
description:
  - Reads what M(gitops.fleet.fleet_deploy) did for the whole batch, and gives each host its own C(ok), C(changed) or
    C(failed), so that C(serial), C(--limit), C(rescue), C(max_fail_percentage) and the recap mean what they always do.
  - Starts no process and asks no cluster.
options:
  of:
    description:
      - The name of the variable in which the result of M(gitops.fleet.fleet_deploy) was registered.
      - It is the name, not a template. A template would be evaluated over the results of all hosts for each host.
    type: str
    default: fleet_deployed
  on_unreachable:
    description:
      - What a cluster that did not answer means for its host.
      - With V(continue) it is shown as a warning, and the host goes on to the closing task, which fails it.
      - With V(fail) the host fails at once, and counts for C(max_fail_percentage).
    type: str
    choices: [continue, fail]
    default: continue
  closing:
    description:
      - Whether this is the last look, after all batches. It fails the hosts whose cluster did not answer, so that the
        run's exit code says so, and reports nothing else.
    type: bool
    default: false
extends_documentation_fragment:
  - gitops.fleet.attributes
  - gitops.fleet.attributes.actiongroup_fleet
  - gitops.fleet.attributes.flow
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the differences of the host's objects that M(gitops.fleet.fleet_deploy) found.
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
    support: none
seealso:
  - module: gitops.fleet.fleet_deploy
"""

EXAMPLES = r"""
- name: Give each cluster its own result
  gitops.fleet.fleet_result:

- name: Fail the clusters that did not answer, after all batches
  gitops.fleet.fleet_result:
    closing: true
"""

RETURN = r"""
counts:
  description: How many releases each action was planned for.
  returned: except by the closing task
  type: dict
  sample: {"none": 3, "upgrade": 1}
releases:
  description: The releases that were changed or that failed. All of them, and more about each, are in RV(details).
  returned: except by the closing task
  type: list
  elements: dict
  sample:
    - bundle: demo-helm
      namespace: demo-helm
      release: guestbook
      action: upgrade
      state: Ready
      revision: 2
      version: 1.0.0
      changed: true
      failed: false
details:
  description: File with all releases of the host.
  returned: except by the closing task
  type: str
  sample: /home/me/.cache/gitops.fleet/runs/20260102T030405-4711/prod-eu.json
cluster_unreachable:
  description: Whether the cluster did not answer, or stopped answering in the middle.
  returned: when it did not
  type: bool
  sample: true
"""
