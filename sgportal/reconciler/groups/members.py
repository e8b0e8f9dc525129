"""A custom resource of a package, taken into rows: itself and each of its members, all or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from ...cluster import Cluster
from ...core.grids.grid import GridSpec, parse, source_metadata
from ...core.grids.group import GroupSpec, parse_group
from ...core.names import CONFIRM_DELETION, SERVICEGROUP
from ...core.overrides.operation import operation_text
from ...core.overrides.requests import request_problems, rollout_text
from ...core.schema import twice
from ...core.status.package import refused
from ...core.status.parts import Condition
from ...core.text import Invalid, Problem, pointer, say
from ...models import AuditEvent, Grid, PackageRevision, ServiceGroup
from ...queries.leaving import brake
from ...queries.per_unit.units import known_units
from ..grids.resource.absence import WINDOW
from ..queue import change_log, workqueue
from ..queue.together import requests_together

Body = Mapping[str, Any]


class Refusal(Exception):
    """What a custom resource says is not carried out; `condition` says why."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition.reason)
        self.condition = condition


@dataclass(frozen=True, slots=True)
class _Member:
    spec: GridSpec
    manifest: Body


def take_in(group: ServiceGroup, body: Body, cluster: Cluster, done: str | None = None) -> None:
    """Make the rows of a package and its members say what its custom resource says; members that it no longer names are
    deleted. `done`: what an annotation asked and is done by that. Raises Refusal, where nothing is changed, and
    ClusterError."""
    manifest = {key: body[key] for key in ("apiVersion", "kind", "metadata", "spec") if key in body}
    try:
        spec = parse_group(manifest)
        members = _members(spec)
    except Invalid as invalid:
        raise Refusal(refused(invalid.problems)) from None
    _check_strangers(group, members, cluster)
    with transaction.atomic(), requests_together():
        row = ServiceGroup.objects.select_for_update().get(pk=group.pk)
        list(Grid.objects.filter(group=row).locked().values_list("pk"))
        leaving = _leaving(row, members)
        if leaving:
            _check_emptied(members, body)
            check_brake(len(leaving), body)
        for each in members:
            _write(row, each)
        for grid in leaving:
            begin_deletion(grid)
        row.key, row.spec, row.home = spec.key, dict(body["spec"]), "cluster"
        row.metadata = source_metadata(body["metadata"])
        if done is not None or not row.version:  # what a first version says asks for nothing
            row.operation = done or operation_text(body["metadata"].get("annotations"))
        if not row.version:
            row.command = rollout_text(body["metadata"].get("annotations"))
        row.version += 1
        if row.cluster_uid != body["metadata"]["uid"]:
            row.orphaning = row.propagation_known = False
        row.cluster_uid, row.cluster_generation = body["metadata"]["uid"], body["metadata"].get("generation", 1)
        row.save()
        PackageRevision.keep(row, "cluster")
        change_log.record("grid", [row.path])
    group.refresh_from_db()


def take_in_metadata(group: ServiceGroup, body: Body) -> None:
    """Make the row have the labels and annotations of the custom resource, which win over the portal's. They say
    nothing of members: what was edited of those in the portal stands. Raises Refusal, where nothing is changed."""
    metadata = source_metadata(body["metadata"])
    if metadata == group.metadata:
        return
    if problems := list(request_problems(metadata.get("annotations") or {})):
        raise Refusal(refused(problems))
    ServiceGroup.objects.filter(pk=group.pk).update(metadata=metadata, version=F("version") + 1)
    group.refresh_from_db()
    change_log.record("grid", [group.path])


def _members(spec: GroupSpec) -> list[_Member]:
    problems: list[Problem] = []
    found: dict[str, _Member] = {}
    units = known_units(spec.key, with_nodes=True)
    for index, manifest in enumerate(spec.grids):
        where = "/spec" + pointer("grids", index)
        try:
            member = _Member(parse(manifest, units, None, units), manifest)
        except Invalid as invalid:
            problems += [each.within(where) for each in invalid.problems]
            continue
        path = member.spec.path()
        if path in found:
            problems.append(Problem(where + "/metadata/name", twice(member.spec.name, path)))
        found[path] = member
    if problems:
        raise Invalid(*problems)
    return list(found.values())


def _check_strangers(group: ServiceGroup, members: Sequence[_Member], cluster: Cluster) -> None:
    """A grid that is there already and is not this package's is never taken over. Raises Refusal, ClusterError."""
    for each in members:
        kind, name = each.spec.kind.kind, each.spec.name
        row = Grid.objects.filter(kind=kind, namespace=group.namespace, name=name).first()
        if row is not None and row.group_id == group.pk:
            continue
        live = cluster.get(kind, group.namespace, name) if cluster.serves(kind) else None
        marks = (live["metadata"].get("annotations") or {}) if live else {}
        if (live is None and row is None) or (live and marks.get(SERVICEGROUP) == group.name and not _elsewhere(row)):
            continue
        text = say(
            "%(kind)s “%(name)s” exists already and is not this ServiceGroup's; delete it, give the member another"
            " name, or take it in over the portal",
            kind=kind,
            name=name,
        )
        raise Refusal(Condition("Accepted", "False", "NameConflict", text))


