"""A world for reconciler tests: a real HTTP API server, our rows, and the reconciler run by hand."""

import copy
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db.models import F
from django.utils import timezone

from embedded_cluster import EmbeddedCluster
from sgportal.actions import Actor, save_grids
from sgportal.cluster import MERGE_PATCH, RESOURCES, Cluster
from sgportal.core.documents import read_document
from sgportal.core.workloads.rollout import is_rolled_out
from sgportal.models import Grid, ResourceSync, WorkKey
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.worker import run

from .real import RealCluster

DATA = Path(__file__).parent.parent / "data"
APPLY = "application/apply-patch+yaml"
ADA = Actor("ada", "shell")


def seed(name: str) -> dict[str, Any]:
    """A manifest of the walk-through."""
    return read_document((DATA / f"{name}.yaml").read_bytes())


def a_grid(name: str = "g", key: str = "zone", **spec: Any) -> dict[str, Any]:
    """A small DeploymentGrid; `spec` adds to or replaces its fields."""
    manifest = seed("deploymentgrid")
    manifest["metadata"]["name"] = name
    manifest["spec"] |= {"gridUniqKey": key, **spec}
    return manifest


def a_template(image: str = "img:1", replicas: int | None = 1, app: str = "echo", **pod: Any) -> dict[str, Any]:
    """A DeploymentSpec; `pod` adds to the pod's spec."""
    labels = {"appGrid": app}
    template = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}], **pod}},
    }
    return template if replicas is None else {"replicas": replicas, **template}


def as_manager(
    cluster: Cluster, manager: str, kind: str, name: str, patch: Any, content_type: str, subresource: str = ""
) -> dict[str, Any]:
    """An object of the default namespace after a patch by another field manager; by apply it takes what it sets."""
    path = RESOURCES[kind].path("default", name, subresource)
    query = {"fieldManager": manager} | ({"force": "true"} if content_type == APPLY else {})
    headers = {"Content-Type": content_type}
    body: dict[str, Any] = cluster._transport.call("PATCH", path, query=query, body=patch, headers=headers)[1]
    return body


class World:
    """A cluster, embedded or real, a client of it, and verbs that read as sentences."""

    def __init__(self, server: EmbeddedCluster | RealCluster, cluster: Cluster) -> None:
        self.server = server
        self.cluster = cluster

    @property
    def embedded(self) -> EmbeddedCluster:
        """The embedded cluster, for what only that can be told (mark the test `embedded_only`)."""
        assert isinstance(self.server, EmbeddedCluster)
        return self.server

    def label(self, node: str, **labels: str | None) -> None:
        """Label a node as kubectl would, and let the mirror know."""
        changes = {key.replace("__", "/"): value for key, value in labels.items()}
        self.cluster.patch("Node", "", node, {"metadata": {"labels": changes}}, MERGE_PATCH)
        self.look()

    def look(self) -> None:
        """Bring the mirror up to date by a fresh list of everything."""
        for resource in ("nodes", "namespaces", "deployments", "statefulsets", "services", "pods"):
            refresh.relist(resource, self.cluster)
        ResourceSync.objects.update_or_create(resource="nodes", defaults={"synced_at": timezone.now()})

    def save(self, *manifests: dict[str, Any], ask: bool = True) -> Grid:
        """Submit manifests through the portal and let the reconciler settle; the last grid. Without `ask` the API
        server is not asked before they are stored."""
        saved = save_grids(manifests, ADA, ask=ask)
        self.settle()
        return Grid.objects.get(pk=saved[-1].grid.pk)

    def change(self, grid: Grid, edit: Callable[[dict[str, Any]], Any]) -> Grid:
        """Edit a grid's manifest through the portal."""
        grid.refresh_from_db()
        manifest = copy.deepcopy(grid.source())
        edit(manifest)
        return self.save(manifest)

    def settle(self, rounds: int = 20) -> None:
        """Run every key that is due until none is."""
        for _ in range(rounds):
            due = list(WorkKey.objects.due().values_list("key", flat=True))
            if not due:
                return
            for key in due:
                run(key)
        raise AssertionError(f"never settles: {due}")

    def resync(self) -> None:
        """Have a fresh look at every grid."""
        self.look()
        WorkKey.objects.update(requested=F("requested") + 1, next_at=timezone.now(), failures=0)
        self.settle()

    def later(self, seconds: float) -> None:
        """Let time pass for every clock in our rows."""
        past = timedelta(seconds=seconds)
        WorkKey.objects.update(next_at=F("next_at") - past)
        Grid.objects.exclude(missing_since=None).update(missing_since=F("missing_since") - past)
        for grid in Grid.objects.all():
            grid.units.exclude(gone_since=None).update(gone_since=F("gone_since") - past)
            grid.units.exclude(next_at=None).update(next_at=F("next_at") - past)
        self.settle()

    def names(self, kind: str = "Deployment", namespace: str = "default") -> list[str]:
        """The names of the live objects of a kind, without the API server's own Service."""
        found = {each["metadata"]["name"] for each in self.cluster.list(kind, namespace).items}
        return sorted(found - {"kubernetes"})

    def get(self, name: str, kind: str = "Deployment", namespace: str = "default") -> dict[str, Any]:
        """A live object that must exist."""
        body = self.cluster.get(kind, namespace, name)
        assert body is not None, f"{kind} {name} does not exist"
        return body

    def edit(
        self,
        name: str,
        patch: Any,
        kind: str = "Deployment",
        content_type: str = MERGE_PATCH,
        *,
        by: str = "kubectl-edit",
        subresource: str = "",
    ) -> dict[str, Any]:
        """Somebody else changes a live object, as the field manager `by`."""
        return as_manager(self.cluster, by, kind, name, patch, content_type, subresource)

    def scale(self, name: str, replicas: int, by: str = "kubectl", kind: str = "Deployment") -> None:
        """Somebody scales a workload, as `kubectl scale` and a HorizontalPodAutoscaler do it."""
        self.edit(name, {"spec": {"replicas": replicas}}, kind, by=by, subresource="scale")

    def writes(self) -> int:
        """How many writes the API server has seen since the last `count_writes`."""
        return sum(n for (method, _), n in self.server.requests.items() if method in ("POST", "PUT", "PATCH", "DELETE"))

    def until_at_rest(self) -> None:
        """Look afresh until a look writes nothing: what Kubernetes' own controllers still do is news, and a difference
        that is found each time never comes to rest."""

        def looks_and_leaves() -> bool:
            self.server.reset_counts()
            self.resync()
            return self.writes() == 0

        self.until(looks_and_leaves)

    def until(self, check: Callable[[], Any], seconds: float = 75) -> Any:
        """The first true answer of `check`. Kubernetes' own controllers wait up to 30 seconds before they ask an API
        server again that was gone, and several follow one another."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := check():
                return found
            time.sleep(0.05)
        raise AssertionError("it did not happen in time")

    def until_equal(self, read: Callable[[], Any], wanted: Any, seconds: float = 75) -> None:
        """Wait until what is read is what is wanted; otherwise what was read last is told."""
        seen: list[Any] = []

        def same() -> bool:
            seen[:] = [read()]
            return bool(seen == [wanted])

        try:
            self.until(same, seconds)
        except AssertionError:
            raise AssertionError(f"{seen} is not {wanted}") from None

    def until_ready(self, *names: str) -> None:
        """Wait until these Deployments are ready, and let the reconciler see it."""
        for name in names:
            self.until(lambda name=name: _ready(self.get(name)))
        self.resync()


def _ready(body: dict[str, Any]) -> bool:
    return is_rolled_out("Deployment", body)
