"""How plain values look as JSON, whatever they are part of."""

from collections.abc import Iterable
from datetime import datetime

from ...core.text import Problem
from ...core.timestamps import rfc3339
from .problems import localise


def instant(when: datetime | None) -> str | None:
    """A time as Kubernetes writes it (RFC 3339, UTC)."""
    return rfc3339(when) if when else None


def warnings(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """What a caller should know of a write that was taken, in the caller's language."""
    return [{"pointer": each.pointer, "detail": localise(each.sentence)} for each in problems]
