"""What can be done about a state, as REST calls."""

from typing import Any, NamedTuple

from rest_framework import serializers

from ...core.names import ZONE
from ...core.status.remedies import Action, Remedy
from ..http.address import address
from ..http.shapes import Shape, one_of


class Cure(NamedTuple):
    """A thing to do about a state, as the REST call that does it."""

    remedy: Remedy
    method: str
    path: str
    body: dict[str, Any]
    reason: str = ""


class RemedySerializer(Shape):
    """A thing to do about a state, as the REST call that does it; null where the caller has to fill in a value."""

    action = one_of(Action, source="remedy.action")
    unit = serializers.CharField(source="remedy.unit")
    method = one_of("POST", "PATCH")
    path = serializers.CharField()
    body = serializers.DictField()


class StatusRemedySerializer(RemedySerializer):
    """A thing to do about the state that has this reason."""

    reason = serializers.CharField(required=False)


def cure(about: Remedy, reason: str = "") -> Cure:
    """The REST call that does what can be done about a state."""
    nodes = {"labelSelector": f"{about.key}={about.unit}"} if about.unit else {}
    calls: dict[Action, tuple[str, str, dict[str, Any]]] = {
        "recreate": ("POST", f"{about.path}/recreate", {"unit": about.unit} if about.unit else {}),
        "edit": ("PATCH", about.path, {}),
        "image": ("POST", f"{about.path}/image", {"image": None, "units": [about.unit]}),
        "replicas": ("PATCH", about.path, {"spec": {"template": {"replicas": None}}}),
        "label": ("POST", "nodes/label", {**nodes, "set": {about.key: None}}),
        "zone": ("POST", "nodes/label", {**nodes, "set": {ZONE: None}}),
    }
    method, path, body = calls[about.action]
    return Cure(about, method, address(path), body, reason)
