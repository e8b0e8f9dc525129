"""What those who have something open may do, as this process has known it for a moment at most."""

import time
from collections.abc import Collection

from ..core.access.scope import Right
from .callers import Caller, newest_change, rights_now

ANEW_SECONDS = 5.0  # after which all are asked about, whoever changed their rights by whatever means
APART_SECONDS = 1.0  # between two times that all are asked about: in the morning everybody logs in
MOMENT_SECONDS = 2.0  # that what was found counts without another look


class Standing:
    """Looks after the rights of callers; one thread at a time looks, any may ask."""

    def __init__(self) -> None:
        self._rights: dict[Caller, tuple[Right, ...]] = {}
        self._newest, self._asked, self._looked = -1, 0.0, 0.0

    def look(self, callers: Collection[Caller]) -> dict[Caller, tuple[Right, ...]]:
        """What these may do now, as far as that was asked again: of all of them where something about people changed,
        or was not asked for long, else of those who are new here. One query where nothing changed."""
        now, newest = time.monotonic(), newest_change()
        since = now - self._asked
        is_due = since >= ANEW_SECONDS or (newest != self._newest and since >= APART_SECONDS)
        wanted = set(callers) if is_due else {each for each in callers if each not in self._rights}
        found = rights_now(wanted) if wanted else {}
        if is_due:
            self._newest, self._asked = newest, now
        kept = {} if is_due else {each: self._rights[each] for each in callers if each in self._rights}
        self._rights = {**kept, **found}
        self._looked = now
        return found

    def holds(self, caller: Caller, rights: tuple[Right, ...]) -> bool:
        """Whether it is known that a caller may do just that."""
        if time.monotonic() - self._looked >= MOMENT_SECONDS or (found := self._rights.get(caller)) is None:
            return False
        return frozenset(found) == frozenset(rights)

    def forget(self) -> None:
        """Know nothing."""
        self._rights, self._newest, self._asked, self._looked = {}, -1, 0.0, 0.0


standing = Standing()
