"""When sentinels name the nodes of a NodeUnit that was left without a ready pod.

Most often another pod is ready in a moment, and one write may tell of many units. So it waits for NAMING_SECONDS while
real endpoints change; until then the node is refused by its zone.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.traffic.slices.sentinels import sentinel_number
from ...core.traffic.slices.slices import is_kept
from ...core.traffic.slices.write_order import Write, writes
from ..informer.source import Body

NAMING_SECONDS = 2.0


class Naming:
    """Which Services have nodes that are to be named, and when."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def due(self, now: float) -> list[str]:
        """The Services whose nodes are to be named now."""
        return [service for service, at in self._at.items() if at <= now]

    def forget(self, service: str) -> None:
        """A Service is kept no longer."""
        self._at.pop(service, None)

    def writes(
        self, service: str, live: Sequence[Body], slices: Sequence[Mapping[str, Any]], was_closed: bool, closes: bool
    ) -> tuple[Write, ...]:
        """The writes of a Service that are due."""
        planned = writes(live, slices, was_closed, closes)
        fewer = writes(live, slices, was_closed, closes, naming=False)
        real = any(not sentinel_number(each.body) for each in planned) and any(map(is_kept, live))
        now = time.monotonic()
        if real and len(fewer) < len(planned) and now < self._at.setdefault(service, now + NAMING_SECONDS):
            return fewer
        self.forget(service)
        return planned
