"""Keeping the ConfigMap by which CoreDNS gives each NodeUnit its own answer for the names of a Service.

Every few seconds the text is made anew from the rows and held against the cluster's. CoreDNS takes half a minute to see
a change, and pods that come and go need none, so nothing has to wake this.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.conf import settings

from ..cluster import Cluster, Conflict, NotFound, Refused
from ..core.names import child_name, grid_name_problem, label_key_problem
from ..core.naming.claim import Kept, claim
from ..core.naming.fragment import MOST_BYTES, Fragment, Governed, Server, fragment
from ..core.naming.networks import Asking, Sources, sources
from ..core.status.parts import Condition
from ..core.text import Sentence, say
from ..models import Grid, Node
from .queue import workqueue

EVERY_SECONDS = 10.0
UNUSED_SECONDS = 60.0  # where no ConfigMap is set, and conditions are all there is to keep
ENTRY = "sgportal.server"  # of the ConfigMap: k3s and others import `*.server`
CONDITION = "NamesPerUnit"
_BATCH = 500


class _Service(NamedTuple):
    """A ServiceGrid: its row without what is large, and its Service."""

    row: Grid
    governed: Governed
    headless: bool


def keep(connect: Callable[[], Cluster]) -> float:
    """Write what differs, and note on each ServiceGrid what is so of its names; seconds until the next time. Raises
    ClusterError where the cluster does not answer."""
    place, services = settings.SGPORTAL_DNS_CONFIGMAP, list(_services())
    if not place:
        _note((each, Kept("")) for each in services)
        return UNUSED_SECONDS
    asked = _sources({each.governed.key for each in services})
    server = Server(settings.SGPORTAL_CLUSTER_DOMAIN, settings.SGPORTAL_DNS_PORT)
    networks = {key: each.of_unit for key, each in asked.items()}
    made = fragment((each.governed for each in services), networks, server)
    error = _written(connect(), place, made)
    _note((each, _kept(each.governed, place, error, asked, made)) for each in services)
    return EVERY_SECONDS


def _kept(service: Governed, place: str, error: Sentence | None, asked: Mapping[str, Sources], made: Fragment) -> Kept:
    return Kept(place, error, asked[service.key].unknown, made.ambiguous.get(service.path, ()))


def _services() -> Iterator[_Service]:
    """The ServiceGrids that name pods. What a custom resource says was never checked by us, so whatever is to stand in
    CoreDNS's configuration is."""
    sets: dict[tuple[str, str, str], set[str]] = {}
    stateful = Grid.objects.filter(kind="StatefulSetGrid", deleting_since=None)
    columns = ("namespace", "name", "key", "spec__template__serviceName", "spec__templatePool")
    for namespace, name, key, service, pool in stateful.values_list(*columns):
        others = pool.values() if isinstance(pool, dict) else ()
        names = {service, *(each.get("serviceName") for each in others if isinstance(each, dict))}
        if grid_name_problem(name, "StatefulSet") is None:
            for each in names:
                if isinstance(each, str):
                    sets.setdefault((namespace, each, key), set()).add(name)
    rows = Grid.objects.filter(kind="ServiceGrid", deleting_since=None).order_by("namespace", "name")
    asked = ("pk", "namespace", "name", "key", "naming", "spec__front", "spec__template__clusterIP")
    for pk, namespace, name, key, naming, front, address in rows.values_list(*asked):
        if label_key_problem(key) or grid_name_problem(name, "Service"):
            continue
        headless = address == "None"
        found = sets.get((namespace, child_name(name, "Service", ""), key), ())
        governed = Governed(namespace, name, key, tuple(sorted(found)), headless and front == "perUnit")
        row = Grid(pk=pk, kind="ServiceGrid", namespace=namespace, name=name, naming=naming)
        yield _Service(row, governed, headless)


def _sources(keys: Iterable[str]) -> dict[str, Sources]:
    """Where the questions of each key's NodeUnits come from."""
    nodes: dict[str, list[Asking]] = {key: [] for key in keys}
    if nodes:
        seen = Node.objects.order_by("name").values_list("name", "labels", "info__podCIDRs", "info__addresses")
        for name, labels, of_pods, addresses in seen:
            own = [each["address"] for each in addresses or () if each.get("type") == "InternalIP"]
            networks = tuple(dict.fromkeys((*(of_pods or ()), *own)))
            for key in nodes.keys() & labels.keys():
                if labels[key]:
                    nodes[key].append(Asking(name, labels[key], networks, bool(of_pods)))
    return {key: sources(each) for key, each in nodes.items()}


def _written(cluster: Cluster, place: str, made: Fragment) -> Sentence | None:
    """Why the ConfigMap does not say what it should; None where it does."""
    if len(made.text.encode()) > MOST_BYTES:
        return say(
            "the names need %(size)s bytes, and a ConfigMap has room for %(limit)s",
            size=len(made.text.encode()),
            limit=MOST_BYTES,
        )
    namespace, _, name = place.partition("/")
    try:
        live = cluster.get("ConfigMap", namespace, name) or {}
        if (live.get("data") or {}).get(ENTRY, "") != made.text:
            cluster.apply(_config_map(namespace, name, made.text))
    except (Refused, Conflict, NotFound) as error:
        return say("the cluster refuses: %(message)s", message=str(error))
    return None


def _config_map(namespace: str, name: str, text: str) -> dict[str, Any]:
    """What we apply: one entry of a ConfigMap in which others may have theirs; without text, none."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": name},
        "data": {ENTRY: text} if text else {},
    }


def _note(told: Iterable[tuple[_Service, Kept]]) -> None:
    """Remember of each ServiceGrid what is so of its names; those of which that is news are reconciled."""
    changed = []
    for service, kept in told:
        found = claim(service.governed, service.headless, kept)
        said = Condition(CONDITION, found.truth, found.reason, found.sentence).to_json() if found else {}
        if service.row.naming != said:
            service.row.naming = said
            changed.append(service.row)
    Grid.objects.bulk_update(changed, ["naming"], batch_size=_BATCH)
    workqueue.enqueue(grid.path for grid in changed)
