"""What nodes and pods use as JSON."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from ...models.usage import Measured
from ...queries.per_unit.usage import is_measured
from ..http.shapes import Count, Instant, Said, Shape


class UsageSourceSerializer(Shape):
    """Whether the portal measures, how often, and when it last did; `message` says why it could not since, null where
    it could."""

    measures = serializers.BooleanField()
    everySeconds = Count()
    readAt = Instant()
    message = Said(source="sentence", allow_null=True)

    def get_measures(self, _row: Any) -> bool:
        """As SGPORTAL_METRICS_SERVER says."""
        return is_measured()

    def get_every_seconds(self, _row: Any) -> int:
        """As SGPORTAL_USAGE_SECONDS says."""
        return int(settings.SGPORTAL_USAGE_SECONDS)


class _Ring(serializers.ListField):
    """Numbers, null where nothing was measured."""

    child = serializers.IntegerField(min_value=0, allow_null=True)


class UsageHistorySerializer(Shape):
    """The latest values, one for each `everySeconds`, the newest last; null where nothing was measured."""

    everySeconds = Count()
    cpuMillicores = _Ring(source="cpu_ring")
    memoryMebibytes = _Ring(source="memory_ring")

    def get_every_seconds(self, _row: Measured) -> int:
        """As SGPORTAL_USAGE_SECONDS says."""
        return int(settings.SGPORTAL_USAGE_SECONDS)


class UsageSerializer(Shape):
    """What something used when it was measured; the totals are what it may use, 0 where nothing says so."""

    cpuMillicores = Count(source="cpu")
    memoryMebibytes = Count(source="memory")
    cpuTotalMillicores = Count(source="cpu_total")
    memoryTotalMebibytes = Count(source="memory_total")
    measuredAt = Instant(source="at")
    history = UsageHistorySerializer(source="*")


class NodeUsageSerializer(Shape):
    """What a node uses, of what it may give to pods."""

    node = serializers.CharField()
    usage = UsageSerializer(source="*")


class UnitUsageSerializer(Shape):
    """What the nodes of a NodeUnit use together."""

    group = serializers.CharField(source="key")
    unit = serializers.CharField()
    usage = UsageSerializer(source="*")


class GridUsageSerializer(Shape):
    """What all pods of a grid use together."""

    grid = serializers.CharField(source="path")
    usage = UsageSerializer(source="*")


class CellUsageSerializer(Shape):
    """What the pods of a grid use in a NodeUnit."""

    grid = serializers.CharField(source="path")
    group = serializers.CharField(source="key")
    unit = serializers.CharField()
    usage = UsageSerializer(source="*")


class PodUsageSerializer(Shape):
    """What a pod of a grid uses."""

    namespace = serializers.CharField()
    name = serializers.CharField()
    node = serializers.CharField(allow_blank=True)
    usage = UsageSerializer(source="*")
