"""ServiceGroups: packages of grids that are made, changed and deleted as one."""

from collections.abc import Sequence

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...models import ServiceGroup
from ...queries.freshness import freshness
from ..description.operations import PAGED, PLANNED, either, operation, page
from ..http.address import BASE, address
from ..http.problems import ErrorSerializer
from ..views import PortalView, unless_unchanged
from .manifests import service_group
from .plans import GroupPlanned, GroupPlanSerializer, Planned
from .serializers import ServiceGroupSerializer
from .views import NAMESPACE, at_home


class GroupView(PortalView):
    """A view of packages."""

    scoped, scoped_writes = "grids", "grids"

    def stored(self, saved: actions.SavedGroup, status: int) -> Response:
        """The answer to a write: the plans of a dry run, else the package, with 202 while the cluster is away."""
        told = [warning for each in saved.saved for warning in each.warnings]
        if self.dry_run or saved.group is None:
            removals = zip([each.path for each in saved.removed], saved.removals, strict=True)
            plans: list[actions.Saved | Planned] = list(saved.saved)
            plans += [Planned(path, "deleted", plan) for path, plan in removals]
            return self.warned(self.planned(saved.result, plans), told)
        headers = {"ETag": saved.group.etag}
        if status == 201:
            headers["Location"] = address(saved.group.path)
        now = 202 if freshness().unreachable_since else status
        body = service_group(saved.group)
        if told:
            body["status"]["warnings"] = ErrorSerializer.each_of(told)
        return self.warned(Response(body, now, headers=headers), told)

    def planned(self, result: str, plans: Sequence[actions.Saved | Planned]) -> Response:
        """The answer to a dry run."""
        return Response(GroupPlanSerializer.of(GroupPlanned(self.request.path.removeprefix(BASE), result, plans)))


class ServiceGroupList(GroupView):
    """The packages."""

    @operation(
        "List ServiceGroups",
        takes=(NAMESPACE, *PAGED),
        answers={200: page(ServiceGroupSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """A page of packages in order of namespace and name."""
        rows = ServiceGroup.objects.filter(deleting_since=None).prefetch_related("grids")
        if self.query["namespace"]:
            rows = rows.filter(namespace=self.query["namespace"])
        return self.page(rows, ("namespace", "name"), service_group)

    @operation(
        "Make a ServiceGroup",
        takes=PLANNED,
        body=ServiceGroupSerializer,
        answers={201: ServiceGroupSerializer, 202: ServiceGroupSerializer, 200: GroupPlanSerializer},
        refusals=(409,),
        headers=("ETag", "Location"),
    )
    def post(self, _request: Request) -> Response:
        """Make a package and its grids; all are validated before any is stored."""
        saved = actions.save_group(self.document(), self.actor, create_only=True, dry_run=self.dry_run)
        return self.stored(saved, 201)


class ServiceGroupDetail(GroupView):
    """One package."""

    @operation("Read a ServiceGroup", answers={200: ServiceGroupSerializer}, headers=("ETag",))
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The manifest with those of its grids."""
        row = group_at(namespace, name)
        return Response(service_group(row), headers={"ETag": row.etag})

    @operation(
        "Replace a ServiceGroup",
        takes=PLANNED,
        body=ServiceGroupSerializer,
        answers={200: either(ServiceGroupSerializer, GroupPlanSerializer), 202: ServiceGroupSerializer},
        refusals=(409,),
        headers=("ETag",),
        takes_match=True,
    )
    def put(self, _request: Request, namespace: str, name: str) -> Response:
        """Replace the package: its grids are saved, those it no longer names are deleted."""
        row = group_at(namespace, name)
        expect = self.expected_if_given(row.etag)
        saved = actions.save_group(at_home(row, self.document()), self.actor, expect=expect, dry_run=self.dry_run)
        return self.stored(saved, 200)

    @operation(
        "Delete a ServiceGroup",
        takes=PLANNED,
        answers={202: ServiceGroupSerializer, 200: GroupPlanSerializer},
        takes_match=True,
    )
    def delete(self, _request: Request, namespace: str, name: str) -> Response:
        """Delete the package and its grids."""
        row = group_at(namespace, name)
        shown = service_group(row)
        plans = actions.delete_group(row, self.actor, expect=self.expected_if_given(row.etag), dry_run=self.dry_run)
        if self.dry_run:
            return self.planned("deleted", [Planned(path, "deleted", plan) for path, plan in plans.items()])
        return Response(shown, 202)


class ServiceGroupExport(GroupView):
    """A package as one bundle."""

    @operation("Export a ServiceGroup", answers={200: ServiceGroupSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The manifest as `kubectl apply` takes it, which changes nothing where it is applied to what it came from."""
        return Response(group_at(namespace, name).source())


def group_at(namespace: str, name: str) -> ServiceGroup:
    """The package of this name. Raises NotFound."""
    row = ServiceGroup.objects.filter(namespace=namespace, name=name, deleting_since=None).first()
    if row is None:
        raise actions.NotFound(f"servicegroups/{namespace}/{name}")
    return row
