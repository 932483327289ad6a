# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one live object is ready: checks that hold for every kind, then a rule for the kind.

The rules are those of kstatus (``sigs.k8s.io/cli-utils/pkg/kstatus``), which Fleet uses as well,
with these differences, all on the side of not calling ready what is not: a running Job is not
ready, a failed Pod has failed, a Service of type LoadBalancer needs an address, a ReplicaSet whose
Pods are refused has failed, a custom resource gets a moment to show a status.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ..builtin import GROUPS
from ..manifest import group_of
from .conditions import conditions, find_condition, words
from .pods import containers, pod_problem, waiting_reason

SCHEDULING_TIME = timedelta(seconds=15)
"""How long a Pod may wait for a node before it counts as failed: an autoscaler may be at work."""
FIRST_STATUS_TIME = timedelta(seconds=15)
"""How long a new custom resource is given to show a status, before none counts as ready."""


class HealthState(StrEnum):
    """What an object is. Only FAILED does not mend itself by waiting."""

    READY = "Ready"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Health:
    """``message`` says why, in one line; it may be '' for READY."""

    state: HealthState
    message: str = ""

    @property
    def is_ready(self) -> bool:
        return self.state is HealthState.READY


@dataclass(frozen=True)
class Timing:
    """The time limits of the rules, the time that it is, and how long the object has been seen by us.

    The last counts as well because the API server's clock, which timestamps objects, may be ahead.
    """

    now: datetime
    seen: timedelta = timedelta(0)
    scheduling: timedelta = SCHEDULING_TIME
    first_status: timedelta = FIRST_STATUS_TIME

    def age(self, obj: dict[str, Any]) -> timedelta:
        """How long ago the object was made, as far as can be told."""
        try:
            created = datetime.fromisoformat((obj.get("metadata") or {}).get("creationTimestamp"))
            return max(self.now - created, self.seen)
        except (TypeError, ValueError):
            return self.seen


def health(obj: dict[str, Any], timing: Timing | None = None) -> Health:
    """The health of a live object as the API gives it. Never raises: what cannot be read is UNKNOWN."""
    try:
        return _health(obj, timing or Timing(datetime.now(UTC)))
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        return Health(HealthState.UNKNOWN, f"its status has an unexpected form ({type(error).__name__})")


def needs_status(api_version: str, kind: str) -> bool:
    """Whether an object of this kind has to be read in full; of others it is enough that they are there."""
    group = group_of(api_version)
    return group not in GROUPS or (group, kind) in _RULES


def _health(obj: dict[str, Any], timing: Timing) -> Health:
    general = _general(obj)
    if general is not None:
        return general
    group = group_of(obj.get("apiVersion") or "")
    rule = _RULES.get((group, obj.get("kind") or ""))
    if rule is not None:
        return rule(obj, timing)
    return _any_kind(obj, timing, has_status=group not in GROUPS)


def _general(obj: dict[str, Any]) -> Health | None:
    """What deletion, generation and the conditions Stalled and Reconciling say, in kstatus' order."""
    metadata, status = obj.get("metadata") or {}, obj.get("status") or {}
    if metadata.get("deletionTimestamp"):
        finalizers = metadata.get("finalizers") or []
        waits = f", waiting for finalizer {finalizers[0]}" if finalizers else ""
        return Health(HealthState.TERMINATING, f"is being deleted{waits}")
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if generation is not None and observed is not None and int(observed) != int(generation):
        return _in_progress(f"its controller has seen generation {observed} of {generation}")
    for condition in conditions(obj):
        if condition.get("status") == "True" and condition.get("type") == "Reconciling":
            return _in_progress(words(condition))
        if condition.get("status") == "True" and condition.get("type") == "Stalled":
            return _failed(words(condition))
    return None


def _any_kind(obj: dict[str, Any], timing: Timing, has_status: bool) -> Health:
    """The conditions that most controllers set, for a kind without a rule."""
    failed = find_condition(obj, "Failed")
    if failed.get("status") == "True":
        return _failed(words(failed))
    for name in ("Ready", "Available"):
        condition = find_condition(obj, name)
        if condition:
            return _ready(words(condition)) if condition.get("status") == "True" else _in_progress(words(condition))
    if has_status and not obj.get("status"):
        if timing.age(obj) < timing.first_status:
            return _in_progress("no controller has written its status yet")
        return _ready("has no status: taken as ready")
    return _ready()


