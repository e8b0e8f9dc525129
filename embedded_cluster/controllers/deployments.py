"""Deployments: a ReplicaSet for each template, scaled as the rollout allows (kubernetes.io/docs "Deployments")."""

import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from ..objects.notes import note
from ..objects.store import Store
from ..objects.values import Object, copy, now
from .children import child, claimed, template_hash
from .replicasets import failure_of

KEY, SETS = "deployments.apps", "replicasets.apps"
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


def deployment(store: Store, body: Object) -> None:
    """One step of a Deployment: the ReplicaSet of its template, scaled as the rollout allows; its status."""
    if body["metadata"].get("deletionTimestamp"):
        return
    sets = claimed(store, SETS, body)
    name = f"{body['metadata']['name']}-{template_hash(body['spec']['template'])}"
    current = next((each for each in sets if each["metadata"]["name"] == name), None)
    if current is None and not body["spec"].get("paused"):
        if store.get(SETS, body["metadata"]["namespace"], name):
            return  # a namesake's, which is going: its end will call us again
        current = _make_set(store, body, sets, name)
        sets.append(current)
    if current is not None:
        current = _renumber(store, current, sets)
        if not body["spec"].get("paused") or len(sets) == 1:
            _roll(store, body, sets, current)
        _forget_old(store, body, current)
    _report(store, body, name)


def _number(body: Object) -> int:
    return int((body["metadata"].get("annotations") or {}).get(REVISION, 0))


def _make_set(store: Store, body: Object, sets: list[Object], name: str) -> Object:
    spec, label = body["spec"], {HASH: name.rpartition("-")[2]}
    template = copy(spec["template"])
    template.setdefault("metadata", {})["labels"] = {**(template["metadata"].get("labels") or {}), **label}
    selector = copy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **label}
    replicas = 0 if sets else spec["replicas"]
    made_spec = {"replicas": replicas, "selector": selector, "template": template}
    if spec.get("minReadySeconds"):
        made_spec["minReadySeconds"] = spec["minReadySeconds"]
    made = child(body, "ReplicaSet", name, template["metadata"]["labels"], made_spec, {REVISION: "0"})
    made["metadata"]["generation"] = 1
    if replicas:
        _say_scaled(store, body, name, 0, replicas)
    return store.put(SETS, made)


def _say_scaled(store: Store, body: Object, name: str, old: int, new: int) -> None:
    message = f"Scaled {'up' if new > old else 'down'} replica set {name} from {old} to {new}"
    note(store, body, "Normal", "ScalingReplicaSet", message, "deployment-controller")


def _renumber(store: Store, current: Object, sets: list[Object]) -> Object:
    """The current set has the highest revision, also after a rollback to an old template."""
    others = max((_number(each) for each in sets if each["metadata"]["uid"] != current["metadata"]["uid"]), default=0)
    if _number(current) > others:
        return current
    annotations = {**(current["metadata"].get("annotations") or {}), REVISION: str(others + 1)}
    return store.put(SETS, {**current, "metadata": {**current["metadata"], "annotations": annotations}})


def share(value: Any, replicas: int, up: bool) -> int:
    """A number of pods that is written as a number or a percentage of `replicas`, rounded up or down."""
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
            _scale(store, body, each, 0)
        if not any(store.children("pods", each["metadata"]["uid"]) for each in old):
            _scale(store, body, current, wanted)
        return
    limits = spec["strategy"].get("rollingUpdate") or {}
    surge = share(limits.get("maxSurge"), wanted, up=True)
    spare = share(limits.get("maxUnavailable"), wanted, up=False) or (0 if surge else 1)
    others = sum(each["spec"]["replicas"] for each in old)
    own = max(min(wanted, wanted + surge - others), 0) if others else wanted
    _scale(store, body, current, own)
    needed = wanted - spare
    surplus = others + _available_of(current) - needed  # pods of the current set that are not available take up room
    if surplus <= 0:
        return
    room = max(sum(map(_available_of, sets)) - needed, 0)
    for each in sorted(old, key=_available_of):
        has, up = each["spec"]["replicas"], _available_of(each)
        drop = min(has - up, surplus)
        surplus -= drop
        _scale(store, body, each, max(has - drop - min(up, room), 0))
        room -= min(up, room)


def _available_of(replica_set: Object) -> int:
    return int((replica_set.get("status") or {}).get("availableReplicas", 0))


def _scale(store: Store, body: Object, one: Object, replicas: int) -> None:
    live = store.get(SETS, one["metadata"]["namespace"], one["metadata"]["name"])
    if live and live["spec"]["replicas"] != replicas:
        _say_scaled(store, body, live["metadata"]["name"], live["spec"]["replicas"], replicas)
        metadata = {**live["metadata"], "generation": live["metadata"].get("generation", 1) + 1}
        store.put(SETS, {**live, "metadata": metadata, "spec": {**live["spec"], "replicas": replicas}})


