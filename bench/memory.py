"""What the processes of the portal hold at their most while 5,000 nodes and 20 grids are under care."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import stage

GRIDS = 20


def run(world: str) -> dict[str, Any]:
    """`{process: MiB}`: the largest resident size of each process, as the kernel counts it."""
    from tests.services import free_port, run_redis

    port, folder = free_port(), tempfile.TemporaryDirectory()
    with folder, run_redis(Path(folder.name), port) as redis, stage.stage(world) as home:
        units = int(world.partition("x")[2])
        os.environ |= {"CELERY_BROKER_URL": redis.url, "DATABASE_URL": f"sqlite:///{home}/bench.sqlite3"}
        worker = ["worker", "--include", "sgportal.management.signs", "--concurrency", "4", "-P", "threads"]
        commands = {
            "watch": ["manage.py", "watch"],
            "worker": ["-m", "celery", "-A", "sgportal.reconciler.celery", *worker],
        }
        with contextlib.ExitStack() as stack:
            running = {name: stack.enter_context(_process(command)) for name, command in commands.items()}
            for number in range(GRIDS):
                stage.save(stage.grid(f"web{number:02}", replicas=0))

            def there() -> bool:
                _wake()
                return len(stage.deployments("web")) == GRIDS * units

            stage.wait(there, 600, "all children", pause=3)
            time.sleep(5)
            return {name: _peak(process.pid) for name, process in running.items()}


def _wake() -> None:
    from sgportal.reconciler import work

    work.sweep()


@contextlib.contextmanager
def _process(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
