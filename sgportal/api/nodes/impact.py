"""What a change of labels, a move or a drain would do, as JSON."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from ..grids.plans import StepsShape
from ..http.shapes import Count, Said, Shape, Texts, one_of


class UnitChangeSerializer(Shape):
    """What a change of labels does to a NodeUnit, and the nodes that move."""

    group = serializers.CharField(source="key")
    unit = serializers.CharField()
    verb = one_of("appears", "vanishes", "changes")
    joining = Texts()
    leaving = Texts()


class LosingSerializer(Shape):
    """A ServiceGrid that would have no endpoint left in a unit."""

    mappings = True
    grid = serializers.CharField()
    unit = serializers.CharField()


class EvictionSerializer(Shape):
    """A pod that would be evicted from a node, and its grid."""

    node = serializers.CharField()
    namespace = serializers.CharField()
    pod = serializers.CharField()
    grid = serializers.CharField()


class RefusalSerializer(Shape):
    """A pod whose eviction its PodDisruptionBudgets would not allow now; the job waits until they do."""

    namespace = serializers.CharField()
    pod = serializers.CharField()
    budgets = Texts()
    disruptionsAllowed = Count()
    message = Said(source="sentence")


class ImpactSerializer(StepsShape):
    """What a change of labels would do; `evictions` come before it where nodes are moved or drained, `refusals` are
    those that PodDisruptionBudgets would not allow now, null where `refusalsUnknown` says why that is not known."""

    units = UnitChangeSerializer(many=True)
    services = LosingSerializer(many=True)
    held = Texts()
    evictions = EvictionSerializer(many=True)
    refusals = RefusalSerializer(many=True, allow_null=True)
    refusalsUnknown = Said(source="unknown", allow_null=True)

    def get_refusals(self, found: Any) -> Iterable[Any] | None:
        """Those that are known."""
        return None if found.unknown else found.refusals

    def get_id(self, found: Any) -> str:
        """That of all that it would do."""
        return str(found.id)

    def get_services(self, found: Any) -> Iterable[dict[str, str]]:
        """Those that would lose their last endpoint in a unit."""
        return [{"grid": path, "unit": unit} for path, unit in found.services]
