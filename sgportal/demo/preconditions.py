"""What a write may ask of the object it finds."""

from .errors import ApiError
from .kinds import Kind
from .values import Object


def check_preconditions(kind: Kind, live: Object, metadata: Object) -> None:
    """Raise 409 where the uid or the resourceVersion that a write names is not the live object's."""
    details = {"name": live["metadata"]["name"], "group": kind.group, "kind": kind.plural}
    start = f'Operation cannot be fulfilled on {kind.key} "{live["metadata"]["name"]}": '
    if metadata.get("uid") and metadata["uid"] != live["metadata"]["uid"]:
        raise ApiError(
            409,
            f"{start}Precondition failed: UID in precondition: {metadata['uid']}, "
            f"UID in object meta: {live['metadata']['uid']}",
            details=details,
        )
    version = metadata.get("resourceVersion")
    if version and version != live["metadata"]["resourceVersion"]:
        raise ApiError(
            409,
            f"{start}the object has been modified; please apply your changes to the latest version and try again",
            details=details,
        )
