"""Deployments make ReplicaSets, ReplicaSets and StatefulSets make pods; each reports what it sees."""

import hashlib
import math
from collections import Counter
from typing import Any

import orjson

from ..store import Store
from ..values import Object, copy, labels_of, new_uid, now, owned

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def owned_by(store: Store, key: str, owner: Object) -> list[Object]:
    """The objects of a kind that `owner` controls."""
    return store.children(key, owner["metadata"]["uid"])


def template_hash(template: Object) -> str:
    """Ten letters that stand for a pod template."""
    digest = hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])


def set_status(store: Store, key: str, body: Object, status: Object) -> Object:
    """Store a new status, if it is new."""
    if body.get("status") == status:
        return body
    return store.put(key, {**body, "status": status})


def _child(
    owner: Object, kind: str, name: str, labels: dict[str, str], spec: Object, annotations: Object | None = None
) -> Object:
    metadata: Object = {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "uid": new_uid(),
        "creationTimestamp": now(),
        "labels": labels,
        "ownerReferences": owned(owner["kind"], owner["apiVersion"], owner),
    }
    if annotations:
        metadata["annotations"] = annotations
    api = "v1" if kind == "Pod" else "apps/v1"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def deployment(store: Store, body: Object) -> None:
    """One step of a Deployment: the ReplicaSet of its template, scaled as the rollout allows; its status."""
    if body["metadata"].get("deletionTimestamp"):
        return
    sets = owned_by(store, "replicasets.apps", body)
    name = f"{body['metadata']['name']}-{template_hash(body['spec']['template'])}"
    current = next((each for each in sets if each["metadata"]["name"] == name), None)
    if current is None:
        current = _new_replica_set(store, body, sets, name)
        sets.append(current)
    _roll(store, body, sets, current)
    sets = owned_by(store, "replicasets.apps", body)
    set_status(store, "deployments.apps", body, _deployment_status(body, sets, name))


def _new_replica_set(store: Store, body: Object, sets: list[Object], name: str) -> Object:
    spec, label = body["spec"], {HASH: name.rpartition("-")[2]}
    template = copy(spec["template"])
    template.setdefault("metadata", {})["labels"] = {**(template["metadata"].get("labels") or {}), **label}
    selector = copy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **label}
    revision = 1 + max((int(each["metadata"].get("annotations", {}).get(REVISION, 0)) for each in sets), default=0)
    replicas = 0 if sets else spec["replicas"]
    made = _child(
        body,
        "ReplicaSet",
        name,
        template["metadata"]["labels"],
        {"replicas": replicas, "selector": selector, "template": template},
        {REVISION: str(revision)},
    )
    made["metadata"]["generation"] = 1
    return store.put("replicasets.apps", made)


def _share(value: Any, replicas: int, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        part = replicas * int(value[:-1]) / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value or 0)


def _roll(store: Store, body: Object, sets: list[Object], current: Object) -> None:
    """Scale the current set up and the others down, never above the surge nor below what must be available."""
    spec = body["spec"]
    wanted, old = spec["replicas"], [each for each in sets if each["metadata"]["uid"] != current["metadata"]["uid"]]
    if spec["strategy"]["type"] == "Recreate":
        for each in old:
            _scale(store, each, 0)
        if not any((each.get("status") or {}).get("replicas") for each in old):
            _scale(store, current, wanted)
        return
    limits = spec["strategy"].get("rollingUpdate") or {}
    surge = _share(limits.get("maxSurge"), wanted, up=True)
    spare = _share(limits.get("maxUnavailable"), wanted, up=False) or (0 if surge else 1)
    others = sum(each["spec"]["replicas"] for each in old)
    _scale(store, current, max(min(wanted, wanted + surge - others), 0) if others else wanted)
    ready = sum((each.get("status") or {}).get("readyReplicas", 0) for each in sets)
    room = max(ready - (wanted - spare), 0)
    for each in sorted(old, key=lambda body: (body.get("status") or {}).get("readyReplicas", 0)):
        has, up = each["spec"]["replicas"], (each.get("status") or {}).get("readyReplicas", 0)
        drop = (has - up) + min(up, room)
        room -= min(up, room)
        _scale(store, each, max(has - drop, 0))


def _scale(store: Store, body: Object, replicas: int) -> None:
    live = store.get("replicasets.apps", body["metadata"]["namespace"], body["metadata"]["name"])
    if live and live["spec"]["replicas"] != replicas:
        metadata = {**live["metadata"], "generation": live["metadata"].get("generation", 1) + 1}
        store.put("replicasets.apps", {**live, "metadata": metadata, "spec": {**live["spec"], "replicas": replicas}})


