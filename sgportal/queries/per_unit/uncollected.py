"""Work that makes very many objects and keeps all of them to its end."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# How many more objects are made than freed until they are looked through all the same: the plans of 20 grids in 1,000
# NodeUnits keep some 700,000.
MOST = 3_000_000
_lock = threading.Lock()
_within = 0
_before = gc.get_threshold()


@contextmanager
def uncollected() -> Iterator[None]:
    """Within this, the garbage collector rests until there are very many objects; what no name refers to any more is
    freed at once, as ever. The children of 20 grids in 1,000 NodeUnits are all kept until their plans are made, and
    going through them again and again took as long as the plans. It may be nested, and several threads may be within
    it."""
    global _within, _before
    with _lock:
        _within += 1
        if _within == 1:
            _before = gc.get_threshold()
            gc.set_threshold(MOST, *_before[1:])
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within:
                gc.set_threshold(*_before)
