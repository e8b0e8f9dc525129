"""What people do with a grid by a verb: pause, resume, approve, restart, set image, scale."""

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ..description.operations import PLANNED, either, operation
from ..http.shapes import OPTIONAL, Asked, Texts
from .plans import PlanSerializer
from .serializers import GridSerializer
from .views import GridView

_ANSWERS = {200: either(GridSerializer, PlanSerializer), 202: GridSerializer}


def _described(summary: str, body: type[Asked]) -> Callable[[Any], Any]:
    return operation(summary, takes=PLANNED, body=body, answers=_ANSWERS, headers=("ETag",), takes_match=True)


class UnitsRequestSerializer(Asked):
    """For which NodeUnits; without them, for the whole grid."""

    units = Texts(**OPTIONAL)


class ImageRequestSerializer(UnitsRequestSerializer):
    """The image that a container is to have; the container may be left out where there is one only."""

    image = serializers.CharField()
    container = serializers.CharField(**OPTIONAL)


class ScaleRequestSerializer(UnitsRequestSerializer):
    """How many replicas each NodeUnit is to have."""

    replicas = serializers.IntegerField()


class OperationView(GridView):
    """A verb that changes a grid's manifest."""

    verb: ClassVar[Callable[..., actions.Saved]]

    def operate(self, namespace: str, name: str, asked: type[Asked], **how: Any) -> Response:
        """Do it, with the body's other fields by name."""
        row = self.at(namespace, name)
        found = self.fields(asked)
        units = list(dict.fromkeys(found.pop("units", None) or ()))
        given = {key: value for key, value in found.items() if value is not None}
        expect = None if self.dry_run else self.expected_if_given(row.etag)
        act = type(self).verb
        return self.answered(act(row, units, self.actor, expect=expect, dry_run=self.dry_run, **given, **how))


class GridPause(OperationView):
    """A pause."""

    verb = staticmethod(actions.pause)

    @_described("Pause a grid or units", UnitsRequestSerializer)
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Have nothing written for the grid, or for these NodeUnits, until it is resumed."""
        return self.operate(namespace, name, UnitsRequestSerializer)


class GridResume(OperationView):
    """The end of a pause."""

    verb = staticmethod(actions.resume)

    @_described("Resume a grid or units", UnitsRequestSerializer)
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """End the pause of the grid, or of these NodeUnits."""
        return self.operate(namespace, name, UnitsRequestSerializer)


class GridApprove(OperationView):
    """An approval."""

    verb = staticmethod(actions.approve)

    @_described("Approve new units", UnitsRequestSerializer)
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Let these NodeUnits, which are new to the grid, have their workload (`spec.joinPolicy: approved`)."""
        return self.operate(namespace, name, UnitsRequestSerializer)


class GridRestart(OperationView):
    """A restart."""

    verb = staticmethod(actions.restart)

    @_described("Restart pods", UnitsRequestSerializer)
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Have the pods of the grid, or of these NodeUnits, made anew by a rollout."""
        return self.operate(namespace, name, UnitsRequestSerializer)


class GridImage(OperationView):
    """Another image."""

    verb = staticmethod(actions.set_image)

    @_described("Set an image", ImageRequestSerializer)
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Give a container another image: in every template that has it, or by an override for these NodeUnits."""
        return self.operate(namespace, name, ImageRequestSerializer)


class GridScale(OperationView):
    """Another number of replicas."""

    verb = staticmethod(actions.scale)

    @_described("Scale", ScaleRequestSerializer)
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Set the replicas of each NodeUnit (`spec.template.replicas`, as `kubectl scale` does; of all together where
        `spec.totalReplicas` is set), or of these by an override."""
        return self.operate(namespace, name, ScaleRequestSerializer)
