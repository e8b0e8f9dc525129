"""What stands behind lists and the overview, as a tag: while it stays the same, they need not be read again.

Whatever changes in them is noted in the change log (`reconciler.queue.change_log`). The tag is read before what it is
about: what changes in between is read at most once too often, and never missed.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, QuerySet, Sum
from django.utils import timezone

from ..compression import uncompressed
from ..models import Journal
from ..version import VERSION
from .freshness import Freshness

# Transactions may be committed in another order than they took their numbers in. The sum over so many of the newest
# numbers tells of one that came late.
_WINDOW = 1000
_SHARE = 4  # of SGPORTAL_STALE_SECONDS


def revision_tag(fresh: Freshness, *reader: Any) -> str:
    """The weak entity tag (RFC 9110, 8.8.3) of what `reader` (who, what, in which language and form) is shown now. One
    statement.

    It changes with the change log, with the freshness of the news, and besides at least every quarter of
    SGPORTAL_STALE_SECONDS while the cluster is heard of: an answer that is kept by its reader does not say that the
    news is older than it is, and whatever was changed past the change log is not kept for longer.
    """
    newest = Journal.objects.order_by("-pk").values("pk")[:_WINDOW].aggregate(last=Max("pk"), sum=Sum("pk"))
    return _tag(newest["last"], newest["sum"], *_freshness(fresh), *reader)


def rows_tag(tables: "Iterable[QuerySet[Any]]", *reader: Any) -> str:
    """The same of what tells of some rows alone, such as those of the audit trail, which the change log does not tell
    of. Each of `tables` is in its order, newest first. One statement for each.

    It changes with a row that comes, is counted once more or ends, in whatever order transactions are committed, and
    at least every quarter of SGPORTAL_STALE_SECONDS: rows that were kept for long enough and go are noticed then.
    """
    return _tag(*map(_newest, tables), int(timezone.now().timestamp()) // _step(), *reader)


def _newest(rows: "QuerySet[Any]") -> dict[str, Any]:
    known = {each.name for each in rows.model._meta.concrete_fields}
    some = rows.values("pk", *(known & {"count", "until"}))[:_WINDOW]
    found = {"last": Max("pk"), "sum": Sum("pk")}
    if "count" in known:
        found["counted"] = Sum(F("count") * F("pk"))
    if "until" in known:
        found.update(ended=Count("until"), until=Max("until"))
    return some.aggregate(**found)


def _tag(*stands: Any) -> str:
    return f'W/"{hashlib.sha256(repr([VERSION, *stands]).encode()).hexdigest()[:32]}"'


def _step() -> int:
    return int(max(settings.SGPORTAL_STALE_SECONDS // _SHARE, 1))


def _freshness(now: Freshness) -> list[Any]:
    heard = now.observed_at and int(now.observed_at.timestamp()) // _step()
    return [heard, now.stale, now.unreachable_since, now.error, now.unworked_since, now.unkept_since]


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the header `If-None-Match` names a tag, of the answer compressed or not; weak and strong ones are equal
    (RFC 9110, 13.1.2)."""
    named = {uncompressed(each.strip().removeprefix("W/")) for each in if_none_match.split(",")}
    return bool(named & {tag.removeprefix("W/"), "*"})