def _elsewhere(row: Grid | None) -> bool:
    return row is not None and row.group_id is not None


def _leaving(group: ServiceGroup, members: Sequence[_Member]) -> list[Grid]:
    wanted = {each.spec.path() for each in members}
    return [grid for grid in group.grids.all() if grid.path not in wanted and not grid.deleting_since]


def _check_emptied(members: Sequence[_Member], body: Body) -> None:
    """An edit that leaves a package nothing is taken for a mistake, however few go. Raises Refusal."""
    if not members and not _is_confirmed(body):
        text = say(
            "%(where)s: it is empty, so all members would be deleted; name them, or confirm it with “kubectl annotate"
            " svcgroup %(name)s %(annotation)s=true”",
            where="/spec/grids",
            name=body["metadata"]["name"],
            annotation=CONFIRM_DELETION,
        )
        raise Refusal(Condition("Accepted", "False", "DeletionsHeld", text))


def _confirmation(body: Body) -> str:
    return str((body["metadata"].get("annotations") or {}).get(CONFIRM_DELETION) or "")


def _is_confirmed(body: Body) -> bool:
    return _confirmation(body) in ("true", "delete")


def keeps_members(body: Body) -> bool:
    """Whether a person has decided that a package goes without its members."""
    return _confirmation(body) == "orphan"


def check_propagation(known: bool, body: Body) -> None:
    """Raises Refusal where it takes a person to say whether the members go along. That they may be many (“true”) may
    have been said long ago, of an edit: it says nothing of this."""
    if known or _confirmation(body) == "delete":
        return
    metadata = body["metadata"]
    command = f"kubectl annotate --overwrite svcgroup {metadata['name']} -n {metadata['namespace']} {CONFIRM_DELETION}"
    text = say(
        "it is deleted, with its members or without them (“--cascade=orphan”): which of the two cannot be told any"
        " more, so they stay; “%(command)s=delete” deletes them, “%(command)s=orphan” keeps them",
        command=command,
    )
    raise Refusal(Condition("Accepted", "False", "PropagationUnknown", text))


def check_brake(going: int, body: Body) -> None:
    """Raises Refusal where it takes a person that so many grids go by an edit or a deletion in the cluster."""
    if _is_confirmed(body):
        return
    there = Grid.objects.filter(deleting_since=None).count()
    lately = AuditEvent.objects.filter(actor="cluster", verb="delete", at__gt=timezone.now() - WINDOW)
    gone = lately.exclude(path__startswith="servicegroups/").count()
    if brake().holds(going + gone, there + gone):
        text = say(
            "%(going)s of %(there)s grids would be deleted; confirm it with “kubectl annotate svcgroup %(name)s"
            " %(annotation)s=true”, or delete it in the portal",
            going=going,
            there=there,
            name=body["metadata"]["name"],
            annotation=CONFIRM_DELETION,
        )
        raise Refusal(Condition("Accepted", "False", "DeletionsHeld", text))


def _write(group: ServiceGroup, member: _Member) -> None:
    spec, manifest = member.spec, member.manifest
    rows = Grid.objects.select_for_update()
    grid = rows.filter(kind=spec.kind.kind, namespace=spec.namespace, name=spec.name).first()
    if grid is not None and grid.deleting_since:
        text = say("“%(name)s” is being deleted; wait until it is deleted", name=spec.name)
        raise Refusal(Condition("Accepted", "False", "MemberTerminating", text))
    before = grid.source() if grid else None
    grid = grid or Grid(kind=spec.kind.kind, namespace=spec.namespace, name=spec.name, generation=0, version=0)
    same = grid.spec == manifest["spec"] and grid.metadata == source_metadata(manifest["metadata"])
    if same and grid.group_id == group.pk:
        return
    grid.group, grid.home = group, Grid.Home.CLUSTER
    if same:
        grid.save()
    else:
        grid.revise(manifest, "cluster")
        verb = "change" if before else "create"
        AuditEvent.objects.observe(verb, grid.path, before=before, after=grid.source())
    change_log.record("grid", [grid.path])
    workqueue.enqueue([grid.path], urgent=True)


def begin_deletion(grid: Grid) -> None:
    """Have a member deleted, which the package does not name any more, or which goes with it. Within a transaction."""
    AuditEvent.objects.observe("delete", grid.path, before=grid.source())
    Grid.objects.filter(pk=grid.pk).update(deleting_since=timezone.now(), propagation="Background")
    change_log.record("grid", [grid.path])
    workqueue.enqueue([grid.path], urgent=True)
