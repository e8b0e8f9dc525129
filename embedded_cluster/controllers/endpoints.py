"""EndpointSlices of Services with selectors, and the Endpoints of old, as the built-in controllers write them."""

from collections.abc import Iterator
from typing import Any

from ..nodes.pods import is_over, is_ready
from ..objects.store import Change, Store
from ..objects.values import Object, labels_of, new_uid, now, owned

MANAGER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
_OLD_LABEL, _OLD_MANAGER = "endpoints.kubernetes.io/managed-by", "endpoint-controller"


def concerned(store: Store, change: Change) -> Iterator[Object]:
    """The Services whose selector matches a pod, before or after a write that their endpoints may show."""
    if change.before and change.type == "MODIFIED" and _visible(change.before) == _visible(change.body):
        return
    shapes = [labels_of(change.body)] + ([labels_of(change.before)] if change.before else [])
    for labels in shapes:
        for place in store.indexes.selecting(change.place[0], labels):
            service = store.get("services", *place)
            if service and service["spec"]["selector"].items() <= labels.items():
                yield service


def _visible(pod: Object) -> tuple[Any, ...]:
    """What an endpoint shows of a pod."""
    status = pod.get("status") or {}
    return labels_of(pod), status.get("podIP"), is_ready(pod), pod["metadata"].get("deletionTimestamp")


def service(store: Store, body: Object) -> None:
    """Bring the slices of a Service up to date."""
    selector = body["spec"].get("selector")
    if not selector or body["metadata"].get("deletionTimestamp") or body["spec"].get("type") == "ExternalName":
        return
    namespace = body["metadata"]["namespace"]
    groups: dict[str, tuple[list[Object], list[Object]]] = {}
    pods = store.at_places("pods", store.indexes.labelled("pods", namespace, selector))
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        if selector.items() <= labels_of(pod).items() and (pod.get("status") or {}).get("podIP") and not is_over(pod):
            ports = _ports(body, pod)
            groups.setdefault(repr(ports), (ports, []))[1].append(_endpoint(store, body, pod))
    wanted = []
    for ports, endpoints in groups.values() or [(_ports(body, None), [])]:
        wanted += [
            (ports, endpoints[start : start + MAX_ENDPOINTS])
            for start in range(0, max(len(endpoints), 1), MAX_ENDPOINTS)
        ]
    have = [
        each
        for each in store.children("endpointslices.discovery.k8s.io", body["metadata"]["uid"])
        if labels_of(each).get("endpointslice.kubernetes.io/managed-by") == MANAGER
    ]
    _write(store, body, wanted, have)
    _write_old(store, body, [_subset(ports, endpoints) for ports, endpoints in groups.values()])


def forget(store: Store, namespace: str, name: str) -> None:
    """A Service is gone: so are its Endpoints (its slices are the garbage collector's)."""
    old = store.get("endpoints", namespace, name)
    if old and labels_of(old).get(_OLD_LABEL) == _OLD_MANAGER:
        store.remove("endpoints", namespace, name)


def _subset(ports: list[Object], endpoints: list[Object]) -> Object:
    """What Endpoints say of some endpoints with the same ports."""
    shown = [
        (each["conditions"]["ready"], {"ip": each["addresses"][0], **{k: each[k] for k in ("nodeName", "targetRef")}})
        for each in endpoints
        if not each["conditions"]["terminating"]
    ]
    subset = {
        "addresses": [address for ready, address in shown if ready],
        "notReadyAddresses": [address for ready, address in shown if not ready],
        "ports": [{key: value for key, value in each.items() if value} for each in ports],
    }
    return {key: value for key, value in subset.items() if value}


def _write_old(store: Store, body: Object, subsets: list[Object]) -> None:
    name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
    subsets = [each for each in subsets if len(each.keys() & {"addresses", "notReadyAddresses"})]
    old = store.get("endpoints", namespace, name)
    labels = {**labels_of(body), _OLD_LABEL: _OLD_MANAGER}
    if old and (old.get("subsets") or []) == subsets and labels_of(old) == labels:
        return
    fresh = {"name": name, "namespace": namespace, "uid": new_uid(), "creationTimestamp": now()}
    metadata = {**(old["metadata"] if old else fresh), "labels": labels}
    made = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    store.put("endpoints", {**made, "subsets": subsets} if subsets else made)


def _write(store: Store, body: Object, wanted: list[tuple[list[Object], list[Object]]], have: list[Object]) -> None:
    key = "endpointslices.discovery.k8s.io"
    for index, (ports, endpoints) in enumerate(wanted):
        if index < len(have):
            if (have[index].get("endpoints") or [], have[index].get("ports") or []) != (endpoints, ports):
                generation = have[index]["metadata"].get("generation", 1) + 1
                metadata = {**have[index]["metadata"], "generation": generation}
                store.put(key, {**have[index], "metadata": metadata, "endpoints": endpoints, "ports": ports})
            continue
        metadata = {
            "name": f"{body['metadata']['name']}-{new_uid()[:5]}",
            "namespace": body["metadata"]["namespace"],
            "uid": new_uid(),
            "creationTimestamp": now(),
            "generation": 1,
            "labels": {
                "kubernetes.io/service-name": body["metadata"]["name"],
                "endpointslice.kubernetes.io/managed-by": MANAGER,
            },
            "ownerReferences": owned("Service", "v1", body),
        }
        store.put(
            key,
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": metadata,
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": ports,
            },
        )
    for extra in have[len(wanted) :]:
        store.remove(key, extra["metadata"]["namespace"], extra["metadata"]["name"])


def _endpoint(store: Store, body: Object, pod: Object) -> Object:
    going = bool(pod["metadata"].get("deletionTimestamp"))
    serving = is_ready(pod)
    ready = (serving and not going) or bool(body["spec"].get("publishNotReadyAddresses"))
    node = store.get("nodes", "", pod["spec"].get("nodeName", ""))
    zone = labels_of(node).get("topology.kubernetes.io/zone") if node else None
    endpoint = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": going},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": {
            "kind": "Pod",
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        },
    }
    return {**endpoint, "zone": zone} if zone else endpoint


def _ports(body: Object, pod: Object | None) -> list[Object]:
    found = []
    for port in body["spec"].get("ports") or ():
        number: Any = port.get("targetPort", port["port"])
        if isinstance(number, str):
            number = _named(pod, number)
        if number:
            found.append({"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")})
    return found


def _named(pod: Object | None, name: str) -> int | None:
    for container in pod["spec"]["containers"] if pod else ():
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return int(port["containerPort"])
    return None
