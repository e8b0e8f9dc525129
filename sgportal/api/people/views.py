"""The caller, API tokens, and the audit trail."""

from typing import cast

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.utils import translation
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.access.scope import administers
from ...models import ApiToken, AuditEvent
from ...models.people import DAYS, Bearer
from ..description.operations import PAGED, Parameter, operation, page
from ..http.address import address
from ..http.auth import rights, role
from ..views import PortalView, unless_rows_unchanged
from .serializers import (
    AuditSerializer,
    Caller,
    Issued,
    MeSerializer,
    NewTokenSerializer,
    TokenRequestSerializer,
    TokenSerializer,
)

ACTOR = Parameter("actor", "Only what this user asked for.")
KIND = Parameter("kind", "Only changes of what runs, or only what concerns people.", choices=("change", "access"))
PATH = Parameter("path", "Only writes of this object, such as `deploymentgrids/default/echo`.")


class Me(PortalView):
    """The caller."""

    scoped = "units"

    @operation("Read who you are", answers={200: MeSerializer})
    def get(self, request: Request) -> Response:
        """Your name, role, what your token may do, and the language of answers."""
        scope = request.auth.scope if isinstance(request.auth, Bearer) else "write"
        name = request.user.get_username()
        return Response(MeSerializer.of(Caller(name, role(request), scope, translation.get_language())))


class TokenView(PortalView):
    """Tokens: everybody's own; an admin sees all."""

    scoped, scoped_writes = "units", "units"

    write_role = "viewer"

    def tokens(self) -> "QuerySet[ApiToken]":
        """The tokens the caller may see."""
        rows, caller = ApiToken.objects.select_related("user"), self.request.user
        return rows if administers(rights(self.request)) else rows.filter(user__username=caller.get_username())


class TokenList(TokenView):
    """API tokens."""

    sessions_only = ("POST",)

    @operation("List tokens", takes=PAGED, answers={200: page(TokenSerializer)})
    def get(self, _request: Request) -> Response:
        """Your tokens (an admin: everybody's), newest first, without their secrets."""
        return self.page(self.tokens(), ("-created_at", "-pk"), TokenSerializer.of)

    @operation("Make a token", body=TokenRequestSerializer, answers={201: NewTokenSerializer}, headers=("Location",))
    def post(self, request: Request) -> Response:
        """Make a token for yourself; its text is shown this once. A token makes no tokens: log in."""
        asked = self.fields(TokenRequestSerializer)
        scope, days = asked.get("scope") or actions.SCOPES[0], DAYS if asked.get("days") is None else asked["days"]
        row, text = actions.issue_token(cast(AbstractUser, request.user), asked["name"], scope, days, self.actor, asked)
        headers = {"Location": address(f"tokens/{row.pk}"), "Cache-Control": "no-store"}
        return Response(NewTokenSerializer.of(Issued(row, text)), 201, headers=headers)


class TokenDetail(TokenView):
    """One API token."""

    @operation("Revoke a token", answers={204: None})
    def delete(self, _request: Request, pk: int) -> Response:
        """Revoke a token of yours (an admin: anybody's)."""
        row = self.tokens().filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"tokens/{pk}")
        actions.revoke_token(row, self.actor)
        return Response(status=204)


class AuditList(PortalView):
    """The audit trail."""

    read_role = "admin"

    @operation(
        "List the audit trail",
        takes=(KIND, ACTOR, PATH, *PAGED),
        answers={200: page(AuditSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_rows_unchanged(lambda _view: [AuditEvent.objects.order_by("-pk")])
    def get(self, _request: Request) -> Response:
        """Who asked for which write by which door, with the state before and after, newest first."""
        rows = AuditEvent.objects.all()
        for name in ("kind", "actor", "path"):
            if self.query[name]:
                rows = rows.filter(**{name: self.query[name]})
        return self.page(rows, ("-at", "-pk"), AuditSerializer.of)
