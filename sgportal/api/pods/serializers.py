"""Pods and Kubernetes' Events as JSON."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rest_framework import serializers

from ...core.containers.view import ContainerView, Phase, Role, containers_of
from ...models import Pod
from ...queries.per_unit.pods import PodCell
from ...reconciler.live.objects import Body
from ..http.shapes import Always, Count, Instant, Labels, Shape, Texts, one_of


class PodRowSerializer(Shape):
    """A pod as last seen; `reason` and `message` say why it is not ready."""

    namespace = serializers.CharField()
    name = serializers.CharField()
    uid = serializers.CharField()
    node = serializers.CharField(allow_blank=True)
    phase = serializers.CharField()
    ready = serializers.BooleanField()
    terminating = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    restarts = Count()
    podIPs = Texts(source="ips")
    createdAt = Instant()


class PodCellSerializer(Shape):
    """A cell that the pod belongs to."""

    grid = serializers.CharField()
    unit = serializers.CharField()


class ContainerStateSerializer(Shape):
    """A container's state. `exitCode` is null unless it has ended; `since` and `until` are RFC 3339, empty for not."""

    phase = one_of(Phase)
    reason = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    exitCode = serializers.IntegerField(allow_null=True)
    since = serializers.CharField(allow_blank=True)
    until = serializers.CharField(allow_blank=True)


class ContainerSerializer(Shape):
    """A container. `lastState` is how it ended before it was started again, null where it was not."""

    name = serializers.CharField()
    role = one_of(Role)
    image = serializers.CharField(allow_blank=True)
    ready = serializers.BooleanField()
    restarts = Count()
    state = ContainerStateSerializer()
    lastState = ContainerStateSerializer(source="last", allow_null=True)


class PodConditionSerializer(Shape):
    """A condition, as Kubernetes has it."""

    type = serializers.CharField()
    status = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    lastTransitionTime = serializers.CharField(allow_blank=True)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON of one."""
        return {name: str(value.get(name) or "") for name in cls._declared_fields}


class Seen(NamedTuple):
    """A pod as last seen, the cells it belongs to, and as it is now."""

    row: Pod
    cells: list[PodCell]
    body: Body


class PodSerializer(Shape):
    """A pod: what is known of it, and its containers and conditions as they are now."""

    metadata = PodRowSerializer(source="row")
    labels = Labels(source="row.labels")
    cells = PodCellSerializer(many=True)
    containers = ContainerSerializer(many=True)
    conditions = PodConditionSerializer(many=True)

    def get_containers(self, seen: Seen) -> tuple[ContainerView, ...]:
        """Init containers first."""
        return containers_of(seen.body)

    def get_conditions(self, seen: Seen) -> list[Body]:
        """As the pod's status has them."""
        return list((seen.body.get("status") or {}).get("conditions") or ())


class AboutSerializer(Shape):
    """What an Event is about."""

    mappings = True
    kind = serializers.CharField()
    namespace = serializers.CharField(allow_blank=True)
    name = serializers.CharField()


class KubernetesEventSerializer(Shape):
    """An Event (v1), as Kubernetes' components write them. `count` says how often."""

    apiVersion = Always("v1")
    kind = Always("Event")
    involvedObject = AboutSerializer()
    type = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    count = Count()
    lastTimestamp = serializers.CharField()
    reportingComponent = serializers.CharField(allow_blank=True)


class KubernetesEventsSerializer(Shape):
    """Events, the latest first."""

    items = KubernetesEventSerializer(many=True, source="*")
