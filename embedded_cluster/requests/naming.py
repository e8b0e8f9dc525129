"""Whether a body is about the object that the path names."""

from typing import Any

from ..kinds.served import Kind
from ..objects.errors import ApiError, cause, invalid
from ..objects.values import Object, new_uid
from .request import Target


def check_named(kind: Kind, body: Any) -> Object:
    """The body with its apiVersion and kind, which that of a built-in kind may leave out. Raises 400 for another's."""
    if not isinstance(body, dict):
        start = f"the object provided is unrecognized (must be of type {kind.kind})"
        raise ApiError(400, f"{start}: couldn't get version/kind; json parse error: it is no object")
    if kind.crd and not (body.get("kind") and body.get("apiVersion")):
        raise ApiError(
            400, f"the object provided is unrecognized (must be of type {kind.kind}): Object 'Kind' is missing"
        )
    sent = body.get("apiVersion") or kind.api_version, body.get("kind") or kind.kind
    if sent != (kind.api_version, kind.kind):
        asked = f"{sent[0]}, Kind={sent[1]}"
        raise ApiError(400, f"{asked} in the body does not match the endpoint's {kind.api_version}, Kind={kind.kind}")
    return {"kind": sent[1], "apiVersion": sent[0], **body}


def addressed(kind: Kind, target: Target, body: Object) -> Object:
    """The body with the namespace of the path. Raises 400 where name or namespace are another's."""
    metadata = body["metadata"] = dict(body.get("metadata") or {})
    if target.name and not metadata.get("name"):
        place = f"{target.name} based on URL"
        raise ApiError(400, f"the name of the object ({place}) was undeterminable: name must be provided")
    if target.name and metadata["name"] != target.name:
        wrong = f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        raise ApiError(400, wrong)
    if not kind.namespaced:
        metadata.pop("namespace", None)
    elif (metadata.get("namespace") or target.namespace) != target.namespace:
        raise ApiError(400, "the namespace of the provided object does not match the namespace sent on the request")
    else:
        metadata["namespace"] = target.namespace
    return body


def generate(kind: Kind, metadata: Object) -> None:
    """Make up a name where only its beginning is given. Raises 422 where neither is."""
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = metadata["generateName"] + new_uid()[:5]
    if not metadata.get("name"):
        missing = cause("metadata.name", "Required value: name or generateName is required", "FieldValueRequired")
        raise invalid(kind.kind, kind.group, "", [missing])
