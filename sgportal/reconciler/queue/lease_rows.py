"""What is written to the rows of the work queue when leases are taken and given back, in one statement each: every turn
of the work begins and ends with these."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ...core.grids.kinds import BY_PLURAL
from ...models.statements import returned
from .together import AT_ONCE

TAKEN = datetime(2000, 1, 2, tzinfo=UTC)  # the same while somebody is at it and nobody asked for it meanwhile

_FREE = "(lease_until IS NULL OR lease_until < NOW())"
_TAKE = "lease_until = NOW(%(seconds)s), holder = %(holder)s, session = %(session)s"
_RELEASE = "lease_until = NULL, holder = '', session = NULL, queued = false"
_IS_DUE = "requested > done AND next_at <= NOW()"
# Rows that several may change are locked in order of key first, so that no two wait for each other's.
_TAKE_DUE = f"""
    UPDATE "sgportal_workkey" SET queued = false, next_at = %(taken)s, {_TAKE}
    WHERE cluster_id = %(cluster)s AND key = %(key)s AND {_FREE} AND {_IS_DUE}
    RETURNING requested
"""  # noqa: S608 - of constants
_TAKE_FREE = f"""
    UPDATE "sgportal_workkey" SET {_TAKE} WHERE id IN (
        SELECT id FROM "sgportal_workkey"
        WHERE cluster_id = %(cluster)s AND key = ANY(%(keys)s) AND failures = 0 AND {_FREE} ORDER BY key FOR UPDATE
    ) RETURNING key
"""  # noqa: S608
_GIVE_BACK = f"""
    UPDATE "sgportal_workkey" SET {_RELEASE} WHERE id IN (
        SELECT id FROM "sgportal_workkey"
        WHERE cluster_id = %(cluster)s AND key = ANY(%(keys)s) AND holder = %(holder)s ORDER BY key FOR UPDATE
    ) RETURNING key, {_IS_DUE}
"""  # noqa: S608
_OF_A_GRID = " OR ".join(f"key LIKE '{plural}/%%'" for plural in BY_PLURAL)
_LOOK = f"""
    SELECT key, NULL FROM (
        SELECT key FROM "sgportal_workkey"
        WHERE cluster_id = %(cluster)s AND {_FREE} AND {_IS_DUE} AND (NOT queued OR queued_at < NOW(%(unanswered)s))
        ORDER BY CASE WHEN {_OF_A_GRID} THEN 1 ELSE 0 END, next_at LIMIT %(most)s
    ) AS found
    UNION ALL SELECT '', session FROM (
        SELECT DISTINCT session FROM "sgportal_workkey" WHERE cluster_id = %(cluster)s AND session IS NOT NULL
    ) AS held
"""  # noqa: S608
_RESTED = "CASE WHEN next_at = %(at_once)s THEN next_at ELSE NOW(%(rest)s) END"
_AGAIN = "CASE WHEN requested = %(seen)s THEN NOW(%(again)s) ELSE {} END"
_ONCE_MORE = "requested + CASE WHEN requested = %(seen)s THEN 1 ELSE 0 END"
_FINISH = f"""
    UPDATE "sgportal_workkey"
    SET done = %(seen)s, requested = {{requested}}, next_at = {{next_at}}, failures = 0, error = '',
        since = NOW(), {_RELEASE}
    WHERE cluster_id = %(cluster)s AND key = %(key)s AND holder = %(holder)s
    RETURNING requested > done, {_IS_DUE}
"""  # noqa: S608


def take_due(key: str, said: Mapping[str, Any]) -> int | None:
    """Take a key that is due and that nobody is at, as `said` (`holder`, `session`, `seconds`); the wish that is to be
    fulfilled, None where it is not to be had."""
    rows = returned(_TAKE_DUE, key=key, taken=TAKEN, **said)
    return int(rows[0][0]) if rows else None


def take_free(keys: Iterable[str], said: Mapping[str, Any]) -> frozenset[str]:
    """Take those of these keys that nobody is at and that are in no back-off, due or not."""
    return frozenset(key for (key,) in returned(_TAKE_FREE, keys=list(keys), **said))


def give_back(keys: Iterable[str], holder: str) -> list[str]:
    """Release what `holder` has of these keys; those that are due now."""
    return [key for key, is_due in returned(_GIVE_BACK, keys=list(keys), holder=holder) if is_due]


def look(most: int, unanswered: float) -> tuple[list[str], frozenset[int]]:
    """Some of the keys that are due and free, and of which no message was sent in the last seconds, those of grids
    last; and by which locks of processes any key is held. One statement: each worker asks it every second."""
    rows = returned(_LOOK, most=most, unanswered=-unanswered)
    return [key for key, session in rows if session is None], frozenset(held for _, held in rows if held is not None)


def finish(key: str, holder: str, seen: int, again: float | None, rest: float) -> tuple[bool, bool]:
    """Release a key whose wish up to `seen` is fulfilled, and have it done `again` in so many seconds where nobody
    asked meanwhile; whether anything is left to do, and now. `rest` is as in `workqueue.done`."""
    next_at = _RESTED if rest else "%(at_once)s"
    statement = _FINISH.format(
        requested="requested" if again is None else _ONCE_MORE,
        next_at=next_at if again is None else _AGAIN.format(next_at),
    )
    values = {"key": key, "holder": holder, "seen": seen, "again": again, "rest": rest, "at_once": AT_ONCE}
    rows = returned(statement, **values)
    return (bool(rows[0][0]), bool(rows[0][1])) if rows else (False, False)
