"""What processes that run for weeks do once they are set up."""

import ctypes
import gc
import threading
import time
from typing import Any

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # of mallopt(3)
_ARENAS = 2  # glibc would make eight for each core, and what is freed in one of them serves no thread of another
_MAPPED = 128 * 1024  # bytes; a piece so large is given back as soon as it is freed (glibc raises the limit by itself)
_TRIM_SECONDS = 20.0
# How much more is allocated than freed until the young are looked through, and how often until older ones are. The
# interpreter's 700 is for small programs: the plan of 20 grids in 1,000 NodeUnits took three times as long.
_COLLECTIONS = (20_000, 20, 20)


def freeze(**_signal: Any) -> None:
    """Take what was loaded at the start out of the garbage collector's sight, have it look less often, and bound what
    freed memory is kept.

    What was loaded stays anyway, and going through it took 80 ms each time that reading a long list of objects set off
    a full collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    for option, value in ((_ARENA_MAX, _ARENAS), (_MMAP_THRESHOLD, _MAPPED)):
        if hasattr(_libc, "mallopt"):
            _libc.mallopt(option, value)


def keep_trimming() -> None:
    """Give freed memory back to the system every so often, in a thread: a list of 100,000 objects leaves holes. For
    each process once, after it was forked."""
    if hasattr(_libc, "malloc_trim"):
        threading.Thread(target=_trim, name="trim", daemon=True).start()


def _trim() -> None:
    while True:
        time.sleep(_TRIM_SECONDS)
        _libc.malloc_trim(0)


_libc: Any = ctypes.CDLL(None)
