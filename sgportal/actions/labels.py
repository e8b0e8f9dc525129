"""Changing the labels of nodes."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction

from ..core.names import label_key_problem, label_value_problem, protected_label_problem
from ..core.text import Invalid, Problem, pointer, say
from ..models import LabelJob, Node
from ..queries.label_impact import Impact, label_impact
from ..reconciler import label_jobs
from ..reconciler.queue import workqueue
from .common import Actor, NotFound, Refused, intent, note


@intent
def label_nodes(
    names: Iterable[str], changes: Mapping[str, str | None], actor: Actor, *, dry_run: bool = False
) -> LabelJob | Impact:
    """Change labels on many nodes (None removes) as a job; with `dry_run` its impact. Raises Invalid."""
    names = list(dict.fromkeys(names))
    _check_labels(names, changes)
    if dry_run:
        return label_impact(names, changes)
    with transaction.atomic():
        nodes = Node.objects.filter(name__in=names)
        before = {node.name: {key: node.labels.get(key) for key in changes} for node in nodes}
        results = {name: {"before": before[name], "state": "pending", "detail": ""} for name in names}
        job = LabelJob.objects.create(changes=dict(changes), results=results, author=actor.name)
        note(actor, "label", f"labeljobs/{job.pk}", before, dict(changes))
        workqueue.enqueue([f"labeljobs/{job.pk}"], urgent=True)
    return job


@intent
def label_node(name: str, changes: Mapping[str, str | None], actor: Actor, *, dry_run: bool = False) -> Node | Impact:
    """Change the labels of one node at once (None removes). Raises Invalid, NotFound, Unavailable, Refused."""
    if not Node.objects.filter(name=name).exists():
        raise NotFound(name)
    _check_labels([name], changes)
    if dry_run:
        return label_impact([name], changes)
    before = Node.objects.get(name=name).labels
    try:
        label_jobs.write(name, changes)
    except label_jobs.NodeRefused as error:
        raise Refused(say("the cluster refuses: %(message)s", message=str(error))) from error
    except label_jobs.ZoneNotNamed as error:
        raise Refused(error.sentence) from error
    node = Node.objects.get(name=name)
    note(actor, "label", f"nodes/{name}", {key: before.get(key) for key in changes}, dict(changes))
    return node


def _check_labels(names: Sequence[str], changes: Mapping[str, str | None]) -> None:
    problems = [Problem("/nodes", say("name at least one node"))] if not names else []
    known = set(Node.objects.filter(name__in=names).values_list("name", flat=True))
    for index, name in enumerate(names):
        if name not in known:
            problems.append(Problem(pointer("nodes", index), say("there is no node “%(name)s”", name=str(name)[:100])))
    if not changes:
        problems.append(Problem("/set", say("name at least one label to set or remove")))
    for key, value in changes.items():
        wrong = label_key_problem(key) or protected_label_problem(key)
        if wrong is None and value is not None:
            wrong = label_value_problem(value)
        if wrong:
            problems.append(Problem(pointer("labels", key), wrong))
    if problems:
        raise Invalid(*problems)
