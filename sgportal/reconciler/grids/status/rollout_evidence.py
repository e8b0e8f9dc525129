"""What a workload's own status does not say of its rollout, asked of the cluster where something is wrong: which
ReplicaSet is that of the present template, and why no pod could be created."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....cluster import Cluster, ClusterError
from ....core.grids.grid import GridSpec
from ....core.pods import PodView
from ....core.status.status import Observed
from ....core.workloads.rollout import condition
from ....core.workloads.trouble import is_in_doubt, present_replica_set
from .creation_failures import creation_failures

log = logging.getLogger(__name__)
Body = Mapping[str, Any]


def with_evidence(observed: Observed, spec: GridSpec, cluster: Cluster) -> Observed:
    """What was observed of a grid, with what only others than its children and their pods say of them: at most one
    request, none while nothing is wrong. A cluster that refuses to answer leaves it unknown."""
    live, kind, namespace = observed.live, spec.kind.child_kind, spec.namespace
    try:
        if kind == "Deployment":
            return replace(observed, replica_sets=_replica_sets(namespace, live, observed.pods, cluster))
        if kind == "StatefulSet":
            return replace(observed, creation_failures=creation_failures(namespace, live, cluster))
    except ClusterError as error:
        log.info("%s: what keeps its rollouts from going on is not known: %s", spec.name, error)
    return observed


def _replica_sets(namespace: str, live: Sequence[Body], pods: Iterable[PodView], cluster: Cluster) -> dict[str, Body]:
    by_child: dict[str, list[PodView]] = {}
    for pod in pods:
        by_child.setdefault(pod.child, []).append(pod)
    doubtful = {each["metadata"]["name"]: each for each in live}
    doubtful = {name: each for name, each in doubtful.items() if is_in_doubt(each, by_child.get(name, ()))}
    if not doubtful:
        return {}
    refused = any(condition(each, "ReplicaFailure") for each in doubtful.values())  # then its own words are needed
    selector = _selector(list(doubtful.values()))
    replica_sets = cluster.list("ReplicaSet", namespace, label_selector=selector, metadata_only=not refused).items
    found = {name: present_replica_set(each, replica_sets) for name, each in doubtful.items()}
    return {name: each for name, each in found.items() if each}


def _selector(deployments: Sequence[Body]) -> str:
    """What chooses the ReplicaSets of these Deployments, those of one grid: the labels that all of them select by."""
    labels = [each["spec"]["selector"].get("matchLabels") or {} for each in deployments]
    shared = sorted((key, value) for key, value in labels[0].items() if all(each.get(key) == value for each in labels))
    return ",".join(f"{key}={value}" for key, value in shared)
