# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster during a run: its client, the kubeconfig that Helm gets, and what was found there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import FleetError, Unreachable
from ..kube.client import ApiError, Client
from ..kube.connection import AnyConnection
from ..kube.discovery import Discovery
from ..kube.identity import cluster_uid
from ..kube.kubeconfig import Kubeconfig, load
from .identity import KnownClusters
from .lease import Leases
from .manifest import builtin_namespaced
from .outcome import HostOutcome
from .plan import Scope, Step, Wanted, plan_cluster
from .releases import Listing, list_releases
from .request import Request, Target
from .service_account import user_of

MAX_WARNINGS = 50


@dataclass(frozen=True)
class Actor:
    """As whom something is done on a cluster: by our client, and by Helm."""

    client: Client
    kubeconfig: Kubeconfig


class ClusterSession:
    """Everything that a run holds for one cluster. Methods raise FleetError; ``outcome`` collects results.

    ``read`` makes kubeconfigs of connections, also of those that lead by way of a hub.
    """

    def __init__(
        self,
        target: Target,
        request: Request,
        temp_directory: Path,
        read: Callable[[AnyConnection], Kubeconfig] = load,
    ):
        self.target = target
        self.outcome = HostOutcome(host=target.host, cluster=target.fleet_name)
        self.steps: list[Step] = []
        self.listing = Listing()
        self._request = request
        self._temp_directory = temp_directory
        self._actors: dict[str, Actor] = {}
        self._guard = threading.Lock()
        self._read = read

    @property
    def is_alive(self) -> bool:
        """Whether there is anything more to do here: it answered, and nothing failed as a whole."""
        return not self.outcome.unreachable and not self.outcome.error

    @property
    def has_writes(self) -> bool:
        """Whether the plan changes anything here."""
        return any(step.writes for step in self.steps)

    @cached_property
    def client(self) -> Client:
        return Client(
            self.target.connection,
            temp_directory=self._temp_directory,
            timeout=self._request.request_timeout,
            read=self._read,
        )

    @cached_property
    def discovery(self) -> Discovery:
        return Discovery(self.client)

    @cached_property
    def kubeconfig(self) -> Kubeconfig:
        """A kubeconfig of this one context, complete in itself, for Helm."""
        return self._read(self.target.connection)

    def actor(self, service_account: str) -> Actor:
        """As whom bundles of this ``serviceAccount`` ('' for none) are deployed. Asks once. Raises FleetError."""
        with self._guard:
            if service_account not in self._actors:
                self._actors[service_account] = self._find_actor(service_account)
            return self._actors[service_account]

    def _find_actor(self, service_account: str) -> Actor:
        user = user_of(self.client, self._request.service_account_namespace, service_account)
        if not user:
            return Actor(self.client, self.kubeconfig)
        client = Client(
            self.target.connection,
            temp_directory=self._temp_directory,
            timeout=self._request.request_timeout,
            read=lambda connection: self._read(connection).impersonating(user),
        )
        return Actor(client, self.kubeconfig.impersonating(user))

    @property
    def secrets(self) -> list[str]:
        """What must not come back in a message of Helm's."""
        return [self.kubeconfig.user[name] for name in ("token", "password") if self.kubeconfig.user.get(name)]

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of the kind live in namespaces.

        A kind that the cluster does not know may come with the very release that is looked at: then
        it is what it is among the built-in ones.
        """
        try:
            return self.discovery.namespaced(api_version, kind)
        except (ApiError, Unreachable):
            raise
        except FleetError:
            return builtin_namespaced(api_version, kind)

    def plan(self, scope: Scope, wanted: Sequence[Wanted]) -> None:
        """Look at the releases (one request) and plan the steps."""
        self.listing = list_releases(self.client, [item.namespace for item in wanted if item.namespace])
        self.steps = plan_cluster(scope, wanted, self.listing)
        self._planned = scope, wanted

    def prepare_writes(self, known: KnownClusters, leases: Leases) -> None:
        """Before the first write: make sure which cluster this is, and that nobody else is at work on it.

        The plan is made again once the Lease is ours: another run may have ended since it was made.
        """
        known.check(
            self._request.owner,
            self.target.fleet_name,
            cluster_uid(self.client),
            expected=self.target.uid,
            accept=self.target.fleet_name in self._request.accept_identity,
        )
        leases.acquire(self.target.fleet_name, self.client, self._request.lock_timeout)
        self.plan(*self._planned)

    def fail(self, error: FleetError) -> None:
        """Note an error that concerns the whole cluster."""
        if isinstance(error, Unreachable):
            self.outcome.unreachable = str(error)
        else:
            self.outcome.error = str(error.at(f"cluster {self.target.fleet_name}"))
        self.disconnect()

    def warn(self, text: str) -> None:
        """Note what the user should know; of a flood of it only the beginning."""
        if text not in self.outcome.warnings and len(self.outcome.warnings) < MAX_WARNINGS:
            self.outcome.warnings.append(text)

    def disconnect(self) -> None:
        """Close the connections: a thousand clusters with nothing to do would hold a thousand. They open again."""
        for actor in self._actors.values():
            actor.client.close()
        if "client" in self.__dict__:
            self.client.close()

    def close(self) -> None:
        """Close the connections, and pass on what the cluster wants the user to know."""
        if "client" not in self.__dict__:
            return
        self.disconnect()
        self.outcome.warnings += self.client.warnings
        if self.listing.unseen and self._request.prune:
            self.outcome.warnings.append(self.listing.unseen)
