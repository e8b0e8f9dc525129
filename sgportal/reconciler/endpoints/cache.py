"""What the keeper knows of the cluster, in memory: nodes, pods, Services and their EndpointSlices. One thread uses it.

Everything is held as small as the answer allows: of pods what an endpoint needs, of other people's slices the metadata.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from ...core.names import CLOSURE, SERVICE_NAME, ZONE, refusing_number
from ...core.pods import PodView, pod_view
from ...core.traffic.service import ServiceFacts, service_facts
from ...core.traffic.slices.sentinels import announced_zones, sentinel_number, zones_named
from ...core.traffic.slices.slices import Wanted, is_kept
from ...core.traffic.slices.topology import Places, places
from ...core.units import NodeView
from ..informer.source import Body, Source, name, place

REMEMBERED_ZONES = 1000  # that no node has now


def _node(body: Body) -> NodeView:
    version = ((body.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or ""
    return NodeView(body["metadata"]["name"], body["metadata"].get("labels") or {}, version=version)


def _service(body: Body) -> Body:
    """A Service of ours as it is; of any other only what tells that it has a selector."""
    metadata = body["metadata"]
    if CLOSURE in (metadata.get("annotations") or {}) or refusing_number(metadata["name"]):
        return {**body, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
    selector = (body.get("spec") or {}).get("selector")
    return {"metadata": {"namespace": metadata["namespace"], "name": metadata["name"]}, "spec": {"selector": selector}}


def _slice(body: Body) -> Body:
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    if is_kept(body):
        return {**body, "metadata": metadata}
    return {"metadata": metadata, "addressType": body.get("addressType")}


SOURCES = (
    Source("nodes", "Node", name, _node),
    Source("services", "Service", place, _service),
    Source("pods", "Pod", place, pod_view),
    Source("endpointslices", "EndpointSlice", place, _slice),
)


@dataclass
class ClosedService:
    """A Service whose slices are ours: the pods that it selects, and the last answer for it."""

    facts: ServiceFacts
    pods: dict[str, PodView] = field(default_factory=dict)
    answer: Wanted | None = None


@dataclass
class EndpointCache:
    """All of it. `kept` are the Services whose slices are ours, `slices` those of each Service by name; both by
    `<namespace>/<name>` of the Service. `zones` are those that some node had or is expected to have, in the order in
    which they were heard of; as sentinels name them, slices tell of them after a restart."""

    zones: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, NodeView] = field(default_factory=dict)
    pods: dict[str, PodView] = field(default_factory=dict)
    services: dict[str, Body] = field(default_factory=dict)
    kept: dict[str, ClosedService] = field(default_factory=dict)
    slices: dict[str, dict[str, Body]] = field(default_factory=dict)
    _owner: dict[str, str] = field(default_factory=dict)  # slice → Service
    _kept_in: dict[str, set[str]] = field(default_factory=dict)  # namespace → kept Services
    _places: dict[str, Places] = field(default_factory=dict)
    _ended: dict[str, str] = field(
        default_factory=dict
    )  # slice → uid, where we deleted it and the watch still shows it

    def where(self, key: str) -> Places:
        """Every node by one key; the same object until a node moves."""
        if key not in self._places:
            nodes = self.nodes.values()
            plain = places(nodes, key)
            others = [zone for zone in self.zones if zone not in {*plain.zones}] if self.zones else []
            self._places[key] = places(nodes, key, others[-REMEMBERED_ZONES:]) if others else plain
        return self._places[key]

    def take(self, resource: str, rows: Mapping[str, Any]) -> set[str]:
        """Learn what the watch says (None: gone); the Services concerned."""
        learn: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
            "nodes": self._nodes,
            "pods": self._pods,
            "services": self._services,
            "endpointslices": self._slices,
        }
        return set(learn[resource](rows))

    def absent(self, resource: str, there: Iterable[str]) -> dict[str, None]:
        """The keys that are known and not in a complete list, each as gone."""
        known = {**self._owner, **self._ended} if resource == "endpointslices" else getattr(self, resource)
        return dict.fromkeys(known.keys() - set(there))

    @property
    def lacking(self) -> list[str]:
        """Of which resources, nodes, pods or Services, not one is known."""
        known = {"nodes": self.nodes, "pods": self.pods, "services": self.services}
        return [resource for resource, rows in known.items() if not rows]

    @property
    def has_slices_of_ours(self) -> bool:
        """Whether we made any of the slices that are there."""
        return any(is_kept(body) for slices in self.slices.values() for body in slices.values())

    def _nodes(self, rows: Mapping[str, NodeView | None]) -> Iterator[str]:
        keys = {kept.facts.key for kept in self.kept.values()}
        moved: set[str] = set()
        for node, view in rows.items():
            before = self.nodes.get(node)
            self.zones.update({view.labels[ZONE]: None} if view and ZONE in view.labels else {})
            for key in keys - moved:
                if _spot(before, key) != _spot(view, key):
                    moved.add(key)
            _put(self.nodes, node, view)
        for key in moved | (self._places.keys() - keys):
            self._places.pop(key, None)
        return (each for each, kept in self.kept.items() if kept.facts.key in moved)

    def _pods(self, rows: Mapping[str, PodView | None]) -> Iterator[str]:
        for pod, view in rows.items():
            if self.pods.get(pod) == view:
                continue
            _put(self.pods, pod, view)
            for each in self._kept_in.get(pod.partition("/")[0], ()):
                kept = self.kept[each]
                had = kept.pods.get(pod)
                _put(kept.pods, pod, view if view and _selects(kept.facts, view) else None)
                if had is not None or pod in kept.pods:
                    yield each

    def _services(self, rows: Mapping[str, Body | None]) -> Iterator[str]:
        for each, body in rows.items():
            _put(self.services, each, body)
            facts = service_facts(body) if body and "metadata" in body and "annotations" in body["metadata"] else None
            before = self.kept.pop(each, None)
            namespace = each.partition("/")[0]
            self._kept_in.setdefault(namespace, set()).discard(each)
            if facts:
                same = before and before.facts.selector == facts.selector
                pods = before.pods if before and same else self._selected(facts)
                self.kept[each] = ClosedService(facts, pods, before.answer if before else None)
                self._kept_in[namespace].add(each)
            yield each
            if body and refusing_number(body["metadata"]["name"]) == 1:
                yield from self._expect(announced_zones(body))

    def _selected(self, facts: ServiceFacts) -> dict[str, PodView]:
        return {key: pod for key, pod in self.pods.items() if pod.namespace == facts.namespace and _selects(facts, pod)}

    def _slices(self, rows: Mapping[str, Body | None]) -> Iterator[str]:
        for key, body in rows.items():
            if body is None:
                self._ended.pop(key, None)
                yield from self._forget(key)
                continue
            metadata = body["metadata"]
            service = f"{metadata['namespace']}/{(metadata.get('labels') or {}).get(SERVICE_NAME, '')}"
            if self._owner.get(key, service) != service:
                yield from self._forget(key)
            known = self.slices.get(service, {}).get(metadata["name"])
            if self._ended.get(key) == metadata["uid"] or (known and not _is_newer(body, known)):
                continue
            self._owner[key] = service
            self.slices.setdefault(service, {})[metadata["name"]] = body
            yield service
            if is_kept(body) and sentinel_number(body):
                yield from self._expect(zones_named(body))

    def _expect(self, zones: Iterable[str]) -> Iterator[str]:
        """Sentinels are to name these zones; the Services concerned."""
        new = dict.fromkeys(zone for zone in zones if zone and zone not in self.zones)
        known = {zone for where in self._places.values() for zone in where.zones} if new else set()
        self.zones.update(new)
        if new.keys() - known:
            self._places.clear()
            yield from self.kept

    def _forget(self, key: str) -> Iterator[str]:
        service = self._owner.pop(key, None)
        if service is None:
            return
        self.slices[service].pop(key.partition("/")[2], None)
        if not self.slices[service]:
            del self.slices[service]
        yield service

    def wrote(self, body: Body) -> None:
        """Remember the API server's answer to a write of ours before the watch shows it."""
        list(self._slices({place(body): _slice(body)}))

    def deleted(self, body: Body) -> None:
        """Remember a deletion of ours; what the watch still says of that very object no longer counts."""
        key = place(body)
        list(self._forget(key))
        self._ended[key] = body["metadata"]["uid"]

    def rewound(self, resource: str) -> None:
        """The cluster went back: no slice that is known is newer than what a list will say."""
        if resource == "endpointslices":
            self.slices.clear()
            self._owner.clear()
            self._ended.clear()

    def live(self, service: str) -> list[Body]:
        """Every slice that carries the name of a Service."""
        return list(self.slices.get(service, {}).values())


def _put(table: MutableMapping[str, Any], key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _spot(node: NodeView | None, key: str) -> tuple[Any, ...] | None:
    return (node.labels.get(key), node.labels.get(ZONE)) if node else None


def _selects(facts: ServiceFacts, pod: PodView) -> bool:
    return all(pod.labels.get(name) == value for name, value in facts.selector.items())


def _is_newer(body: Body, known: Body) -> bool:
    """Whether the watch shows more than an answer, which it follows, has told (versions are numbers that grow:
    KEP-5504)."""
    new, old = (each["metadata"].get("resourceVersion", "") for each in (body, known))
    if body["metadata"]["uid"] != known["metadata"]["uid"]:
        return True
    return bool(int(new) > int(old) if new.isdecimal() and old.isdecimal() else new != old)
