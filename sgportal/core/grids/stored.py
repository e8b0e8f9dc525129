"""Grids as they are stored, read: what a worker reads of the same grid again and again is parsed once.

A text that is the same says the same, so nothing has to be told that a grid was changed.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from .grid import GridSpec, parse

LONGEST = 16 << 10  # bytes of a manifest that is remembered
MOST = 500  # of them; those that were read last


def parse_stored(manifest: Mapping[str, Any]) -> GridSpec:
    """What `parse` makes of a manifest. Others may be given the same, so nobody changes what is in it. Raises Invalid
    as that does."""
    try:
        text = orjson.dumps(manifest)
    except TypeError:  # an integer beyond 64 bits, which JSON may have
        return parse(manifest)
    return _parsed(text) if len(text) <= LONGEST else parse(manifest)


@lru_cache(MOST)
def _parsed(text: bytes) -> GridSpec:
    return parse(orjson.loads(text))  # its own, whatever becomes of the caller's
