"""Lists that have nothing of what there was a moment ago: an API server may say so by mistake, and calls would be
refused for it. What really goes is told by the watch, one by one."""

import logging
from collections.abc import Callable, Collection

from .cache import EndpointCache

log = logging.getLogger(__name__)


class Doubts:
    """`list_again` has a resource listed once more before long."""

    def __init__(self, memory: EndpointCache, list_again: Callable[[str], None]) -> None:
        self._memory = memory
        self._list_again = list_again
        self._pending: set[str] = set()  # resources of which another list is on its way

    def absent(self, resource: str, there: Collection[str]) -> dict[str, None]:
        """The keys that are known and not in a complete list, each as gone; none where the list is not believed."""
        self._pending.discard(resource)
        gone = self._memory.absent(resource, there)
        if not gone or there:
            return gone
        self._doubt(resource)
        return {}

    def is_blind(self) -> bool:
        """Whether there is nothing to go by: slices of ours, and no nodes, no pods or no Services at all."""
        lacking = self._memory.lacking
        if not lacking or not self._memory.has_slices_of_ours:
            return False
        for resource in lacking:
            self._doubt(resource)
        return True

    def _doubt(self, resource: str) -> None:
        if resource not in self._pending:
            log.warning("%s: a list without any is not believed", resource)
            self._pending.add(resource)
            self._list_again(resource)
