"""What is asked of the rollout of a package, for all of its members."""

from collections.abc import Mapping
from typing import Any

from ...models import ServiceGroup


def obey(group: ServiceGroup, body: Mapping[str, Any]) -> None:
    """Carry out what the annotation of the custom resource asks, once for each text that it has."""
