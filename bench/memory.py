"""What the processes of the portal hold while 5,000 nodes and 50 grids of 200 units are made and swept over."""

import threading

from . import stage
from .resync import make, sweep

GRIDS = 50
TOGETHER = "worker, watch and keeper together"


def run(world: str) -> dict[str, float]:
    """`{process: MiB}`: the most that each process, with all that it started, held at once (PSS, so that pages which
    several share count once), and the most that all held together."""
    units = int(world.partition("x")[2])
    with stage.stage(world), stage.portal("watch", "worker", "keeper") as running:
        peaks = {**dict.fromkeys(running, 0.0), TOGETHER: 0.0}
        over = threading.Event()

        def follow() -> None:
            while not over.wait(1):
                now = {name: stage.memory(pid) for name, pid in running.items()}
                for name, size in {**now, TOGETHER: sum(now.values())}.items():
                    peaks[name] = max(peaks[name], size)

        following = stage.in_background(follow)
        make(units, GRIDS)
        sweep(GRIDS)
        over.set()
        following.join()
        rest = sum(map(stage.memory, running.values()))
        return {**peaks, "all of them afterwards": rest}