def _deployment_status(body: Object, sets: list[Object], name: str) -> Object:
    wanted = body["spec"]["replicas"]
    total: Counter[str] = Counter()
    for each in sets:
        total.update({key: value for key, value in (each.get("status") or {}).items() if isinstance(value, int)})
    current = next((each for each in sets if each["metadata"]["name"] == name), {})
    updated = (current.get("status") or {}).get("replicas", 0)
    ready = total["readyReplicas"]
    counts = {
        "replicas": total["replicas"],
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(wanted - ready, 0),
    }
    limits = body["spec"]["strategy"].get("rollingUpdate") or {}
    enough = ready >= wanted - _share(limits.get("maxUnavailable"), wanted, up=False)
    done = updated == wanted == ready == total["replicas"]
    conditions = [
        _condition("Available", enough, "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"),
        _condition("Progressing", True, "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"),
    ]
    status = {
        "observedGeneration": body["metadata"]["generation"],
        **{key: value for key, value in counts.items() if value},
    }
    return {**status, "conditions": _kept(conditions, body)}


def _condition(kind: str, holds: bool, reason: str) -> Object:
    return {"type": kind, "status": "True" if holds else "False", "reason": reason, "message": reason}


def _kept(conditions: list[Object], body: Object) -> list[Object]:
    """The conditions with the times of those that did not change."""
    before = {each["type"]: each for each in (body.get("status") or {}).get("conditions") or ()}
    result = []
    for each in conditions:
        old = before.get(each["type"], {})
        same = old.get("status") == each["status"]
        stays = same and old.get("reason") == each["reason"]
        result.append(
            {
                **each,
                "lastTransitionTime": old["lastTransitionTime"] if same else now(),
                "lastUpdateTime": old["lastUpdateTime"] if stays else now(),
            }
        )
    return result


def replica_set(store: Store, body: Object) -> None:
    """One step of a ReplicaSet: as many pods as it wants; its status."""
    if body["metadata"].get("deletionTimestamp"):
        return
    pods = owned_by(store, "pods", body)
    wanted = body["spec"]["replicas"]
    for _ in range(wanted - len(pods)):
        _new_pod(store, body, f"{body['metadata']['name'][:57]}-{new_uid()[:5]}")
    for each in sorted(pods, key=_worth)[: max(len(pods) - wanted, 0)]:
        store.remove("pods", each["metadata"]["namespace"], each["metadata"]["name"])
    pods = owned_by(store, "pods", body)
    ready = sum(is_ready(each) for each in pods)
    status = {
        "replicas": len(pods),
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    set_status(store, "replicasets.apps", body, {"observedGeneration": body["metadata"].get("generation", 1), **status})


def _worth(body: Object) -> tuple[bool, bool, str]:
    return bool(body["spec"].get("nodeName")), is_ready(body), body["metadata"]["creationTimestamp"]


def is_ready(body: Object) -> bool:
    """Whether a pod is Ready."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _new_pod(store: Store, owner: Object, name: str, labels: dict[str, str] | None = None) -> None:
    template = copy(owner["spec"]["template"])
    own = {**labels_of({"metadata": template.get("metadata") or {}}), **(labels or {})}
    body = _child(owner, "Pod", name, own, template["spec"], (template.get("metadata") or {}).get("annotations"))
    store.put("pods", {**body, "status": {"phase": "Pending"}})


def stateful_set(store: Store, body: Object) -> None:
    """One step of a StatefulSet: pods in order, one at a time unless Parallel; its status."""
    if body["metadata"].get("deletionTimestamp"):
        return
    name, spec = body["metadata"]["name"], body["spec"]
    revision = f"{name}-{template_hash(spec['template'])}"
    pods = {each["metadata"]["name"]: each for each in owned_by(store, "pods", body)}
    label = {"controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": ""}
    parallel = spec.get("podManagementPolicy") == "Parallel"
    for ordinal in range(spec["replicas"]):
        pod = pods.get(f"{name}-{ordinal}")
        if pod is None:
            own = {
                **label,
                "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}",
                "apps.kubernetes.io/pod-index": str(ordinal),
            }
            _new_pod(store, body, f"{name}-{ordinal}", own)
        if not parallel and (pod is None or not is_ready(pod)):
            break
    names = {f"{name}-{ordinal}" for ordinal in range(spec["replicas"])}
    _shrink(store, pods, names, revision)
    _stateful_set_status(store, body, revision)


def _shrink(store: Store, pods: dict[str, Object], names: set[str], revision: str) -> None:
    """Remove a pod too many, or the last one of an old revision, one a step."""
    extra = sorted(pods.keys() - names, reverse=True)
    old = [
        name
        for name, pod in sorted(pods.items(), reverse=True)
        if labels_of(pod).get("controller-revision-hash") != revision
    ]
    settled = all(is_ready(pod) for pod in pods.values())
    for name in (extra or (old if settled else []))[:1]:
        store.remove("pods", pods[name]["metadata"]["namespace"], name)


def _stateful_set_status(store: Store, body: Object, revision: str) -> None:
    pods = owned_by(store, "pods", body)
    updated = [each for each in pods if labels_of(each).get("controller-revision-hash") == revision]
    ready = sum(is_ready(each) for each in pods)
    status = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": len(updated),
        "updatedReplicas": len(updated),
        "currentRevision": revision,
        "updateRevision": revision,
    }
    set_status(store, "statefulsets.apps", body, status)
