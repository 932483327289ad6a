# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub that answers LISTs as an API server does, page by page, from objects that a test made."""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from recording_server import Answer, RecordingServer, Request

FLEET = "/apis/fleet.cattle.io/v1alpha1"


class SimulatedHub:
    """``objects`` are lists by path, such as ``/apis/fleet.cattle.io/v1alpha1/clusters``, or single objects.

    ``refuse`` answers every request instead, where it is set.
    """

    def __init__(self, folder: Path, objects: Mapping[str, Any]):
        self.server = RecordingServer().start(folder)
        self.server.answer = self._answer
        self.objects = dict(objects)
        self.refuse: Answer | None = None
        self._pages: dict[str, Answer] = {}

    def serve(self, objects: Mapping[str, Any]) -> None:
        """Have these ``objects`` as well, or instead of those that are there."""
        self.objects.update(objects)
        self._pages.clear()

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, without their queries."""
        return [urlsplit(request.path).path for request in self.server.requests]

    def kubeconfig(self, path: Path, user: dict | None = None, server_path: str = "") -> Path:
        document = self.server.kubeconfig(user or {"token": "hub-token"}, server=self.server.url + server_path)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def _answer(self, request: Request) -> Answer:
        if self.refuse is not None:
            return self.refuse
        # Pages are made once: what is measured is the reader, not this.
        if request.path not in self._pages:
            # As behind Rancher's proxy, whichever cluster is asked for.
            self._pages[request.path] = self._page(re.sub(r"^/k8s/clusters/[^/]+", "", request.path))
        return self._pages[request.path]

    def _page(self, address: str) -> Answer:
        parts = urlsplit(address)
        found = self.objects.get(parts.path)
        if found is None:
            return Answer(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
        if isinstance(found, dict):
            return Answer.json(found)
        query = parse_qs(parts.query)
        start, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", [len(found)])[0])
        more = start + limit < len(found)
        metadata = {"resourceVersion": "1", **({"continue": str(start + limit)} if more else {})}
        return Answer.json({"kind": "List", "metadata": metadata, "items": found[start : start + limit]})


def fleet_objects(clusters: Iterable[dict], groups: Iterable[dict] = ()) -> dict[str, Any]:
    return {f"{FLEET}/clusters": list(clusters), f"{FLEET}/clustergroups": list(groups)}


_PAYLOAD = json.loads("""
{"apiVersion": "fleet.cattle.io/v1alpha1", "kind": "Cluster",
 "metadata": {"creationTimestamp": "2026-01-10T09:12:11Z", "generation": 3, "resourceVersion": "48811231",
  "finalizers": ["fleet.cattle.io/cluster-finalizer"],
  "annotations": {"objectset.rio.cattle.io/id": "fleet-cluster"},
  "managedFields": [{"apiVersion": "fleet.cattle.io/v1alpha1", "fieldsType": "FieldsV1", "manager": "fleetcontroller",
   "operation": "Update", "subresource": "status", "time": "2026-02-01T10:00:00Z",
   "fieldsV1": {"f:status": {".": {}, "f:agent": {".": {}, "f:lastSeen": {}, "f:namespace": {}}, "f:conditions": {},
    "f:display": {".": {}, "f:readyBundles": {}}, "f:summary": {".": {}, "f:desiredReady": {}, "f:ready": {}}}}}]},
 "spec": {"clientID": "x7ngkzlpzvzqxmvdsw8k5r9bkdlxq6f2v2fhpqx6zlk6l8n9j5dp", "agentAffinity": {"nodeAffinity":
  {"preferredDuringSchedulingIgnoredDuringExecution": [{"preference": {"matchExpressions": [{"key":
   "fleet.cattle.io/agent", "operator": "In", "values": ["true"]}]}, "weight": 1}]}}},
 "status": {"agent": {"lastSeen": "2026-02-01T10:00:00Z", "namespace": "cattle-fleet-system"},
  "agentAffinityHash": "2f8fb0a5", "agentConfigChanged": false, "agentDeployedGeneration": 0, "agentMigrated": true,
  "agentNamespaceMigrated": true, "agentTLSMode": "system-store", "agentTolerationsHash": "c5ba3b10",
  "apiServerCAHash": "0d3be2a0f7d32c1a1f9b6f0a1c9e3f48e1f0c8c1bb0d1de2d5a6f9b2", "cattleNamespaceMigrated": true,
  "apiServerURL": "https://rancher.example.com", "conditions": [
   {"type": "Processed", "status": "True", "lastUpdateTime": "2026-01-10T09:12:20Z"},
   {"type": "Ready", "status": "True", "lastUpdateTime": "2026-02-01T10:00:00Z"},
   {"type": "Imported", "status": "True", "lastUpdateTime": "2026-01-10T09:12:20Z"},
   {"type": "Reconciled", "status": "True", "lastUpdateTime": "2026-01-10T09:12:20Z"}],
  "desiredReadyGitRepos": 12, "readyGitRepos": 12, "desiredReadyHelmOps": 0, "readyHelmOps": 0,
  "display": {"readyBundles": "34/34"}, "garbageCollectionInterval": "15m0s", "summary": {"desiredReady": 34,
  "ready": 34}, "resourceCounts": {"desiredReady": 410, "missing": 0, "modified": 0, "notReady": 0, "orphaned": 0,
  "ready": 410, "unknown": 0, "waitApplied": 0}}}
""")
"""A Cluster as a Fleet manager with agents answers it, shortened only in the object that it was made from."""


def fleet_cluster(name: str, workspace: str = "fleet-default", labels: dict | None = None, **spec: Any) -> dict:
    """A Cluster of a Fleet manager's, with all that its controllers write."""
    found = copy.deepcopy(_PAYLOAD)
    found["metadata"].update(name=name, namespace=workspace, labels=labels or {}, uid=f"uid-{workspace}-{name}")
    found["metadata"]["annotations"]["objectset.rio.cattle.io/applied"] = "H4sIAAAAAAAA" * 50
    found["status"]["namespace"] = f"cluster-{workspace}-{name}"
    found["spec"].update(spec)
    return found
