"""What stands behind lists and the overview, as a tag: while it stays the same, they need not be read again.

Whatever changes in them is noted in the change log (`reconciler.queue.change_log`). The tag is read before what it is
about: what changes in between is read at most once too often, and never missed.
"""

import hashlib
from typing import Any

from django.conf import settings
from django.db.models import Max, Sum

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
    stands = [VERSION, newest["last"], newest["sum"], *_freshness(fresh), *reader]
    return f'W/"{hashlib.sha256(repr(stands).encode()).hexdigest()[:32]}"'


def _freshness(now: Freshness) -> list[Any]:
    step = max(settings.SGPORTAL_STALE_SECONDS // _SHARE, 1)
    heard = now.observed_at and int(now.observed_at.timestamp()) // step
    return [heard, now.stale, now.unreachable_since, now.error]


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the header `If-None-Match` names a tag, of the answer compressed or not; weak and strong ones are equal
    (RFC 9110, 13.1.2)."""
    named = {uncompressed(each.strip().removeprefix("W/")) for each in if_none_match.split(",")}
    return bool(named & {tag.removeprefix("W/"), "*"})