def _forget_old(store: Store, body: Object, current: Object) -> None:
    """Keep as many empty ReplicaSets for a rollback as revisionHistoryLimit says."""
    empty = [
        each
        for each in store.children(SETS, body["metadata"]["uid"])
        if each["metadata"]["uid"] != current["metadata"]["uid"]
        and not each["spec"]["replicas"]
        and not (each.get("status") or {}).get("replicas")
    ]
    keep = body["spec"].get("revisionHistoryLimit", 10)
    for each in sorted(empty, key=_number)[: max(len(empty) - keep, 0)]:
        store.remove(SETS, each["metadata"]["namespace"], each["metadata"]["name"])


def _report(store: Store, body: Object, name: str) -> None:
    """Store the status, and the current revision as an annotation."""
    sets = store.children(SETS, body["metadata"]["uid"])
    status = _status(body, sets, name)
    metadata = body["metadata"]
    current = next((each for each in sets if each["metadata"]["name"] == name), None)
    if current:
        annotations = {**(metadata.get("annotations") or {}), REVISION: str(_number(current))}
        metadata = {**metadata, "annotations": annotations}
    if status != body.get("status") or metadata != body["metadata"]:
        store.put(KEY, {**body, "metadata": metadata, "status": status})


def _status(body: Object, sets: list[Object], name: str) -> Object:
    wanted = body["spec"]["replicas"]
    total: Counter[str] = Counter()
    for each in sets:
        total.update({key: value for key, value in (each.get("status") or {}).items() if isinstance(value, int)})
    current: Object = next((each for each in sets if each["metadata"]["name"] == name), {})
    updated = (current.get("status") or {}).get("replicas", 0)
    ready, usable = total["readyReplicas"], total["availableReplicas"]
    counts = {
        "replicas": total["replicas"],
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": usable,
        "unavailableReplicas": max(wanted - usable, 0),
    }
    counts = {key: value for key, value in counts.items() if value}
    limits = body["spec"]["strategy"].get("rollingUpdate") or {}
    available = usable >= wanted - share(limits.get("maxUnavailable"), wanted, up=False)
    done = updated == wanted == usable == total["replicas"]
    conditions = [_available(available), _progressing(body, name, done, counts)]
    if failure := next(filter(None, map(failure_of, [current or {}, *sets])), None):
        conditions.append({key: value for key, value in failure.items() if key != "lastTransitionTime"})
    status = {"observedGeneration": body["metadata"]["generation"], **counts}
    return {**status, "conditions": _kept(conditions, body, counts)}


def _available(holds: bool) -> Object:
    if holds:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return {"type": "Available", "status": "True" if holds else "False", "reason": reason, "message": message}


def _progressing(body: Object, name: str, done: bool, counts: Object) -> Object:
    found = {"type": "Progressing", "status": "True"}
    if body["spec"].get("paused"):
        return {**found, "status": "Unknown", "reason": "DeploymentPaused", "message": "Deployment is paused"}
    if done:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return {**found, "reason": "NewReplicaSetAvailable", "message": message}
    if _overdue(body, counts):
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return {**found, "status": "False", "reason": "ProgressDeadlineExceeded", "message": message}
    return {**found, "reason": "ReplicaSetUpdated", "message": f'ReplicaSet "{name}" is progressing.'}


def _overdue(body: Object, counts: Object) -> bool:
    """Whether nothing has moved for progressDeadlineSeconds."""
    status = body.get("status") or {}
    old = next((each for each in status.get("conditions") or () if each["type"] == "Progressing"), None)
    moved = any(status.get(name, 0) != counts.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas"))
    if old is None or moved or status.get("observedGeneration") != body["metadata"]["generation"]:
        return False
    if old["reason"] == "ProgressDeadlineExceeded":
        return True
    waited = datetime.now(UTC) - datetime.fromisoformat(old["lastUpdateTime"].replace("Z", "+00:00"))
    limit: int = body["spec"].get("progressDeadlineSeconds", 600)
    return waited.total_seconds() > limit


def is_waiting(body: Object) -> bool:
    """Whether a rollout is under way, so that its deadline may pass."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(each.get("reason") == "ReplicaSetUpdated" for each in conditions)


def _kept(conditions: list[Object], body: Object, counts: Object) -> list[Object]:
    """The conditions with the times of those that did not change; every move of the counts is progress."""
    status = body.get("status") or {}
    before = {each["type"]: each for each in status.get("conditions") or ()}
    moved = {key: value for key, value in status.items() if key.endswith("eplicas")} != counts
    result = []
    for each in conditions:
        old = before.get(each["type"], {})
        same = old.get("status") == each["status"]
        stays = same and old.get("reason") == each["reason"] and not (moved and each["type"] == "Progressing")
        times = {
            "lastTransitionTime": old["lastTransitionTime"] if same else now(),
            "lastUpdateTime": old["lastUpdateTime"] if stays else now(),
        }
        result.append({**each, **times})
    return result
