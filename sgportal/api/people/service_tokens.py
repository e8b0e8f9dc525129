"""Service tokens: tokens that are no person's."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.access.scope import ROLES
from ...models import ServiceToken
from ..description.operations import PAGED, operation, page
from ..http.address import address
from ..http.shapes import OPTIONAL, Count, Instant, one_of
from ..views import PortalView
from .serializers import BoundsSerializer, LimitsSerializer


class ServiceTokenRequestSerializer(LimitsSerializer):
    """A token to be made. One with the role viewer may only read."""

    name = serializers.CharField()
    role = serializers.CharField()
    days = serializers.IntegerField(**OPTIONAL)


class ServiceTokenSerializer(BoundsSerializer):
    """A service token without its secret."""

    id = Count(source="pk")
    name = serializers.CharField()
    prefix = serializers.CharField()
    role = one_of(*ROLES)
    expiresAt = Instant()
    lastUsedAt = Instant()
    createdAt = Instant()


class NewServiceTokenSerializer(ServiceTokenSerializer):
    """A service token with its text, which is shown this once."""

    token = serializers.CharField()

    @classmethod
    def of(cls, value: tuple[ServiceToken, str]) -> dict[str, Any]:
        """The JSON of a new token."""
        row, text = value
        return {**ServiceTokenSerializer.of(row), "token": text}


class ServiceTokenList(PortalView):
    """Service tokens."""

    read_role = write_role = "admin"
    sessions_only = ("POST",)

    @operation("List service tokens", takes=PAGED, answers={200: page(ServiceTokenSerializer)})
    def get(self, _request: Request) -> Response:
        """The tokens that are no person's, newest first, without their secrets."""
        return self.page(ServiceToken.objects.all(), ("-created_at", "-pk"), ServiceTokenSerializer.of)

    @operation(
        "Make a service token",
        body=ServiceTokenRequestSerializer,
        answers={201: NewServiceTokenSerializer},
        headers=("Location",),
    )
    def post(self, _request: Request) -> Response:
        """Make a token with a role and a scope of its own; its text is shown this once. What it does stands in the
        audit trail as `token:<name>`. A token makes no tokens: log in."""
        made = actions.issue_service_token(self.fields(ServiceTokenRequestSerializer), self.actor)
        headers = {"Location": address(f"service-tokens/{made[0].pk}"), "Cache-Control": "no-store"}
        return Response(NewServiceTokenSerializer.of(made), 201, headers=headers)


class ServiceTokenDetail(PortalView):
    """One service token."""

    read_role = write_role = "admin"

    @operation("Revoke a service token", answers={204: None})
    def delete(self, _request: Request, pk: int) -> Response:
        """Revoke a service token; it holds no longer from the next request on."""
        row = ServiceToken.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"service-tokens/{pk}")
        actions.revoke_service_token(row, self.actor)
        return Response(status=204)
