"""Which unit is in which wave."""

import hashlib
from collections.abc import Mapping

from ..units import Unit
from .strategy import Strategy


def divided(strategy: Strategy, units: Mapping[str, Unit], seed: int) -> dict[str, int]:
    """The number of the wave of each unit, from 0. A unit is in the first track, and there in the first wave, that
    takes it. What is taken at random follows from the seed alone: a unit more or less moves few others."""
    waves: dict[str, int] = {}
    drawn = sorted(units, key=lambda name: _lot(seed, name))
    for track in strategy.tracks:
        pool = [name for name in drawn if name not in waves and (not track.choice or track.choice.takes(units[name]))]
        total = len(pool) if track.choice else len(units)
        for index in range(track.begin, track.end):
            wave, left = strategy.waves[index], [name for name in pool if name not in waves]
            if wave.choice is not None:
                left = [name for name in left if wave.choice.takes(units[name])]
            elif wave.percent is not None:
                left = left[: -(-total * wave.percent // 100)]
            elif wave.count is not None:
                left = left[: wave.count]
            waves.update(dict.fromkeys(left, index))
    return waves


def _lot(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()
