"""What the API server answers with, where that is more than an object, and what an object was before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import RESOURCES
from .transport import Transport


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection as it was at one `resource_version`, from which a watch can go on."""

    items: list[dict[str, Any]]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An object after server-side apply, and whether it did not exist before."""

    body: dict[str, Any]
    created: bool


def before(transport: Transport, kind: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """An object of a kind as it was until it came to be as `body`, None where it did not exist. Raises Expired where
    the API server has forgotten it (after five minutes where nobody says otherwise).

    A version is the number of a write to etcd, and each of these can be asked for: that before an object's own shows
    the object as it was until then."""
    metadata = body["metadata"]
    query = {
        "fieldSelector": f"metadata.name={metadata['name']}",
        "resourceVersion": str(int(metadata["resourceVersion"]) - 1),
        "resourceVersionMatch": "Exact",
    }
    _, found = transport.call("GET", RESOURCES[kind].path(metadata.get("namespace", "")), query=query)
    return next(iter(found.get("items") or ()), None)
