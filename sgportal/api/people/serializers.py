"""The caller, tokens and the audit trail as JSON."""

from typing import Any, NamedTuple

from rest_framework import serializers

from ... import actions
from ...core.grids.kinds import KINDS
from ...models import ApiToken, AuditEvent
from ...models.people import ROLES
from ..http.shapes import OPTIONAL, Asked, Count, Instant, Shape, Texts, one_of


class Caller(NamedTuple):
    """Who calls."""

    name: str
    role: str
    scope: str
    language: str


class MeSerializer(Shape):
    """The caller."""

    name = serializers.CharField()
    role = serializers.CharField()
    scope = one_of(*actions.SCOPES)
    language = serializers.CharField()


class LimitsSerializer(Asked):
    """What a role or a token is limited to; what is left out is not limited."""

    namespaces = Texts(**OPTIONAL)
    kinds = Texts(**OPTIONAL)
    nodeGroup = serializers.CharField(**OPTIONAL)
    nodeUnits = Texts(**OPTIONAL)
    unitSelector = serializers.CharField(**OPTIONAL)


class BoundsSerializer(Shape):
    """What a role or a token is limited to; an empty list is no limit."""

    namespaces = Texts(source="bounds.namespaces")
    kinds = serializers.ListField(child=one_of(*KINDS), source="bounds.kinds")
    nodeGroup = serializers.CharField(source="bounds.key", allow_blank=True)
    nodeUnits = Texts(source="bounds.units")
    unitSelector = serializers.CharField(source="selector", allow_blank=True)


class TokenRequestSerializer(LimitsSerializer):
    """A token to be made; without `scope` it may only read. It may be limited to less than its owner's grants."""

    name = serializers.CharField()
    scope = serializers.CharField(**OPTIONAL)
    days = serializers.IntegerField(**OPTIONAL)


class TokenSerializer(BoundsSerializer):
    """A token without its secret."""

    id = Count()
    user = serializers.CharField(source="user.username")
    name = serializers.CharField()
    prefix = serializers.CharField()
    scope = one_of(*actions.SCOPES)
    role = one_of("", *ROLES)
    expiresAt = Instant()
    lastUsedAt = Instant()
    createdAt = Instant()


class Issued(NamedTuple):
    """A new token and its text."""

    row: ApiToken
    text: str


class NewTokenSerializer(TokenSerializer):
    """A token with its text, which is shown this once."""

    token = serializers.CharField()

    @classmethod
    def of(cls, value: Issued) -> dict[str, Any]:
        """The JSON of a new token."""
        return {**TokenSerializer.of(value.row), "token": value.text}


class AuditSerializer(Shape):
    """A write somebody asked for, with the state before and after."""

    id = Count()
    kind = one_of(*AuditEvent.Kind.values)
    at = Instant()
    actor = serializers.CharField()
    door = serializers.CharField()
    address = serializers.CharField()
    verb = serializers.CharField()
    path = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()
    plan = serializers.JSONField()
