"""Lists that lack everything we know of a resource: an API server may say so by mistake, so they are not believed at
once, and never where a fleet hangs on them."""

from collections.abc import Callable, Collection

from django.db.models import Exists, OuterRef, Q

from ...core.fleet.halt import CHILDREN_GONE, NODES_GONE
from ...core.grids.kinds import CHILD_KINDS
from ...core.shards import WHOLE, Shard
from ...models import Child, Grid, GridUnit, Node
from ...queries.leaving import brake
from . import halt

LOOKS = 3  # so many lists in a row have to say it
MORE_LOOKS = 20  # and so many more are made afterwards, at leisure: what comes back in them is no event of a watch


class Doubts:
    """Used by the own thread of the watch of a shard. `list_again` has a resource listed once more, soon or (True) at
    leisure."""

    def __init__(self, list_again: Callable[[str, bool], None], shard: Shard = WHOLE) -> None:
        self._list_again, self._shard = list_again, shard
        self._looks: dict[str, int] = {}  # lists in a row that lacked everything
        self._more: dict[str, int] = {}  # lists that are still to be made after that was believed

    def believes(self, resource: str, there: Collection[str], known: Collection[str]) -> bool:
        """Whether what is not among `there`, the keys of a complete list, is gone. Where nothing is left that we know,
        it takes several lists; and a person, if grids have workloads. Within a transaction."""
        lost = self._lost(resource, there, known)
        if not lost:
            self._looks.pop(resource, None)
            self._is_back(resource, there)
            self._look_on(resource, self._more.get(resource, 0) - 1)
            return True
        self._looks[resource] = looks = self._looks.get(resource, 0) + 1
        if looks >= LOOKS and not self._stops(resource, lost):
            del self._looks[resource]
            self._look_on(resource, MORE_LOOKS)
            return True
        self._list_again(resource, False)
        return False

    def _look_on(self, resource: str, more: int) -> None:
        self._more.pop(resource, None)
        if more > 0:
            self._more[resource] = more
            self._list_again(resource, True)

    def _lost(self, resource: str, there: Collection[str], known: Collection[str]) -> int:
        """How many of what we know are gone, where it is all; 0 where it is not. Of workloads only those of grids
        count that are to stay, for a cluster always has others, and Kubernetes takes those of grids that go."""
        if resource in CHILD_KINDS:
            stay = Grid.objects.filter(deleting_since=None, may_be_forgotten=False, namespace=OuterRef("namespace"))
            its_grid = stay.filter(Q(name=OuterRef("grid_name")) | Q(cluster_uid=OuterRef("owner_uid")))
            ours = Child.objects.of_grids().filter(Exists(its_grid), kind=CHILD_KINDS[resource])
            places = (f"{namespace}/{name}" for namespace, name in ours.values_list("namespace", "name"))
            known = list(filter(self._shard.owns, places))
            return 0 if set(there) & set(known) else len(known)
        return 0 if there else len(known)

    def _stops(self, resource: str, lost: int) -> bool:
        """Whether everything stops for it."""
        if resource == "nodes" and _grids_have_workloads():
            halt.begin(NODES_GONE, {"nodes": lost})
            return True
        if resource in CHILD_KINDS and lost > brake().minimum:
            halt.begin(CHILDREN_GONE, {**self._what(resource), "children": lost})
            return True
        return False

    def _is_back(self, resource: str, there: Collection[str]) -> None:
        if resource == "nodes" and there:
            halt.end(NODES_GONE)
        elif resource in CHILD_KINDS:
            halt.end(CHILDREN_GONE, **self._what(resource))

    def _what(self, resource: str) -> dict[str, str]:
        """Which list it was."""
        return {"resource": resource, **({} if self._shard.is_whole else {"shard": self._shard.text})}

    def look_at_nodes(self, changed: Collection[str]) -> None:
        """Nodes of these names came, changed or went, one by one. Within a transaction."""
        if not changed or "nodes" in self._looks:
            return
        if Node.objects.exists():
            halt.end(NODES_GONE)
        elif _grids_have_workloads():
            halt.begin(NODES_GONE, {"nodes": len(changed)})


def _grids_have_workloads() -> bool:
    return GridUnit.objects.exclude(name="").exclude(child="").exists()