def _deployment(obj: dict[str, Any], _timing: Timing) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    progressing = find_condition(obj, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return _failed(words(progressing))
    refused = find_condition(obj, "ReplicaFailure")
    if refused.get("status") == "True":
        return _in_progress(words(refused))
    desired = _number(spec, "replicas", 1)
    updated, available = _number(status, "updatedReplicas"), _number(status, "availableReplicas")
    if updated < desired:
        paused = " (its rollout is paused: spec.paused)" if spec.get("paused") else ""
        return _in_progress(f"{updated} of {desired} replicas updated{paused}")
    surplus = _number(status, "replicas") - desired
    if surplus > 0:
        return _in_progress(f"{surplus} old replicas are still ending")
    if available < desired:
        return _in_progress(f"{available} of {desired} replicas available")
    if _number(status, "readyReplicas") < desired:
        return _in_progress(f"{_number(status, 'readyReplicas')} of {desired} replicas ready")
    is_available = find_condition(obj, "Available")
    if is_available.get("status") != "True":
        return _in_progress(words(is_available) or "its controller has not said that it is available")
    return _ready(f"{available} of {desired} replicas available")


def _replica_set(obj: dict[str, Any], _timing: Timing) -> Health:
    refused = find_condition(obj, "ReplicaFailure")
    if refused.get("status") == "True":
        return _failed(words(refused))
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    desired, available = _number(spec, "replicas", 1), _number(status, "availableReplicas")
    surplus = _number(status, "replicas") - desired
    if surplus > 0:
        return _in_progress(f"{surplus} replicas too many are still ending")
    if available < desired or _number(status, "readyReplicas") < desired:
        return _in_progress(f"{available} of {desired} replicas available")
    return _ready(f"{available} of {desired} replicas available")


def _stateful_set(obj: dict[str, Any], _timing: Timing) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    desired = _number(spec, "replicas", 1)
    if strategy.get("type") == "OnDelete":
        return _ready("its Pods are updated when they are deleted (OnDelete)")
    ready, total = _number(status, "readyReplicas"), _number(status, "replicas")
    if total < desired:
        return _in_progress(f"{total} of {desired} replicas there")
    if ready < desired:
        return _in_progress(f"{ready} of {desired} replicas ready")
    if total > desired:
        return _in_progress(f"{total - desired} replicas too many are still ending")
    partition = _number(strategy.get("rollingUpdate") or {}, "partition")
    updated, to_update = _number(status, "updatedReplicas"), max(0, desired - partition)
    if updated < to_update:
        return _in_progress(f"{updated} of {to_update} replicas updated")
    if not partition and status.get("currentRevision") != status.get("updateRevision"):
        return _in_progress("its last replicas are being updated")
    return _ready(f"{ready} of {desired} replicas ready")


def _daemon_set(obj: dict[str, Any], _timing: Timing) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if status.get("observedGeneration") is None or status.get("desiredNumberScheduled") is None:
        return _in_progress("its controller has not looked at it yet")
    desired = _number(status, "desiredNumberScheduled")
    available = _number(status, "numberAvailable")
    if (spec.get("updateStrategy") or {}).get("type") != "OnDelete":
        updated = _number(status, "updatedNumberScheduled")
        if updated < desired:
            return _in_progress(f"{updated} of {desired} nodes updated")
    if available < desired or _number(status, "numberReady") < desired:
        return _in_progress(f"{available} of {desired} nodes available")
    return _ready(f"{available} of {desired} nodes available")


def _job(obj: dict[str, Any], _timing: Timing) -> Health:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    for name in ("Failed", "FailureTarget"):
        condition = find_condition(obj, name)
        if condition.get("status") == "True":
            return _failed(words(condition))
    wanted = _number(spec, "completions", _number(spec, "parallelism", 1))
    done = _number(status, "succeeded")
    if find_condition(obj, "Complete").get("status") == "True":
        return _ready(f"{done} of {wanted} completions")
    if spec.get("suspend"):
        return _ready("is suspended (spec.suspend)")
    failed = _number(status, "failed")
    tried = f", {failed} failed" if failed else ""
    return _in_progress(f"{done} of {wanted} completions, {_number(status, 'active')} running{tried}")


def _cron_job(_obj: dict[str, Any], _timing: Timing) -> Health:
    """Whether its last Job failed is not in its status: a look at the Jobs would be needed."""
    return _ready()


def _pod(obj: dict[str, Any], timing: Timing) -> Health:
    status = obj.get("status") or {}
    phase = status.get("phase")
    if phase == "Succeeded":
        return _ready("has completed")
    if phase == "Failed":
        return _failed(pod_problem(obj) or "has failed")
    ready = find_condition(obj, "Ready")
    if phase == "Running" and ready.get("status") == "True":
        return _ready()
    problem = pod_problem(obj)
    if any(waiting_reason(container) == "CrashLoopBackOff" for container in containers(obj)):
        return _failed(problem)
    scheduled = find_condition(obj, "PodScheduled")
    is_unschedulable = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    if is_unschedulable and timing.age(obj) >= timing.scheduling:
        return _failed(problem)
    return _in_progress(problem or (f"is {phase}" if phase else "has no phase yet"))


def _persistent_volume_claim(obj: dict[str, Any], _timing: Timing) -> Health:
    phase = (obj.get("status") or {}).get("phase")
    if phase == "Bound":
        return _ready("is bound")
    if phase == "Lost":
        return _failed("its volume is lost")
    return _in_progress(f"is {phase or 'not bound yet'}")


def _persistent_volume(obj: dict[str, Any], _timing: Timing) -> Health:
    status = obj.get("status") or {}
    if status.get("phase") == "Failed":
        return _failed(status.get("message") or "has failed")
    if status.get("phase") in (None, "Pending"):
        return _in_progress("is not available yet")
    return _ready()


def _pod_disruption_budget(obj: dict[str, Any], _timing: Timing) -> Health:
    if (obj.get("status") or {}).get("observedGeneration") is None:
        return _in_progress("its controller has not looked at it yet")
    failed = find_condition(obj, "DisruptionAllowed")
    if failed.get("status") == "False" and failed.get("reason") == "SyncFailed":
        return _in_progress(words(failed))
    return _ready()


def _service(obj: dict[str, Any], _timing: Timing) -> Health:
    spec = obj.get("spec") or {}
    if spec.get("type") != "LoadBalancer" or spec.get("externalIPs"):
        return _ready()
    if ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return _ready("its load balancer has an address")
    return _in_progress("its load balancer has no address yet")


def _ingress(_obj: dict[str, Any], _timing: Timing) -> Health:
    """Not every ingress controller writes an address: waiting for one may never end."""
    return _ready()


def _custom_resource_definition(obj: dict[str, Any], _timing: Timing) -> Health:
    names = find_condition(obj, "NamesAccepted")
    if names.get("status") == "False":
        return _failed(words(names))
    established = find_condition(obj, "Established")
    if established.get("status") == "True":
        return _ready("is established")
    if established.get("status") == "False" and established.get("reason") != "Installing":
        return _failed(words(established))
    return _in_progress("is being installed")


def _api_service(obj: dict[str, Any], _timing: Timing) -> Health:
    available = find_condition(obj, "Available")
    if available.get("status") == "True":
        return _ready()
    return _in_progress(words(available) or "is not available yet")


def _namespace(obj: dict[str, Any], _timing: Timing) -> Health:
    phase = (obj.get("status") or {}).get("phase")
    if phase == "Terminating":
        return Health(HealthState.TERMINATING, "is being deleted")
    return _ready() if phase == "Active" else _in_progress(f"is {phase or 'not active yet'}")


def _horizontal_pod_autoscaler(obj: dict[str, Any], _timing: Timing) -> Health:
    """Ready once it may scale. Without metrics it says ScalingActive=False at first, and often for good."""
    able = find_condition(obj, "AbleToScale")
    if able.get("status") == "False":
        return _in_progress(words(able))
    return _ready()


_RULES: dict[tuple[str, str], Callable[[dict[str, Any], Timing], Health]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "ReplicationController"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _persistent_volume_claim,
    ("", "PersistentVolume"): _persistent_volume,
    ("policy", "PodDisruptionBudget"): _pod_disruption_budget,
    ("", "Service"): _service,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _custom_resource_definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("", "Namespace"): _namespace,
    ("autoscaling", "HorizontalPodAutoscaler"): _horizontal_pod_autoscaler,
}


def _number(values: dict[str, Any], name: str, default: int = 0) -> int:
    value = values.get(name)
    return default if value is None else int(value)


def _ready(message: str = "") -> Health:
    return Health(HealthState.READY, message)


def _in_progress(message: str) -> Health:
    return Health(HealthState.IN_PROGRESS, message)


def _failed(message: str) -> Health:
    return Health(HealthState.FAILED, message)
