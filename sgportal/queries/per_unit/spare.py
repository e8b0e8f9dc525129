"""Revisions that nobody needs any more, of grids and of packages, and rollouts that are over."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from ...models import Grid, GridUnit, PackageRevision, Revision, Rollout, RolloutUnit, clock

_SOME = 500  # of which it is asked at once whether a package names them
_FEW = 5  # rollouts removed in one statement: each takes a row of every NodeUnit along


def spare_revisions(keep: int, age: timedelta) -> "Iterator[QuerySet[Any]]":
    """What may be removed, some at a time, those of packages first: what is older than `age` and not among the `keep`
    latest of its name. Not what a grid, a NodeUnit of it or its latest rollout has or should have, nor what a revision
    of a package names that stays."""
    yield from _batches(_old(PackageRevision, ("namespace", "name"), keep, age))
    for batch in _batches(_old(Revision, ("path",), keep, age).exclude(_in_use())):
        rows = list(batch.values_list("pk", "path", "number"))
        named = _named_by_packages({path for _, path, _ in rows})
        free = [pk for pk, path, number in rows if (path, number) not in named]
        yield Revision.objects.filter(pk__in=free)


def spare_rollouts(keep: int, age: timedelta) -> "Iterator[QuerySet[Any]]":
    """What may be removed, a few at a time, by the rule of revisions: what ended longer than `age` ago and is not among
    the `keep` latest of its grid, the latest of which is what counts, and what is shown."""
    yield from _batches(_old(Rollout, ("grid",), keep, age, ("pk",), "ended_at"), _FEW)


def _old(
    model: Any,
    name: tuple[str, ...],
    keep: int,
    age: timedelta,
    order: tuple[str, ...] = ("created_at", "pk"),
    over: str = "created_at",
) -> "QuerySet[Any]":
    """The rule, which all have. `order` is that of those of one name, and `over` since when one is of the past."""
    latest_first = [F(each).desc() for each in order]
    place = Window(RowNumber(), partition_by=[F(each) for each in name], order_by=latest_first)
    ranked = model.objects.order_by().annotate(place=place).filter(place__gt=keep)
    return model.objects.filter(pk__in=ranked.values("pk"), **{f"{over}__lt": clock.now(-age)})  # type: ignore[no-any-return]


def _batches(rows: "QuerySet[Any]", most: int = _SOME) -> "Iterator[QuerySet[Any]]":
    keys = iter(list(rows.order_by("pk").values_list("pk", flat=True)))
    while some := list(islice(keys, most)):
        yield rows.model.objects.filter(pk__in=some)


def _in_use() -> Q:
    """What a grid follows, what a NodeUnit has or should have, what its latest rollout goes to or back to."""
    number, grid = OuterRef("number"), OuterRef("grid")
    follows = Q(generation=number) | Q(pushed_generation=number) | Q(observed_generation=number) | Q(stable=number)
    has = Q(pinned=number) | Q(assigned=number) | Q(revision=number) | Q(generation=number)
    latest = Rollout.objects.order_by().values("grid").annotate(latest=Max("pk")).values("latest")
    goes = Q(target=number) | Q(stable=number) | Q(generation=number)
    members = RolloutUnit.objects.filter(rollout__in=latest, rollout__grid=grid)
    return (
        Q(Exists(Grid.objects.filter(follows, pk=grid)))
        | Q(Exists(GridUnit.objects.filter(has, grid=grid)))
        | Q(Exists(Rollout.objects.filter(goes, pk__in=latest, grid=grid)))
        | Q(Exists(members.filter(Q(before=number) | Q(assigned=number))))
    )


def _named_by_packages(paths: set[str]) -> set[tuple[str, int]]:
    """Which revisions of these grids, as (path, number), revisions of packages name."""
    spaces = {path.split("/")[1] for path in paths}
    rows = PackageRevision.objects.filter(namespace__in=spaces).values_list("members", flat=True)
    return {(path, number) for members in rows for path, number in members.items() if path in paths}
