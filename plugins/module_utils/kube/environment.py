# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a child process that must reach the cluster it is told, and no other."""

from __future__ import annotations

from collections.abc import Mapping

_REMOVED = frozenset(
    {
        "KUBECONFIG",
        "KUBERNETES_MASTER",
        # In a pod (an AWX job is one) client-go falls back to the pod's own cluster by these two.
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        "HELM_NAMESPACE",
        # Releases are looked for in Secrets, so they must be kept there.
        "HELM_DRIVER",
        "HELM_DRIVER_SQL_CONNECTION_STRING",
        # Debug output shows values.
        "HELM_DEBUG",
    }
)
_REMOVED_PREFIXES = ("K8S_AUTH_", "HELM_KUBE")


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without anything by which Helm, kubectl or kubernetes.core would pick a cluster.

    Proxy settings stay, and so does all that a credential plugin may need (``AWS_PROFILE``, …).
    """
    return {
        name: value
        for name, value in environ.items()
        if name not in _REMOVED and not name.startswith(_REMOVED_PREFIXES)
    }
