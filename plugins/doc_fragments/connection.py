# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name one cluster."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - File with the kubeconfig that reaches the cluster, on the control node.
      - It alone decides where the module goes. Environment variables such as E(KUBECONFIG), C(K8S_AUTH_*) and
        C(HELM_KUBE*) are ignored.
    type: path
    required: true
  context:
    description:
      - Context of O(kubeconfig).
      - By default its current context.
    type: str
    default: ""
"""
