"""Changing the labels of nodes, moving them between NodeUnits, cordoning and draining them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from typing import Any, cast

from django.db import transaction

from ..access.approvals import is_guarded
from ..core.names import label_key_problem, label_value_problem, protected_label_problem
from ..core.node_jobs import EXCLUSIVE, Action, Changes, begun, fail, undoing
from ..core.text import Invalid, Problem, first_of, pointer, say
from ..models import LabelJob, Node
from ..queries.label_impact import Impact, impact_of, scheduling_impact
from ..queries.nodes import standing_undo
from ..reconciler import label_jobs
from ..reconciler.live import budgets
from ..reconciler.queue import change_log, unit_history, workqueue
from .common import Actor, NotFound, PlanChanged, Refused, check_agreed, intent, is_agreed, note, second_person

_OVER = (LabelJob.State.DONE, LabelJob.State.FAILED)


@intent
def label_nodes(
    names: Iterable[str], changes: Changes, actor: Actor, *, move: bool = False, dry_run: bool = False
) -> LabelJob | Impact:
    """Change labels on many nodes (None removes) as a job; with `dry_run` its impact. With `move` each node is
    cordoned, rid of the pods of grids that are bound to these keys, labelled, and uncordoned. Raises Invalid,
    Refused."""
    names = list(dict.fromkeys(names))
    _check_labels(names, changes)
    return _assign(dict.fromkeys(names, changes), changes, actor, move, dry_run)


@intent
def assign_units(
    key: str, units: Mapping[str, str | None], actor: Actor, *, move: bool = False, dry_run: bool = False
) -> LabelJob | Impact:
    """The same where each node gets a value of its own of one key, as one job. Raises Invalid, Refused."""
    problems = first_of(_node_problems(list(units)))
    if wrong := label_key_problem(key) or protected_label_problem(key):
        problems.append(Problem("/key", wrong))
    for name, value in units.items():
        if value is not None and (wrong := label_value_problem(value)):
            problems.append(Problem(pointer("values", name), wrong))
    if problems:
        raise Invalid(*problems)
    return _assign({name: {key: value} for name, value in units.items()}, {}, actor, move, dry_run)


@intent
def label_each(
    changes_of: Mapping[str, Changes], actor: Actor, *, move: bool = False, dry_run: bool = False
) -> LabelJob | Impact:
    """The same where each node has labels of its own, as one job. Raises Invalid, Refused."""
    labels = (each for changes in changes_of.values() for each in _label_problems(changes))
    if problems := first_of(chain(_node_problems(list(changes_of)), labels)):
        raise Invalid(*problems)
    return _assign(changes_of, {}, actor, move, dry_run)


@intent
def schedule_nodes(names: Iterable[str], action: Action, actor: Actor, *, dry_run: bool = False) -> LabelJob | Impact:
    """Cordon, uncordon or drain many nodes, as a job; a drain evicts the pods of grids, and no others. Raises Invalid,
    Refused."""
    names = list(dict.fromkeys(names))
    if problems := list(_node_problems(names)):
        raise Invalid(*problems)
    if dry_run:
        return budgets.with_refusals(scheduling_impact(names, action))
    nodes = Node.objects.filter(name__in=names)
    records = {node.name: begun(action, node.labels, node.unschedulable, {}, node.uid) for node in nodes}
    return _start(action, {}, records, actor, planned=lambda: scheduling_impact(names, action))


@intent
def undo_job(pk: Any, actor: Actor, *, dry_run: bool = False) -> LabelJob | Impact:
    """Take back what a job did; one that is under way is stopped first. Labels that somebody else has changed since are
    left alone. The job that is already under way to do so, if one is. With `dry_run` the impact. Raises NotFound,
    Refused."""
    with transaction.atomic():
        job = LabelJob.objects.select_for_update().filter(pk=pk).first()
        if job is None:
            raise NotFound(f"jobs/{pk}")
        if (undone := standing_undo(pk)) is not None:
            if not undone.over and not dry_run:
                return undone
            raise Refused(say("job %(job)s undoes it already", job=str(undone.pk)))
        records = job.results
        if not job.over:
            # How far it comes until it stops is not known yet: whatever it may still touch is brought back.
            records = {name: {**each, "state": _assumed(each["state"])} for name, each in records.items()}
        action, back = undoing(cast(Action, job.action), records)
        if not back:
            raise Refused(say("nothing is left of this job that could be undone"))
        if action in ("label", "move") and not _unless_changed(back):
            raise Refused(_CHANGED_SINCE)
        if not dry_run:
            if not job.over:
                LabelJob.objects.filter(pk=job.pk).update(stopped=True)
                workqueue.enqueue([f"labeljobs/{job.pk}"], urgent=True)
            planned = partial(_impact, action, back, under_way=not job.over)
            return _start(action, _shared(back), back, actor, undoes=job, planned=planned)
    found = _impact(action, back, under_way=not job.over)
    return budgets.with_refusals(found)  # which asks the cluster, so that nothing is locked meanwhile


def _impact(action: Action, records: Mapping[str, Mapping[str, Any]], under_way: bool) -> Impact:
    """What a job with these records would do to the nodes that are still to be changed. While what it takes back is
    `under_way`, that is told as if it were through with all of them: how far it is changes from one look to the next,
    and nobody could agree to what was shown."""
    records = {name: each for name, each in records.items() if each["state"] == "pending"}
    if action in ("label", "move"):
        expected = {name: each["before"] for name, each in records.items()} if under_way else {}
        found = impact_of({name: each["after"] for name, each in records.items()}, action == "move", expected)
    else:
        found = scheduling_impact(records, action)
    return replace(found, under_way=under_way)


_CHANGED_SINCE = say("its labels were changed since, and are left as they are")


def _unless_changed(back: Mapping[str, dict[str, Any]]) -> bool:
    """Let those nodes fail that have neither the labels that a job set nor those it found; whether others are left.
    What is seen of a node may be a little older than the job."""
    seen = dict(Node.objects.filter(name__in=list(back)).values_list("name", "labels"))
    for name, record in back.items():
        has, was = seen.get(name), record["before"]
        if has is not None and any(has.get(key) not in (was.get(key), to) for key, to in record["after"].items()):
            fail(record, _CHANGED_SINCE)
    return any(record["state"] == "pending" for record in back.values())


def _assumed(state: str) -> str:
    return "failed" if state == "failed" else "done"


def _shared(records: Mapping[str, Mapping[str, Any]]) -> Changes:
    """The labels that all of these nodes are to have, where these are the same."""
    first, *others = (each["after"] for each in records.values())
    return cast(Changes, first if all(each == first for each in others) else {})


def _assign(
    changes_of: Mapping[str, Changes], changes: Changes, actor: Actor, move: bool, dry_run: bool
) -> LabelJob | Impact:
    if dry_run:
        return budgets.with_refusals(impact_of(changes_of, move))
    action: Action = "move" if move else "label"
    nodes = Node.objects.filter(name__in=list(changes_of))
    seen = {node.name: node for node in nodes}
    records = {
        name: begun(action, seen[name].labels, seen[name].unschedulable, each, seen[name].uid)
        for name, each in changes_of.items()
    }
    return _start(action, changes, records, actor, planned=lambda: impact_of(changes_of, move))


def _start(
    action: Action,
    changes: Changes,
    records: Mapping[str, dict[str, Any]],
    actor: Actor,
    undoes: LabelJob | None = None,
    planned: Callable[[], Impact] | None = None,
) -> LabelJob:
    """A job that some worker carries out; the one that is under way where it is sent again. Raises Refused where
    another is at work on one of these nodes, and where another plan was agreed to."""
    with transaction.atomic():
        if planned is not None:
            impact = cache(partial(_locked, records, planned))
            check_agreed(lambda: impact().id)
            if undoes is None and is_agreed() and (same := _begun_already(action, records, actor)):
                return same
            if action == "drain" and is_guarded("drain"):
                _check_second_person(records, impact(), actor)
        if action in EXCLUSIVE:
            _check_free(records, undoes)
        job = LabelJob.objects.create(
            action=action,
            changes=dict(changes),
            results=dict(records),
            author=actor.name,
            undoes=undoes.pk if undoes else None,
        )
        before = {name: each["before"] or {"unschedulable": each["unschedulable"]} for name, each in records.items()}
        after = changes or {name: each["after"] for name, each in records.items() if each["after"]}
        units = (each for record in records.values() for each in _units(record["before"], record["after"]))
        note(actor, action, f"labeljobs/{job.pk}", before, dict(after), units=units)
        unit_history.remember({key for each in records.values() for key in each["after"]})
        change_log.record("job", [str(job.pk)])
        workqueue.enqueue([f"labeljobs/{job.pk}"], urgent=True)
    return job


def _begun_already(action: Action, records: Mapping[str, Mapping[str, Any]], actor: Actor) -> LabelJob | None:
    """The job that this person has begun already and that is under way, with the same to do for the same nodes: the
    form was sent again from a page that the browser had kept."""
    wanted = {name: each["after"] for name, each in records.items()}
    rows = LabelJob.objects.exclude(state__in=_OVER).filter(
        action=action, author=actor.name, undoes=None, stopped=False
    )
    same = (row for row in rows if {name: each["after"] for name, each in row.results.items()} == wanted)
    return next(same, None)


def _check_second_person(names: Iterable[str], impact: Impact, actor: Actor) -> None:
    names = sorted(names)
    pods = [f"{each.namespace}/{each.pod}" for each in impact.evictions]
    path = f"nodes/{names[0]}" if len(names) == 1 else "nodes"
    second_person(actor, "drain", path, impact.id, {"nodes": names, "evictions": pods})


def _locked(names: Iterable[str], planned: Callable[[], Impact]) -> Impact:
    """What a write comes to. The nodes stay as they are until the transaction ends."""
    list(Node.objects.select_for_update().filter(name__in=list(names)).order_by("pk").values_list("pk"))
    return planned()


def _check_free(names: Iterable[str], but: LabelJob | None) -> None:
    """A node that another job has cordoned would be taken for one that a person had."""
    wanted = set(names)
    for other in LabelJob.objects.exclude(state__in=_OVER).filter(action__in=EXCLUSIVE):
        if but and other.pk == but.pk:
            continue
        busy = sorted(name for name in wanted & other.results.keys() if other.results[name]["state"] == "pending")
        if busy:
            raise Refused(
                say("node “%(node)s” is in another job that is under way: %(job)s", node=busy[0], job=str(other.pk))
            )


@intent
def label_node(name: str, changes: Mapping[str, str | None], actor: Actor, *, dry_run: bool = False) -> Node | Impact:
    """Change the labels of one node at once (None removes). Raises Invalid, NotFound, Unavailable, Refused."""
    if not Node.objects.filter(name=name).exists():
        raise NotFound(name)
    _check_labels([name], changes)

    def planned() -> Impact:
        return impact_of({name: changes})

    def same(uid: str) -> None:
        if not Node.objects.filter(name=name, uid=uid).exists():
            raise PlanChanged
        check_agreed(lambda: _locked([name], planned).id)

    if dry_run:
        return planned()
    before = Node.objects.get(name=name).labels
    try:
        label_jobs.write(name, changes, same if is_agreed() else None, author=actor.name)
    except label_jobs.NodeRefused as error:
        raise Refused(say("the cluster refuses: %(message)s", message=str(error))) from error
    except label_jobs.ZoneNotNamed as error:
        raise Refused(error.sentence) from error
    node = Node.objects.get(name=name)
    unit_history.remember(changes)
    was = {key: before.get(key) for key in changes}
    note(actor, "label", f"nodes/{name}", was, dict(changes), units=_units(was, changes))
    return node


def _units(before: Changes, after: Changes) -> Iterator[tuple[str, str]]:
    """The NodeUnits that a node leaves or comes to."""
    moved = before.items() ^ after.items()
    return ((key, value) for key, value in moved if value)


def _node_problems(names: Sequence[str]) -> Iterator[Problem]:
    if not names:
        yield Problem("/nodes", say("name at least one node"))
    known = set(Node.objects.filter(name__in=names).values_list("name", flat=True))
    for index, name in enumerate(names):
        if name not in known:
            yield Problem(pointer("nodes", index), say("there is no node “%(name)s”", name=str(name)[:100]))


def _check_labels(names: Sequence[str], changes: Changes) -> None:
    if problems := [*_node_problems(names), *_label_problems(changes)]:
        raise Invalid(*problems)


def _label_problems(changes: Changes) -> Iterator[Problem]:
    if not changes:
        yield Problem("/set", say("name at least one label to set or remove"))
    for key, value in changes.items():
        wrong = label_key_problem(key) or protected_label_problem(key)
        if wrong is None and value is not None:
            wrong = label_value_problem(value)
        if wrong:
            yield Problem(pointer("labels", key), wrong)
