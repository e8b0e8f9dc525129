"""Where a cluster has next to nothing yet: the steps to calls that stay within NodeUnits, by what is there."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext

from ...models import Grid

FEW = 2  # grids; who has more needs no leading
LINGERS = timedelta(minutes=15)  # that the steps stay once all are done, so that one sees that they are


class Step(NamedTuple):
    """One step: `state` of the grid that it made ("" before there is one), the sentence, and where it is done."""

    done: bool
    sentence: str
    address: str
    state: str = ""


def first_steps(key: str, grids: Sequence[Grid]) -> list[Step]:
    """The steps in their order, with the grids of the NodeGroup `key` ("": there is none); empty where nobody needs
    them."""
    workloads = [grid for grid in grids if grid.kind != "ServiceGrid"]
    services = [grid for grid in grids if grid.kind == "ServiceGrid"]
    closed = any(grid.state == "Ready" for grid in services)
    if len(grids) > FEW or len(services) > 1:
        return []
    if workloads and closed and timezone.now() - services[0].created_at > LINGERS:
        return []
    return [
        Step(bool(key), gettext("Label nodes: one value of a label for each site"), reverse("nodes")),
        _made(
            "DeploymentGrid",
            workloads,
            key,
            gettext("Create a DeploymentGrid with this label key: each NodeUnit runs it"),
        ),
        _made("ServiceGrid", services, key, gettext("Create a ServiceGrid: calls stay within their NodeUnit")),
        Step(
            closed,
            gettext("See on the ServiceGrid's page that every node is served within its NodeUnit"),
            _page(services[0]) if services else "",
        ),
    ]


def _made(kind: str, grids: Sequence[Grid], key: str, sentence: str) -> Step:
    ready = next((grid for grid in grids if grid.state == "Ready"), None)
    if not grids:
        asked = {"kind": kind, **({"key": key} if key else {})}
        return Step(False, sentence, f"{reverse('grid-new')}?{urlencode(asked)}")
    grid = ready or grids[0]
    return Step(bool(ready), sentence, _page(grid), grid.state)


def _page(grid: Grid) -> str:
    return reverse("grid", args=(grid.grid_kind.plural, grid.namespace, grid.name))
