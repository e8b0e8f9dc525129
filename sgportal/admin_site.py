"""The administration site itself: who may enter, and that its forms for passwords are the portal's own."""

from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from django.contrib.admin import AdminSite
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import lookup_field
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from .access import second_factor
from .actions import Actor
from .core.access.scope import administers
from .dashboard.page.access import rights
from .dashboard.page.export import Columns, as_csv, wants_csv
from .dashboard.people.login import Login, Logout


def is_admin(request: HttpRequest) -> bool:
    """Whether whoever asks has the role admin for everything, not in a scope. Django's own flag for staff and its
    permissions count for nothing."""
    return administers(rights(request))


class ForAdmins:
    """Pages of the administration site that administrators may open. A list is there as CSV, too."""

    change_list_template: ClassVar[Any] = "admin/sgportal/list.html"
    list_display: Any  # of Django's ModelAdmin

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; as CSV where the URL asks for that, with the columns and filters of the page."""
        if wants_csv(request) and self.has_view_permission(request):
            asked = request.GET.copy()
            del asked["format"]  # the administration would take it for a filter
            request.GET = asked  # type: ignore[assignment]
            with suppress(IncorrectLookupParameters):
                rows = self.get_changelist_instance(request).queryset  # type: ignore[attr-defined]
                return as_csv(request, rows.model._meta.model_name, self._columns(), rows)
        return super().changelist_view(request, extra_context)  # type: ignore[misc]

    def _columns(self) -> Columns:
        return {name.strip("_"): partial(self._value, name) for name in self.list_display}

    def _value(self, name: str, row: Any) -> object:
        return lookup_field(name, row, self)[2]  # type: ignore[arg-type]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return is_admin(request)

    def has_view_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Administrators."""
        return is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return is_admin(request)


def actor(request: HttpRequest) -> Actor:
    """Who acts, for the audit trail."""
    return Actor(request.user.get_username(), "admin", request.META.get("REMOTE_ADDR") or "")


class PortalAdminSite(AdminSite):
    """Django's administration site behind the portal's roles."""

    site_header = site_title = "sgportal"

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return is_admin(request)

    def login(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """The portal's log-in; who is logged in and comes here may not enter, or not yet."""
        if second_factor.is_missing(request):
            return redirect("second-factor")
        if request.user.is_authenticated:
            raise PermissionDenied
        return Login.as_view()(request)  # type: ignore[return-value]

    def logout(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """The portal's log-out."""
        return Logout.as_view()(request)  # type: ignore[return-value]

    def password_change(self, *_args: Any, **_kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """The portal's page for that."""
        return redirect("password")
