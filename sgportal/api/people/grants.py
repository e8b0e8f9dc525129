"""Grants: who has which role in which scope."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.access.scope import ROLES
from ...models import Grant
from ..description.operations import PAGED, operation, page
from ..http.address import address
from ..http.shapes import OPTIONAL, Count, Instant, one_of
from ..views import PortalView
from .serializers import BoundsSerializer, LimitsSerializer


class GrantRequestSerializer(LimitsSerializer):
    """A role for a user or a group, in a scope."""

    user = serializers.CharField(**OPTIONAL)
    group = serializers.CharField(**OPTIONAL)
    role = serializers.CharField()


class GrantSerializer(BoundsSerializer):
    """A role that a user, or every member of a group, has in a scope."""

    id = Count(source="pk")
    user = serializers.CharField(allow_blank=True)
    group = serializers.CharField(allow_blank=True)
    role = one_of(*ROLES)
    createdAt = Instant()

    def get_user(self, row: Grant) -> str:
        """Whose it is; "" of a group's."""
        return row.user.get_username() if row.user else ""

    def get_group(self, row: Grant) -> str:
        """Whose members have it; "" of a user's."""
        return row.group.name if row.group else ""


class GrantList(PortalView):
    """Grants."""

    read_role = write_role = "admin"

    @operation("List grants", takes=PAGED, answers={200: page(GrantSerializer)})
    def get(self, _request: Request) -> Response:
        """Who has which role in which scope. Groups named like a role, which give it for everything, are not listed."""
        return self.page(Grant.objects.select_related("user", "group"), ("pk",), GrantSerializer.of)

    @operation("Give a role", body=GrantRequestSerializer, answers={201: GrantSerializer}, headers=("Location",))
    def post(self, _request: Request) -> Response:
        """Give a user or the members of a group a role in a scope. It holds from their next request on."""
        row = actions.give_role(self.fields(GrantRequestSerializer), self.actor)
        return Response(GrantSerializer.of(row), 201, headers={"Location": address(f"grants/{row.pk}")})


class GrantDetail(PortalView):
    """One grant."""

    read_role = write_role = "admin"

    @operation("Take a role back", answers={204: None})
    def delete(self, _request: Request, pk: int) -> Response:
        """Take a grant back. Who has no role any more is logged out, and their tokens are gone."""
        row = Grant.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"grants/{pk}")
        actions.take_back(row, self.actor)
        return Response(status=204)
