"""What a person can do about a state: each is a button where the sentence is read, and a REST call beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Action = Literal["recreate", "edit", "label", "zone", "replicas", "image"]

# By the reason of a NodeUnit's state (core/status) or the code of a node's proof (core/traffic/proof).
REMEDIES: Mapping[str, tuple[Action, ...]] = {
    "ImmutableField": ("recreate",),
    "Misplaced": ("recreate",),
    "UnitGone": ("recreate",),
    "UnitLeftOut": ("recreate",),
    "OrphanRetained": ("recreate",),
    "InvalidName": ("label",),
    "TemplateNotFound": ("edit",),
    "Contested": ("edit",),
    "ClosureNotSupported": ("edit",),
    "Paused": ("edit",),
    "Partitioned": ("edit",),
    "TooManyNodes": ("replicas", "zone"),
    "UnitWithoutEndpoint": ("replicas",),
    "NodeWithoutUnit": ("label",),
    **dict.fromkeys(("ImagePullBackOff", "ErrImagePull", "InvalidImageName"), ("image",)),
}
NEEDS_NODES = ("UnitWithoutEndpoint",)  # is cured by replicas only where a node of the NodeUnit is Ready


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to do: `path` is the grid to change (“” for nodes), `unit` the NodeUnit it is about, `key` its label
    key."""

    action: Action
    path: str
    unit: str
    key: str
