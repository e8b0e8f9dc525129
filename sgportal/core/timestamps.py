"""Times as Kubernetes writes them. Imports nothing of ours."""

import re
from typing import Protocol

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)")
_FIRST_DAY = 719468  # 1970-01-01, counted from 0000-03-01


class _Time(Protocol):
    def strftime(self, layout: str, /) -> str: ...


def rfc3339(when: _Time) -> str:
    """A time in UTC as a Kubernetes object holds it: RFC 3339, to the second (apimachinery's metav1.Time)."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_seconds(stamp: str) -> int:
    """The seconds since 1970 of a time in UTC that begins as `rfc3339` writes it; fractions are cut off. Raises
    ValueError for anything else. Years begin with March, so that the leap day is their last."""
    found = _STAMP.match(stamp)
    if found is None:
        raise ValueError(f"{stamp!r} is no time")
    year, month, day, hour, minute, second = map(int, found.groups())
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    leap_days = year // 4 - year // 100 + year // 400
    days = 365 * year + leap_days + (153 * month + 2) // 5 + day - 1 - _FIRST_DAY
    return ((days * 24 + hour) * 60 + minute) * 60 + second
