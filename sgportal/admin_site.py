"""The administration site itself: who may enter, and that its forms for passwords are the portal's own."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from .access import second_factor
from .actions import Actor
from .core.access.scope import ROLES, Scope
from .dashboard.page.access import rights
from .dashboard.people.login import Login, Logout


def is_admin(request: HttpRequest) -> bool:
    """Whether whoever asks has the role admin for everything, not in a scope. Django's own flag for staff and its
    permissions count for nothing."""
    return Scope.of(rights(request), ROLES[-1]).is_all


class ForAdmins:
    """Pages of the administration site that administrators may open."""

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
