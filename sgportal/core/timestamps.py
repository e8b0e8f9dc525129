"""Times as Kubernetes writes them. Imports nothing of ours."""

import calendar
import re
from typing import Protocol

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)")


class _Time(Protocol):
    def strftime(self, layout: str, /) -> str: ...


def rfc3339(when: _Time) -> str:
    """A time in UTC as a Kubernetes object holds it: RFC 3339, to the second (apimachinery's metav1.Time)."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_seconds(stamp: str) -> int:
    """The seconds since 1970 of a time in UTC that begins as `rfc3339` writes it; fractions are cut off. Raises
    ValueError for anything else."""
    found = _STAMP.match(stamp)
    if found is None:
        raise ValueError(f"{stamp!r} is no time")
    year, month, day, hour, minute, second = map(int, found.groups())
    return calendar.timegm((year, month, day, hour, minute, second))
