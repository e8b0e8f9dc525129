"""What the child of a NodeUnit should be, and where each field of it is written."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.plans.per_unit.effective import Effective, Layer
from ...core.plans.per_unit.layers import NotPossible
from ...core.text import Invalid, Problem
from ...queries.per_unit.effective import effective_of
from ..description.operations import Parameter, operation
from ..http.shapes import Count, Shape, one_of
from .views import GridView

UNIT = Parameter("unit", "The NodeUnit.", required=True)


class EffectiveFieldSerializer(Shape):
    """A value in a child's spec: its JSON pointer there, where in the manifest it is written, and what stands there
    where variables were put in its place. `origin` is empty for what ties the child to its unit."""

    path = serializers.CharField()
    value = serializers.JSONField(source="content", allow_null=True)
    layer = one_of(Layer)
    origin = serializers.CharField(allow_blank=True)
    written = serializers.JSONField(required=False, allow_null=True)


class EffectiveSerializer(Shape):
    """What a unit's child consists of. `overrides` are the indices of those entries of `spec.overrides` that hold."""

    unit = serializers.CharField()
    template = serializers.CharField()
    overrides = serializers.ListField(child=Count())
    spec = serializers.DictField()
    values = EffectiveFieldSerializer(many=True)

    @classmethod
    def of(cls, value: Effective) -> dict[str, Any]:
        """The JSON of one."""
        return {
            "unit": value.unit,
            "template": value.template,
            "overrides": list(value.overrides),
            "spec": value.spec,
            "values": EffectiveFieldSerializer.each_of(value.values),
        }


class GridEffective(GridView):
    """What one unit's child should be."""

    @operation("Read what a unit's child should be", takes=(UNIT,), answers={200: EffectiveSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The spec of a NodeUnit's Deployment or StatefulSet, and for each of its values where it comes from: the
        template, an override, totalReplicas, or the unit itself. 422 says why a unit can have none."""
        row, unit = self.at(namespace, name), self.query["unit"]
        try:
            found = effective_of(row, unit)
        except NotPossible as why:
            raise Invalid(Problem("/unit", why.sentence)) from None
        if found is None:
            raise actions.NotFound(f"{row.path}#{unit}")
        return Response(EffectiveSerializer.of(found))
