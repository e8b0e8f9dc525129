"""What the processes of the portal hold at their most while 5,000 nodes and 20 grids are under care."""

import time
from collections.abc import Iterator
from pathlib import Path

from . import stage

GRIDS = 20


def run(world: str) -> dict[str, float]:
    """`{process: MiB}`: the largest resident size of each process, or of the largest of its children, as the kernel
    counts it."""
    units = int(world.partition("x")[2])
    with stage.stage(world), stage.portal() as running:
        for number in range(GRIDS):
            stage.save(stage.grid(f"web{number:02}", replicas=0))
        stage.wait(lambda: len(stage.deployments("web")) == GRIDS * units, 600, "all children", pause=3)
        time.sleep(5)
        return {name: max(map(_peak, family(pid))) for name, pid in running.items()}


def family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
