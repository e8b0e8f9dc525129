"""The labels that put nodes into NodeUnits live on the nodes, so a cluster that is made anew has none of them. Where a
person restores everything, nodes of the same name get them back."""

from collections import defaultdict

from ...core.names import protected_label_problem
from ...models import Grid, LabelJob, ManagedCluster, Node, NodeLabel
from ...queries.freshness import seen_once
from ..queue import change_log, workqueue

KIND = "fleet"
KEY = f"{KIND}/lost-labels"
NODES_UNKNOWN = 1.0  # seconds until another look while the nodes of the cluster have never been listed
_JOBS = "labeljobs"


def gather() -> dict[str, dict[str, str]]:
    """The labels of the nodes as last seen, by name, as far as grids find their NodeUnits by them and they may be
    written by hand."""
    keys = [
        key for key in Grid.objects.exclude(key="").values_list("key", flat=True) if not protected_label_problem(key)
    ]
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, key, value in NodeLabel.objects.filter(key__in=set(keys)).values_list("node__name", "key", "value"):
        found[name][key] = value
    return dict(found)


def give_back() -> float | None:
    """Make a job for each label and value that nodes lack, which can be watched and undone like any other. A label that
    a node has, whatever its value, stays. Seconds until another look, or None where it is done."""
    row = ManagedCluster.now()
    if not row.lost_labels:
        return None
    if not seen_once("nodes"):
        return NODES_UNKNOWN
    lacking: dict[tuple[str, str], list[str]] = defaultdict(list)
    for node in Node.objects.filter(name__in=list(row.lost_labels)):
        for key, value in row.lost_labels[node.name].items():
            if key not in node.labels:
                lacking[key, value].append(node.name)
    jobs = [_job(key, value, names) for (key, value), names in sorted(lacking.items())]
    ManagedCluster.objects.update(lost_labels={})
    change_log.record("job", [str(job.pk) for job in jobs])
    workqueue.enqueue([f"{_JOBS}/{job.pk}" for job in jobs], urgent=True)
    return None


def _job(key: str, value: str, names: list[str]) -> LabelJob:
    results = {name: {"before": {key: None}, "state": "pending", "detail": ""} for name in sorted(names)}
    return LabelJob.objects.create(changes={key: value}, results=results, author="sgportal")
