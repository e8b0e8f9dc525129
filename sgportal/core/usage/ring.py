"""The last values of something that is measured again and again, one for each stretch of time of equal length."""

from collections.abc import Sequence

POINTS = 60
Ring = list[int | None]  # None: not measured in that stretch; the newest last


def slot_of(seconds: float, every: int) -> int:
    """The number of the stretch of `every` seconds in which a time is, in seconds since 1970."""
    return int(seconds // every)


def pushed(ring: Sequence[int | None], value: int, stretches: int) -> Ring:
    """The ring with a value that came `stretches` after its newest: 0 puts it in the place of that one, and what was
    not measured in between is a gap."""
    if stretches < 0 or not ring:  # a clock that went back: what was measured before it is in another order
        return [value] if stretches < 0 else [*ring, value][-POINTS:]
    kept = list(ring[:-1] if stretches == 0 else ring)
    gaps: Ring = [None] * min(max(stretches - 1, 0), POINTS)
    return [*kept, *gaps, value][-POINTS:]
