# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleet_values``: Helm values of the inventory, for one cluster.

The order of values, of which later ones win: the chart's own, those of ``fleet.yaml`` (``helm.values``, over them
``helm.valuesFiles``, over them the cluster's customization), **these**, ``helm.valuesFrom``. They are data: no template
in them is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..bundle.values_files import merge_values
from ..chart.style import determine_style
from ..target.deployment import BundleDeployment
from .request import Target


class ClusterValues:
    """Puts the values of the targets over the options of deployments, which are final but for that."""

    def __init__(self, targets: Sequence[Target]):
        self._values = {
            (target.cluster.namespace, target.cluster.name): dict(target.values) for target in targets if target.values
        }
        self._places = {cluster: tuple(keys_of(values)) for cluster, values in self._values.items()}

    def over_all(self, deployments: Sequence[BundleDeployment]) -> list[BundleDeployment]:
        """Each deployment with the values of its cluster, in order. Bundles that are no Helm charts have no values."""
        if not self._values:
            return list(deployments)
        has_chart = _HasChart()
        return [self._over(deployment, has_chart) for deployment in deployments]

    def places(self, before: BundleDeployment, after: BundleDeployment) -> tuple[str, ...]:
        """Where the cluster's values were put over the values of the deployment ``before``; () if nowhere."""
        if before.options is after.options:
            return ()
        return self._places.get(_cluster(after), ())

    def _over(self, deployment: BundleDeployment, has_chart: _HasChart) -> BundleDeployment:
        values = self._values.get(_cluster(deployment))
        if not values or not has_chart(deployment):
            return deployment
        helm = deployment.options.get("helm") or {}
        merged = merge_values(helm.get("values") or {}, values)
        return deployment.with_options({**deployment.options, "helm": {**helm, "values": merged}})


class _HasChart:
    """Whether a deployment is a Helm chart. Many clusters share one object of options, which must outlive this."""

    def __init__(self):
        self._known: dict[tuple[int, int], bool] = {}

    def __call__(self, deployment: BundleDeployment) -> bool:
        key = id(deployment.bundle), id(deployment.options)
        if key not in self._known:
            names = [resource.get("name") or "" for resource in deployment.bundle.spec.get("resources") or []]
            self._known[key] = determine_style(names, deployment.options).is_helm
        return self._known[key]


def _cluster(deployment: BundleDeployment) -> tuple[str, str]:
    return deployment.cluster.namespace, deployment.cluster.name


def keys_of(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The places that ``values`` set, as Helm writes them: ``image.tag``. Never what stands there."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from keys_of(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
