"""What is wanted beside what is there: pure, so that its own rules are tested without a cluster."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

LOST, DOUBLED, UNEXPLAINED = "lost", "doubled", "unexplained"
Kind = Literal["lost", "doubled", "unexplained"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `lasting`: waiting longer does not mend it."""

    kind: Kind
    text: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid's custom resource. `image` is "" of a ServiceGrid; `settled`: its status is of this generation and says
    that all of so many units are ready."""

    uid: str
    image: str
    replicas: int
    settled: bool
    units: int


@dataclass(frozen=True, slots=True)
class Child:
    """A workload or Service. `owner` is the uid of its grid, "" where nobody owns it; `unit` is "" of a Service."""

    uid: str
    generation: int
    owner: str
    unit: str
    image: str
    replicas: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod; `workload` is the name of its Deployment or StatefulSet."""

    uid: str
    workload: str
    restarts: int
    ready: bool
    address: str


@dataclass(frozen=True)
class Snapshot:
    """What is there at one moment, by kind and name, as the API server says it; `rows`: the grids that the portal's
    database has; `waiting`: its work that is not done; `endpoints`: addresses in the slices of each Service."""

    units: frozenset[str]
    nodes: Mapping[str, str]
    grids: Mapping[tuple[str, str], Grid]
    children: Mapping[tuple[str, str], Child]
    pods: Mapping[str, Pod]
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: frozenset[tuple[str, str]] = frozenset()
    waiting: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many objects of each sort there are."""
        kinds = Counter(kind for kind, _ in self.children)
        slices = sum(map(len, self.endpoints.values()))
        return {"grids": len(self.grids), **dict(sorted(kinds.items())), "pods": len(self.pods), "endpoints": slices}


@dataclass(frozen=True)
class Wish:
    """What was asked for of a grid or a node: the last answer that said yes, and what was sent after that without any
    answer, of which either may be so. None: that it is gone."""

    agreed: str | None
    unanswered: tuple[str | None, ...] = ()

    @property
    def possible(self) -> tuple[str | None, ...]:
        """What may be so."""
        return (self.agreed, *self.unanswered)


Wishes = Mapping[tuple[str, str], Wish]  # ("DeploymentGrid", name) → image, ("Node", name) → unit


def findings(before: Snapshot, now: Snapshot, wishes: Wishes, calm: str = "calm-") -> list[Finding]:
    """Everything that is not as wanted. Grids whose name begins with `calm` were not touched: what runs for them is the
    same as before, to the pod."""
    found = [*_unkept(now, wishes), *_grids(before, now), *_children(now), *_made_again(before, now)]
    return [*found, *_disturbed(before, now, calm), *_pods(now), *_served(now)]


def _unkept(now: Snapshot, wishes: Wishes) -> Iterator[Finding]:
    """What was promised to somebody who asked, and is not so."""
    for (kind, name), wish in wishes.items():
        grid = now.grids.get((kind, name))
        there = now.nodes.get(name) if kind == "Node" else grid.image if grid else None
        if there not in wish.possible:
            sort: Kind = UNEXPLAINED if wish.agreed is None and there else LOST
            wanted = " or ".join(map(str, wish.possible))
            yield Finding(sort, f"{kind} {name} should be {wanted}, and is {there}")


def _grids(before: Snapshot, now: Snapshot) -> Iterator[Finding]:
    for key in sorted(now.rows - now.grids.keys()):
        yield Finding(UNEXPLAINED, f"the portal has {' '.join(key)}, and the cluster has not")
    for key in sorted(now.grids.keys() - now.rows):
        yield Finding(LOST, f"the cluster has {' '.join(key)}, and the portal has not")
    for key in sorted(before.grids.keys() & now.grids.keys()):
        if before.grids[key].uid != now.grids[key].uid:
            yield Finding(DOUBLED, f"{' '.join(key)} was made a second time", lasting=True)
    for (kind, name), grid in sorted(now.grids.items()):
        if not grid.settled or (kind != "ServiceGrid" and grid.units != len(now.units)):
            yield Finding(
                UNEXPLAINED, f"the status of {kind} {name} does not say that {len(now.units)} units are ready"
            )
    for key_of_work in now.waiting:
        yield Finding(UNEXPLAINED, f"the work {key_of_work} is not done")


def _children(now: Snapshot) -> Iterator[Finding]:
    """Each grid has one workload in each unit, or one Service, as it says, and nobody else has any."""
    owned: dict[tuple[str, str], list[tuple[str, Child]]] = {}
    for (kind, name), child in now.children.items():
        owned.setdefault((child.owner, child.unit), []).append((f"{kind} {name}", child))
    for (kind, name), grid in sorted(now.grids.items()):
        for unit in [""] if kind == "ServiceGrid" else sorted(now.units):
            there = owned.pop((grid.uid, unit), [])
            if not there:
                yield Finding(LOST, f"{kind} {name} has nothing in {unit or 'the cluster'}")
            if len(there) > 1:
                yield Finding(DOUBLED, f"{kind} {name} has in {unit}: {', '.join(name for name, _ in there)}")
            for place, child in there:
                if unit and (child.image, child.replicas) != (grid.image, grid.replicas):
                    yield Finding(LOST, f"{place} is {child.replicas} × {child.image}, not as its grid")
                if not child.ready:
                    yield Finding(UNEXPLAINED, f"{place} is not ready")
    for name, _ in sorted(each for there in owned.values() for each in there):
        yield Finding(DOUBLED, f"{name} is nobody's, or in a unit that there is not")


def _made_again(before: Snapshot, now: Snapshot) -> Iterator[Finding]:
    for key in sorted(before.children.keys() & now.children.keys()):
        was, child = before.children[key], now.children[key]
        if was.owner == child.owner and was.uid != child.uid:
            yield Finding(DOUBLED, f"{' '.join(key)} was made a second time", lasting=True)


def _disturbed(before: Snapshot, now: Snapshot, calm: str) -> Iterator[Finding]:
    """What was changed though nobody asked for it."""
    for (kind, name), was in sorted(before.children.items()):
        child = now.children.get((kind, name))
        if name.startswith(calm) and child and child.uid == was.uid and child.generation != was.generation:
            yield Finding(UNEXPLAINED, f"{kind} {name} was written though nobody had changed its grid", lasting=True)
    for name, pod in sorted(before.pods.items()):
        if not pod.workload.startswith(calm):
            continue
        same = now.pods.get(name)
        if same is None or (same.uid, same.restarts) != (pod.uid, pod.restarts):
            yield Finding(UNEXPLAINED, f"pod {name} did not run through", lasting=True)


def _pods(now: Snapshot) -> Iterator[Finding]:
    """As many pods as replicas, all ready."""
    there = Counter(pod.workload for pod in now.pods.values() if pod.ready)
    for (kind, name), child in sorted(now.children.items()):
        count = there.pop(name, 0)
        if kind != "Service" and count != child.replicas:
            sort: Kind = LOST if count < child.replicas else DOUBLED
            yield Finding(sort, f"{kind} {name} has {count} pods instead of {child.replicas}")
    for name in sorted(there):
        yield Finding(DOUBLED, f"pods of {name}, which there is not")


def _served(now: Snapshot) -> Iterator[Finding]:
    """A Service that is closed has each ready pod as an endpoint once. Its pods are those of the grid `calm-web`."""
    for service, addresses in sorted(now.endpoints.items()):
        wanted = {pod.address for pod in now.pods.values() if pod.workload.startswith("calm-web-") and pod.ready}
        there = Counter(addresses)
        for address in sorted(wanted - there.keys()):
            yield Finding(LOST, f"Service {service} has no endpoint {address}")
        for address, count in sorted(there.items()):
            if address not in wanted or count > 1:
                yield Finding(DOUBLED, f"Service {service} has {count} endpoints {address}")
