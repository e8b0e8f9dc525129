"""Template tags of what nodes and pods use: numbers as Kubernetes writes them, and a line of the last values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from ....core.usage.ring import POINTS
from ....models.usage import Measured
from ....queries.per_unit.usage import is_old

register = template.Library()
register.filter("is_old", is_old)
_STEP, _HEIGHT = 2, 24  # of the drawing: what a point is wide, and all of it is high
_ABOVE = 1.25  # the highest value is not at the upper edge, where it would look like all there is
_BRIDGED = 3  # points in a row that may be missing within a line: a busy worker is late
_GIBIBYTE = 1024
_MANY = 10 * _GIBIBYTE


@register.filter
def of(usages: Mapping[str, Measured], name: Any) -> Measured | None:
    """What the thing of a name uses, None where that is not known."""
    return usages.get(str(name)) if usages else None


@register.filter
def cores(millicores: int) -> str:
    """Processor time: `250m` below one core, else in cores."""
    return f"{millicores}m" if millicores < 1000 else _plain(millicores / 1000, 2 if millicores < 100_000 else 0)


@register.filter
def mebibytes(amount: int) -> str:
    """Memory in MiB; from 10 GiB on in GiB."""
    return f"{amount} MiB" if amount < _MANY else f"{_plain(amount / _GIBIBYTE, 1)} GiB"


def _plain(number: float, digits: int) -> str:
    """A number with at most so many digits behind the point."""
    whole = round(number, digits)
    return str(number_format(int(whole) if whole == int(whole) else whole))


@register.filter
def percent(part: int, whole: int) -> int:
    """How many hundredths of the whole a part is."""
    return round(100 * part / whole) if whole else 0


@register.simple_tag
def spark(ring: Sequence[int | None], what: str) -> SafeString:
    """A line of the last values of `what`, cpu or memory, the newest at the right; nothing of fewer than two."""
    known = [each for each in ring if each is not None]
    if len(known) < 2:
        return SafeString("")
    lines = format_html_join("", '<polyline points="{}"/>', ((" ".join(line),) for line in _lines(ring, max(known))))
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        _STEP * (POINTS - 1),
        _HEIGHT,
        _in_words(len(ring), known, what),
        lines,
    )


def _in_words(points: int, known: Sequence[int], what: str) -> str:
    minutes = round((points - 1) * settings.SGPORTAL_USAGE_SECONDS / 60)
    shown: Any = cores if what == "cpu" else mebibytes
    values = {"n": minutes, "least": shown(min(known)), "most": shown(max(known))}
    if what == "cpu":
        return gettext("CPU of the last %(n)s min: %(least)s to %(most)s") % values
    return gettext("Memory of the last %(n)s min: %(least)s to %(most)s") % values


def _lines(ring: Sequence[int | None], most: int) -> Iterator[list[str]]:
    """The points of each line without a gap; a lone one is a dot."""
    line: list[str] = []
    last, high = -1, max(most, 1) * _ABOVE
    for place, value in enumerate(ring[-POINTS:], POINTS - len(ring[-POINTS:])):
        if value is None:
            continue
        if line and place - last > _BRIDGED:
            yield line if len(line) > 1 else line * 2
            line = []
        line.append(f"{place * _STEP},{_HEIGHT - 1 - round((_HEIGHT - 2) * value / high, 1):g}")
        last = place
    if line:
        yield line if len(line) > 1 else line * 2
