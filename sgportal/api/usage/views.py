"""What nodes, NodeUnits, grids and pods use, as last measured. No call asks the cluster."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ...core.grids.kinds import BY_PLURAL
from ...core.text import Invalid, Problem, say
from ...models import CellUsage, NodeUsage, PodUsage, UnitUsage, UsageSource
from ...queries.per_unit.usage import is_measured
from ..description.operations import PAGED, Parameter, operation, page
from ..views import PortalView, unless_unchanged
from .serializers import (
    CellUsageSerializer,
    GridUsageSerializer,
    NodeUsageSerializer,
    PodUsageSerializer,
    UnitUsageSerializer,
    UsageSourceSerializer,
)

GROUP = Parameter("group", "Only NodeUnits of this label key.")
GRID = Parameter("grid", "Only this grid, such as `deploymentgrids/default/web`.")
UNIT = Parameter("unit", "Only this NodeUnit.")
NODE = Parameter("node", "Only pods on this node.")
NAMESPACE = Parameter("namespace", "Only pods of this namespace.")


class UsageDetail(PortalView):
    """Whether and when the portal measures."""

    scoped = "units"

    @operation("Read whether resource use is measured", answers={200: UsageSourceSerializer})
    def get(self, _request: Request) -> Response:
        """Off unless `SGPORTAL_METRICS_SERVER` or `SGPORTAL_PROMETHEUS_URL` is set; the lists below are empty then."""
        return Response(UsageSourceSerializer.of(UsageSource.now() if is_measured() else UsageSource()))


class _UsageList(PortalView):
    """A list of what is measured."""

    def measured(self, model: Any, **wanted: str) -> Any:
        """The rows with these values; a filter that is "" is none."""
        rows = model.objects.filter(**{name: value for name, value in wanted.items() if value})
        return rows if is_measured() else rows.none()


class NodeUsageList(_UsageList):
    """What nodes use."""

    scoped = "units"

    @operation(
        "List what nodes use", takes=PAGED, answers={200: page(NodeUsageSerializer), 304: None}, headers=("ETag",)
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """In order of name. A node that was not measured is not in it."""
        return self.page(self.measured(NodeUsage), ("node",), NodeUsageSerializer.of)


class UnitUsageList(_UsageList):
    """What NodeUnits use."""

    scoped = "units"

    @operation(
        "List what NodeUnits use",
        takes=(GROUP, *PAGED),
        answers={200: page(UnitUsageSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """The nodes of each together, in order of label key and name."""
        rows = self.measured(UnitUsage, key=self.query["group"])
        return self.page(rows, ("key", "unit"), UnitUsageSerializer.of)


class GridUsageList(_UsageList):
    """What grids use."""

    scoped = "grids"

    @operation(
        "List what grids use", takes=PAGED, answers={200: page(GridUsageSerializer), 304: None}, headers=("ETag",)
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """All pods of each together. Whoever may see some of the NodeUnits alone finds those of each grid among its
        cells."""
        rows = self.measured(CellUsage).filter(unit="")
        return self.page(rows, ("kind", "namespace", "name"), GridUsageSerializer.of)


class CellUsageList(_UsageList):
    """What grids use in NodeUnits."""

    scoped = "units"

    @operation(
        "List what grids use in NodeUnits",
        takes=(GRID, GROUP, UNIT, *PAGED),
        answers={200: page(CellUsageSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """The pods of each cell together, in order of grid and NodeUnit."""
        asked = self.query
        rows = self.measured(CellUsage, key=asked["group"], unit=asked["unit"], **_grid(asked["grid"])).exclude(unit="")
        return self.page(rows, ("kind", "namespace", "name", "unit"), CellUsageSerializer.of)


class PodUsageList(_UsageList):
    """What pods use."""

    scoped = "units"

    @operation(
        "List what pods use",
        takes=(NAMESPACE, NODE, *PAGED),
        answers={200: page(PodUsageSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """The pods of grids, in order of namespace and name."""
        rows = self.measured(PodUsage, namespace=self.query["namespace"], node=self.query["node"])
        return self.page(rows, ("namespace", "name"), PodUsageSerializer.of)


def _grid(path: str) -> dict[str, str]:
    """The fields that name a grid. Raises Invalid for what is no grid's path."""
    if not path:
        return {}
    plural, namespace, name = [*path.split("/", 2), "", ""][:3]
    if plural not in BY_PLURAL or not namespace or not name:
        raise Invalid(Problem("/grid", say("is not the path of a grid, such as deploymentgrids/default/web")))
    return {"kind": BY_PLURAL[plural].kind, "namespace": namespace, "name": name}
