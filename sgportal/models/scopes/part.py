"""Grids of which only some NodeUnits are in scope: their sums are of these alone, and what they say of others is not
read."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Count, Sum

from ...core.health import STATES, severity
from .current import reading

M = TypeVar("M", bound=models.Model)
# What a grid says of all its NodeUnits, or of some by name.
_IS_PART = "_is_part"
_BLANK = ("metadata", "spec", "status", "sentences", "whole", "readers", "naming", "rollout")


def is_limited() -> bool:
    """Whether whoever asks may see only some NodeUnits of some grids."""
    return any(each.units for each in reading().bounds)


class PartlySeen(models.QuerySet[M]):
    """A query over grids, whose rows tell of what is in scope alone."""

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()
        if is_new and is_limited() and self._fields is None:  # type: ignore[attr-defined]
            limit(self._result_cache or ())

    def iterator(self, *args: Any, **kwargs: Any) -> Any:
        """The rows one by one; read at once where only a part of some may be seen."""
        return iter(self) if is_limited() else super().iterator(*args, **kwargs)


def check_whole(grid: Any) -> None:
    """Raises ValueError for a row that `limit` has changed: it must not be stored."""
    if grid.__dict__.get(_IS_PART):
        raise ValueError(f"only a part of {grid.path} was read")


def limit(grids: Sequence[Any]) -> None:
    """Have these rows tell of what is in scope alone. One query, where anything of any of them is out of it."""
    scope = reading()
    part = {each.pk: each for each in grids if not scope.takes_whole(each.kind, each.namespace, each.key)}
    if not part:
        return
    rows = apps.get_model("sgportal", "GridUnit").objects.filter(grid__in=list(part)).order_by()
    counted: dict[int, list[Any]] = {}
    for pk, *each in rows.values_list("grid", "state").annotate(Count("pk"), Sum("desired"), Sum("ready")):
        counted.setdefault(pk, []).append(each)
    for pk, grid in part.items():
        _tell_of(grid, counted.get(pk, []))


def _tell_of(grid: Any, found: Sequence[Any]) -> None:
    for name in _BLANK:
        setattr(grid, name, {})
    setattr(grid, _IS_PART, True)
    grid.units_by_state = {state: count for state, count, _, _ in found}
    grid.unit_count, grid.ready_units = sum(each[1] for each in found), grid.units_by_state.get("Ready", 0)
    grid.pods_desired, grid.pods_ready = sum(each[2] for each in found), sum(each[3] for each in found)
    grid.state = STATES[min((severity(each[0]) for each in found), default=severity("Ready"))]
