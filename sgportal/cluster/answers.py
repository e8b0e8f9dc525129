"""What the API server answers with, where that is more than an object."""

from dataclasses import dataclass
from typing import Any


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
