"""Having rollouts looked at: under a work key for each grid, `rollouts/<path of the grid>`."""

from collections.abc import Iterable

from ...models import Grid
from . import workqueue

KIND = "rollouts"


def key_of(path: str) -> str:
    """The work key of the rollout of the grid at a path."""
    return f"{KIND}/{path}"


def wake(grids: Iterable[Grid]) -> None:
    """Have the rollouts of these grids looked at now, however long they would have waited, in the transaction of the
    caller."""
    if keys := {key_of(grid.path) for grid in grids}:
        workqueue.enqueue(keys)
