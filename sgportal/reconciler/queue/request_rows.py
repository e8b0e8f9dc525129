"""What is written to the rows of the work queue when something is asked for, in a statement or two: every change that
is seen, and most of what is written down, ends with one of these."""

from collections.abc import Sequence

from ...models.statements import returned
from .together import AT_ONCE, make_rows

# Rows that several may change are locked in order of key, and none of them before all are there: rows are made before
# any is locked (`together`), or two could wait for each other's.
_THERE = """
    SELECT {column} FROM "sgportal_workkey" WHERE cluster_id = %(cluster)s AND key = ANY(%(keys)s) AND %(number)s = (
        SELECT COUNT(*) FROM "sgportal_workkey" WHERE cluster_id = %(cluster)s AND key = ANY(%(keys)s)
    ) ORDER BY key FOR UPDATE
"""
_IS_NEW = "requested <= done"
_UNSENT = "(NOT queued OR queued_at IS NULL OR queued_at < NOW(%(life)s))"
_IS_SENT = "%(send)s AND queued_at = NOW()"
_HELD = "COALESCE(lease_until >= NOW(), false)"


def _noted(condition: str) -> str:
    """That a message is sent for a row that meets a condition and has none under way."""
    sends = f"%(send)s AND {condition} AND {_UNSENT}"
    return f"queued = (queued OR ({sends})), queued_at = CASE WHEN {sends} THEN NOW() ELSE queued_at END"


_ENQUEUE = f"""
    UPDATE "sgportal_workkey"
    SET requested = requested + 1,
        since = CASE WHEN {_IS_NEW} THEN NOW() ELSE since END,
        next_at = CASE WHEN %(urgent)s OR failures = 0 THEN %(at_once)s ELSE next_at END,
        failures = CASE WHEN %(urgent)s THEN 0 ELSE failures END,
        {_noted("(%(urgent)s OR failures = 0 OR next_at <= NOW())")}
    WHERE id IN ({_THERE.format(column="id")}) RETURNING key, {_IS_SENT}
"""  # noqa: S608 - of constants
_LOCK = _THERE.format(column="key")
_SPACED = f"""
    UPDATE "sgportal_workkey"
    SET requested = requested + 1,
        since = CASE WHEN {_HELD} THEN since ELSE NOW() END,
        next_at = CASE WHEN {_HELD} THEN next_at ELSE {{at}} END,
        {_noted(f"NOT {_HELD}")}
    WHERE cluster_id = %(cluster)s AND key = ANY(%(keys)s) AND ({_HELD} OR {_IS_NEW}) RETURNING key, {_IS_SENT}
"""  # noqa: S608
_SPACED_NOW = _SPACED.format(at="next_at")
_SPACED_LATER = _SPACED.format(at="CASE WHEN next_at < NOW(%(seconds)s) THEN NOW(%(seconds)s) ELSE next_at END")


def enqueue(keys: Sequence[str], urgent: bool, send: bool, life: float) -> list[str]:
    """Ask for each key at once, but for those in back-off, which an `urgent` request ends. Where messages are to be
    sent (`send`) one is noted for each that is due and has none of the last `life` seconds under way: these. In a
    transaction."""
    values = {"keys": list(keys), "number": len(keys), "urgent": urgent, "at_once": AT_ONCE}
    rows = returned(_ENQUEUE, **values, send=send, life=-life)
    if not rows:
        make_rows(keys)
        rows = returned(_ENQUEUE, **values, send=send, life=-life)
    return [key for key, is_sent in rows if is_sent]


def enqueue_spaced(keys: Sequence[str], seconds: float, send: bool, life: float) -> list[str]:
    """Ask for each key that nothing is asked of, in so many seconds and not before it has rested, and once more for
    those that somebody is at. Those for which a message is to be sent, as with `enqueue`: it may come before they are
    due, so that a worker waits for them. In a transaction."""
    if not returned(_LOCK, keys=list(keys), number=len(keys)):
        make_rows(keys)
        returned(_LOCK, keys=list(keys), number=len(keys))
    later = {"seconds": seconds} if seconds else {}
    statement = _SPACED_LATER if seconds else _SPACED_NOW
    rows = returned(statement, keys=list(keys), send=send, life=-life, **later)
    return [key for key, is_sent in rows if is_sent]
