"""What processes that run for weeks do once they are set up."""

import gc
from typing import Any


def freeze(**_signal: Any) -> None:
    """Take what was loaded at the start out of the garbage collector's sight. It stays anyway, and going through it
    took 80 ms each time that reading a long list of objects set off a full collection."""
    gc.collect()
    gc.freeze()
