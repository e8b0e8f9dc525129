"""What a write may ask of the object it finds: by PUT and DELETE that it is still this one, by every write that it is
still as it was. By PATCH and apply another uid is no precondition, but a change of a field that cannot be changed."""

from ..kinds.served import Kind
from ..objects.errors import ApiError
from ..objects.values import Object


def check_uid(kind: Kind, live: Object, metadata: Object) -> None:
    """Raise 409 where the uid that a write names is not the live object's."""
    details, start = _words(kind, live)
    if metadata.get("uid") and metadata["uid"] != live["metadata"]["uid"]:
        raise ApiError(
            409,
            f"{start}Precondition failed: UID in precondition: {metadata['uid']}, "
            f"UID in object meta: {live['metadata']['uid']}",
            details=details,
        )


def check_version(kind: Kind, live: Object, metadata: Object) -> None:
    """Raise 409 where the resourceVersion that a write names is not the live object's."""
    details, start = _words(kind, live)
    version = metadata.get("resourceVersion")
    if version and version != live["metadata"]["resourceVersion"]:
        raise ApiError(
            409,
            f"{start}the object has been modified; please apply your changes to the latest version and try again",
            details=details,
        )


def _words(kind: Kind, live: Object) -> tuple[Object, str]:
    name = live["metadata"]["name"]
    details = {"name": name, **({"group": kind.group} if kind.group else {}), "kind": kind.plural}
    return details, f'Operation cannot be fulfilled on {kind.key} "{name}": '
