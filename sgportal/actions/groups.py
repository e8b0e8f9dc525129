"""Saving and deleting ServiceGroups: named packages of grids that share a NodeGroup and a namespace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..core.grids.grid import source_metadata
from ..core.grids.group import GroupSpec, parse_group
from ..core.grids.kinds import KINDS
from ..core.grids.operations import asking_as, members_asking_as
from ..core.overrides.operation import unasked
from ..core.plans.plan import Plan
from ..core.text import Invalid, Problem, say
from ..models import Grid, PackageRevision, ServiceGroup
from ..models.bulk import update_in_order
from ..queries.per_unit.units import units_read_once
from ..queries.policy import closed
from ..reconciler.queue import workqueue
from ..reconciler.queue.together import requests_together
from .common import (
    Actor,
    AlreadyExists,
    NotFound,
    Refused,
    Stale,
    intent,
    note,
    plans_shown,
    second_person,
    together_with,
)
from .grids import Prepared, Saved, delete_grid, prepare, store
from .policy import check_open, check_scope, check_wish


@dataclass(frozen=True, slots=True)
class SavedGroup:
    """What became of a package: the `group` (None for a dry run of one that does not exist), its grids as saved, the
    grids that leave it and are deleted, and the plans for those, in the same order."""

    group: ServiceGroup | None
    result: str
    saved: Sequence[Saved]
    removed: Sequence[Grid]
    removals: Sequence[Plan]

    @property
    def plans(self) -> dict[str, Plan]:
        """The plan for each grid by its path."""
        gone = zip((each.path for each in self.removed), self.removals, strict=True)
        return {**{each.path: each.plan for each in self.saved}, **dict(gone)}


@intent
def save_group(
    manifest: Mapping[str, Any],
    actor: Actor,
    *,
    create_only: bool = False,
    expect: str | None = None,
    dry_run: bool = False,
    ask: bool = True,
) -> SavedGroup:
    """Create or change a package as its manifest says: its grids are saved, those it no longer names are deleted.

    All is validated before any is stored; without `ask` the API server is not asked. Raises Invalid, AlreadyExists,
    Stale, NotFound, Refused.
    """
    spec = parse_group(manifest)
    check_group_scope(spec.namespace, spec.key)
    if reason := closed(spec.namespace):
        raise Invalid(Problem("/metadata/namespace", reason))
    rows = ServiceGroup.objects.filter(namespace=spec.namespace, name=spec.name)
    _check(spec, found := rows.first(), create_only, expect)
    check_wish(found.metadata if found else None, manifest["metadata"])
    prepared = _prepare_members(spec, ask)
    with transaction.atomic(), requests_together():
        group = rows.select_for_update().first()
        if group:
            list(Grid.objects.filter(group=group).locked().values_list("pk"))
        _check(spec, group, create_only, expect)
        if group:
            check_group_scope(group.namespace, group.key, asked=spec.key)
        _check_taken_in(prepared)
        saved = store(prepared, actor, dry_run=dry_run)
        wanted = {each.path for each in saved}
        removed = [grid for grid in group.grids.all() if grid.path not in wanted] if group else []
        removals = [delete_grid(grid, actor, dry_run=dry_run, by_itself=False) for grid in removed]
        if dry_run:
            return SavedGroup(group, _result(manifest, group, saved, removed), saved, removed, removals)
        if removed:
            gone = {grid.path: plan for grid, plan in zip(removed, removals, strict=True)}
            second_person(actor, "delete", spec.path(), *plans_shown(gone))
        result = _result(manifest, group, saved, removed)
        group = _store(spec, manifest, group, saved, actor, result)
    return SavedGroup(group, result, saved, removed, removals)


def check_group_scope(namespace: str, key: str, *, asked: str | None = None) -> None:
    """A package may hold grids of every kind. Raises Forbidden."""
    for kind in KINDS:
        check_scope(kind, namespace, key, asked=asked)


def _check(spec: GroupSpec, group: ServiceGroup | None, create_only: bool, expect: str | None) -> None:
    if group is None and expect:
        raise NotFound(spec.path())
    if group and group.deleting_since:
        raise Refused(say("“%(name)s” is being deleted; wait until it is deleted", name=group.name))
    if group and create_only:
        raise AlreadyExists(spec.path())
    if group and expect and expect != group.etag:
        raise Stale(group)
    taken = [
        Problem(f"/spec/grids/{index}/metadata/name", say("“%(name)s” belongs to another ServiceGroup", name=name))
        for index, name in enumerate(member["metadata"]["name"] for member in spec.grids)
        if _elsewhere(spec, spec.grids[index], group)
    ]
    if taken:
        raise Invalid(*taken)


def _elsewhere(spec: GroupSpec, member: Mapping[str, Any], group: ServiceGroup | None) -> bool:
    found = Grid.objects.filter(kind=member["kind"], namespace=spec.namespace, name=member["metadata"]["name"]).first()
    return bool(found and found.group_id and found.group_id != (group.pk if group else None))


def _check_taken_in(prepared: Sequence[Prepared]) -> None:
    """A package may take in a grid that stands alone, but does not change it by the way: somebody else made it."""
    problems = []
    for index, each in enumerate(prepared):
        alone = Grid.objects.filter(kind=each.spec.kind.kind, namespace=each.spec.namespace, name=each.spec.name)
        grid = alone.filter(group=None, deleting_since=None).first()
        if grid and grid.spec and grid.spec != each.manifest["spec"]:
            text = say(
                "“%(name)s” exists already, with another spec; take it in as it is, or change it first", name=grid.name
            )
            problems.append(Problem(f"/spec/grids/{index}/spec", text))
    if problems:
        raise Invalid(*problems)


@units_read_once()
def _prepare_members(spec: GroupSpec, ask: bool) -> list[Prepared]:
    try:
        return prepare(list(spec.grids), ask=ask)
    except Invalid as invalid:
        only = len(spec.grids) == 1
        prefix = "/spec/grids/0" if only else "/spec/grids"
        raise Invalid(*(each.within(prefix) for each in invalid.problems)) from None


def _result(
    manifest: Mapping[str, Any], group: ServiceGroup | None, saved: Sequence[Saved], removed: Sequence[Grid]
) -> str:
    if group is None:
        return "created"
    same = all(each.result == "unchanged" and each.grid and each.grid.group_id == group.pk for each in saved)
    return "unchanged" if same and not removed and _says(group, manifest) else "configured"


def _says(group: ServiceGroup, manifest: Mapping[str, Any]) -> bool:
    """Whether a package says the same besides its members."""
    options = {key: value for key, value in manifest["spec"].items() if key != "grids"}
    written = {key: value for key, value in group.source()["spec"].items() if key != "grids"}
    return options == written and source_metadata(manifest["metadata"]) == group.metadata


def _store(
    spec: GroupSpec,
    manifest: Mapping[str, Any],
    group: ServiceGroup | None,
    saved: Sequence[Saved],
    actor: Actor,
    result: str,
) -> ServiceGroup:
    before = group.manifest() if group else None
    group = group or ServiceGroup(namespace=spec.namespace, name=spec.name, version=0)
    if result != "unchanged":
        group.key, group.spec = spec.key, dict(manifest["spec"])
        group.operation = unasked(group.operation, group.metadata, manifest["metadata"])
        group.metadata = source_metadata(manifest["metadata"])
        group.version += 1
        group.save()
        update_in_order(Grid.objects.filter(pk__in=[each.grid.pk for each in saved if each.grid]), group=group)
        PackageRevision.keep(group, actor.name)
        note(actor, "create" if result == "created" else "change", group.path, before, group.manifest())
        workqueue.enqueue([group.path], urgent=True)
    return group


@intent
def restore_package(
    namespace: str, name: str, number: int, actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> SavedGroup:
    """Make a package and all of its members what its revision `number` says; what was deleted since is made anew, and
    members that it did not have are deleted. What is asked of its rollout stays as it is. Of packages that were deleted
    the latest of that number counts. Raises NotFound for a revision that is not stored, and whatever `save_group`
    raises."""
    rows = PackageRevision.objects.filter(namespace=namespace, name=name, number=number)
    revision = rows.order_by("-created_at").first()
    if revision is None:
        raise NotFound(f"servicegroups/{namespace}/{name}@{number}")
    found = ServiceGroup.objects.filter(namespace=namespace, name=name).first()
    asking = asking_as(revision.source(), found.metadata.get("annotations") if found else None)
    members = [grid.source() for grid in Grid.objects.filter(group=found)] if found else []
    asking["spec"] = members_asking_as(asking["spec"], members)
    with together_with("rollback"):
        saved = save_group(asking, actor, expect=expect, dry_run=dry_run)
        if not dry_run:
            second_person(actor, "rollback", f"servicegroups/{namespace}/{name}", *plans_shown(saved.plans, number))
    return saved


@intent
def delete_group(
    group: ServiceGroup, actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> dict[str, Plan]:
    """Delete a package and its grids; the plan for each grid by its path. Raises Stale, NotFound, Forbidden."""
    check_open(group.namespace)
    check_group_scope(group.namespace, group.key)
    with transaction.atomic(), requests_together(), units_read_once():
        current = ServiceGroup.objects.select_for_update().filter(pk=group.pk, deleting_since=None).first()
        if current is None:
            raise NotFound(group.path)
        if expect and expect != current.etag:
            raise Stale(current)
        before = current.manifest()
        plans = {
            grid.path: delete_grid(grid, actor, dry_run=dry_run, by_itself=False)
            for grid in Grid.objects.filter(group=current).locked()
        }
        if not dry_run:
            note(actor, "delete", current.path, before, None)
            second_person(actor, "delete", current.path, *plans_shown(plans))
            current.deleting_since = timezone.now()
            current.save()
            workqueue.enqueue([current.path], urgent=True)
    return plans
