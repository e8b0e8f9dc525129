"""The rows that administrators may look at: nothing is changed here, for it has one way in (actions)."""

from itertools import chain
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from .. import actions
from ..admin_site import ForAdmins, actor, is_admin
from ..dashboard.nodes.units import UNIT_COLUMNS
from ..dashboard.page.export import as_csv, wants_csv
from ..models import (
    ApiToken,
    AuditEvent,
    Grid,
    GridUnit,
    Journal,
    LabelJob,
    Node,
    Pod,
    ResourceSync,
    ServiceGroup,
    WorkKey,
)
from ..queries.freshness import freshness
from ..queries.matrix.node_groups import node_groups
from ..queries.matrix.units import unit_page


class ReadOnly(ForAdmins, admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that administrators may look at and nobody may change here."""

    list_per_page = 100
    show_full_result_count = False

    def has_add_permission(self, *_: Any) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, *_: Any) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        """Nobody."""
        return False


@admin.register(GridUnit)
class GridUnitAdmin(ReadOnly):
    """What each grid has in each NodeUnit, and the pods of each NodeUnit over all grids."""

    list_display = ("name", "key", "grid", "state", "ready", "desired", "reason")
    list_filter = ("state", "grid__key")
    list_select_related = ("grid",)
    search_fields = ("name", "grid__name")
    change_list_template: ClassVar[Any] = "admin/sgportal/gridunit_list.html"

    @admin.display(ordering="grid__key")
    def key(self, row: GridUnit) -> str:
        """The NodeGroup."""
        return row.grid.key

    def get_urls(self) -> list[URLPattern]:
        """The list's addresses, and the table of NodeUnits."""
        view = self.admin_site.admin_view(self.node_units)
        return [path("node-units/", view, name="node_units"), *super().get_urls()]

    def node_units(self, request: HttpRequest) -> HttpResponse:
        """Nodes and pods of every NodeUnit, group by group."""
        groups = [(each["key"], unit_page(each["key"]).units) for each in node_groups()]
        if wants_csv(request):
            return as_csv(request, "nodeunits", UNIT_COLUMNS, chain.from_iterable(units for _, units in groups))
        context = {
            **self.admin_site.each_context(request),
            "title": "NodeUnits",
            "opts": self.model._meta,
            "groups": groups,
            "freshness": freshness(),
        }
        return TemplateResponse(request, "admin/sgportal/node_units.html", context)


@admin.register(Grid)
class GridAdmin(ReadOnly):
    """Grids as wanted and as last seen."""

    list_display = ("name", "namespace", "kind", "key", "state", "home", "generation", "observed_generation")
    list_filter = ("kind", "state", "home", "namespace")
    search_fields = ("name", "namespace", "key")


@admin.register(Node)
class NodeAdmin(ReadOnly):
    """Nodes as last seen."""

    list_display = ("name", "ready", "ready_since", "unschedulable", "seen_at")
    list_filter = ("ready", "unschedulable")
    search_fields = ("name",)


@admin.register(Pod)
class PodAdmin(ReadOnly):
    """Pods as last seen."""

    list_display = ("name", "namespace", "node", "ready", "phase", "reason", "restarts")
    list_filter = ("ready", "phase", "namespace")
    search_fields = ("name", "node", "child")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    """The audit trail."""

    list_display = ("at", "kind", "actor", "verb", "path", "door", "address")
    list_filter = ("kind", "verb", "door")
    search_fields = ("actor", "path")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens: who has which; an administrator may take one back."""

    list_display = ("name", "user", "scope", "role", "prefix", "expires_at", "last_used_at")
    list_filter = ("scope",)
    exclude = ("digest",)
    search_fields = ("name", "user__username", "prefix")

    def has_delete_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Administrators."""
        return is_admin(request)

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        """Take a token back."""
        actions.revoke_token(obj, actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """Take several back."""
        for row in queryset.select_related("user"):
            actions.revoke_token(row, actor(request))


@admin.register(WorkKey)
class WorkKeyAdmin(ReadOnly):
    """The reconciler's work: what is due, who is at it, what failed."""

    list_display = ("key", "requested", "done", "failures", "next_at", "lease_until", "holder", "error")
    search_fields = ("key",)


admin.site.register([ServiceGroup, LabelJob, ResourceSync, Journal], ReadOnly)
