"""The caller, API tokens, and the audit trail."""

from typing import cast

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import translation
from rest_framework.request import Request
from rest_framework.response import Response

from .. import actions
from ..core.text import Invalid, Problem, say
from ..models import ApiToken, AuditEvent
from ..models.people import ROLES, role_of
from . import shapes
from .operations import PAGED, Parameter, operation
from .views import PortalView

TOKEN_FIELDS = {"name": ("str", True), "scope": ("str", False), "days": ("int", False)}
MAX_DAYS = 366
ACTOR = Parameter("actor", "Only what this user asked for.")
PATH = Parameter("path", "Only writes of this object, such as `deploymentgrids/default/echo`.")


class Me(PortalView):
    """The caller."""

    @operation("Read who you are", answers={200: "Me"})
    def get(self, request: Request) -> Response:
        """Your name, role, what your token may do, and the language of answers."""
        scope = request.auth.scope if isinstance(request.auth, ApiToken) else "write"
        name, role = request.user.get_username(), role_of(request.user)
        return Response({"name": name, "role": role, "scope": scope, "language": translation.get_language()})


class TokenView(PortalView):
    """Tokens: everybody's own; an admin sees all."""

    write_role = "viewer"

    def tokens(self) -> "QuerySet[ApiToken]":
        """The tokens the caller may see."""
        rows, caller = ApiToken.objects.select_related("user"), self.request.user
        return rows if role_of(caller) == ROLES[-1] else rows.filter(user__username=caller.get_username())


class TokenList(TokenView):
    """API tokens."""

    @operation("List tokens", takes=PAGED, answers={200: "[Token]"})
    def get(self, _request: Request) -> Response:
        """Your tokens (an admin: everybody's), newest first, without their secrets."""
        return self.page(self.tokens(), ("-created_at", "-pk"), shapes.token)

    @operation("Make a token", body="TokenRequest", answers={201: "NewToken"}, headers=("Location",))
    def post(self, request: Request) -> Response:
        """Make a token for yourself; its text is shown this once."""
        asked = self.fields(TOKEN_FIELDS)
        scope, days = asked.get("scope") or "read", 90 if asked.get("days") is None else asked["days"]
        problems = []
        if not 1 <= len(asked["name"]) <= 100:
            problems.append(Problem("/name", say("must have 1 to 100 characters")))
        if scope not in ("read", "write"):
            problems.append(Problem("/scope", say("must be one of %(kinds)s", kinds="read, write")))
        if not 1 <= days <= MAX_DAYS:
            problems.append(Problem("/days", say("must be between 1 and %(most)s", most=MAX_DAYS)))
        if problems:
            raise Invalid(*problems)
        row, text = ApiToken.issue(cast(AbstractBaseUser, request.user), asked["name"], scope, days)
        headers = {"Location": f"/api/v1/tokens/{row.pk}", "Cache-Control": "no-store"}
        return Response({**shapes.token(row), "token": text}, 201, headers=headers)


class TokenDetail(TokenView):
    """One API token."""

    @operation("Revoke a token", answers={204: ""})
    def delete(self, _request: Request, pk: int) -> Response:
        """Revoke a token of yours (an admin: anybody's)."""
        row = self.tokens().filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"tokens/{pk}")
        row.delete()
        return Response(status=204)


class AuditList(PortalView):
    """The audit trail."""

    read_role = "admin"

    @operation("List the audit trail", takes=(ACTOR, PATH, *PAGED), answers={200: "[Audit]"})
    def get(self, _request: Request) -> Response:
        """Who asked for which write by which door, with the state before and after, newest first."""
        rows = AuditEvent.objects.all()
        for name in ("actor", "path"):
            if self.query[name]:
                rows = rows.filter(**{name: self.query[name]})
        return self.page(rows, ("-at", "-pk"), shapes.audit)
