"""Who listens to what changes, and what each has yet to tell."""

import asyncio
from dataclasses import dataclass, field

from ...access.callers import Caller
from ...core.access.scope import Scope
from .changes import BEAT, Batch, resync, written

BACKLOG = 1000


@dataclass(eq=False, slots=True)
class Listener:
    """One stream: what it has yet to tell, and of what. `granted` is the scope of who listens, `scope` the same as the
    labels of nodes are now; `is_late`: it is not known whether it is. `caller` is who listens, None for anybody."""

    granted: Scope
    scope: Scope
    revision: int
    caller: Caller | None = None
    is_late: bool = True
    has_ended: bool = False
    _batches: list[Batch] = field(default_factory=list)
    _is_behind: bool = False
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, batch: Batch) -> None:
        """Have this to tell; where it is too much for a reader so slow, only that everything is to be read afresh."""
        self.revision = max(self.revision, batch.revision)
        if not self._is_behind:
            self._batches.append(batch)
            if sum(len(each.changes) for each in self._batches) > BACKLOG:
                self.read_afresh()
        self._woken.set()

    def read_afresh(self) -> None:
        """Have only that to tell that everything is to be read afresh."""
        self._batches.clear()
        self._is_behind = True
        self._woken.set()

    def end(self) -> None:
        """Nothing more is to be told."""
        self.has_ended = True
        self._woken.set()

    @property
    def has_anything(self) -> bool:
        """Whether there is anything to tell."""
        return self._is_behind or bool(self._batches)

    async def next(self, patience: float) -> bytes:
        """What is to be sent next: what is new, else, after so many seconds, a sign of life."""
        try:
            async with asyncio.timeout(patience):
                await self._woken.wait()
        except TimeoutError:
            return BEAT
        self._woken.clear()
        if self._is_behind:
            self._is_behind = False
            return resync(self.revision)
        batches, self._batches = self._batches, []
        return (written(batches, self.scope) if batches else b"") or BEAT
