"""A volume is full."""

import contextlib
import os
import time
from pathlib import Path

import psycopg

from ..setting import Setting
from .fault import fault


def _lacks() -> str:
    return "" if os.geteuid() == 0 else "root, to mount small volumes"


def _fill(volume: Path) -> Path:
    """A file that takes all the room that is left."""
    filler = volume / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    return filler


@fault("disk-database", "the volume of PostgreSQL is full for 20 s, its log of writes included", _lacks)
def disk_database(at: Setting) -> None:
    """It cannot write its log, ends, and is begun anew once there is room."""
    filler = _fill(at.postgres.home)
    began = time.monotonic()
    while time.monotonic() - began < 20:
        with contextlib.suppress(psycopg.Error):
            at.rows("SELECT pg_switch_wal()")  # the next part of its log needs room
        time.sleep(1)
    ended = at.postgres.process.poll() if at.postgres.process else None
    filler.unlink()
    at.note("PostgreSQL had ended" if ended is not None else "PostgreSQL had stayed")
    if ended is not None:
        at.postgres.start()


@fault("disk-log", "the volume that one of each process writes its log to is full, for 20 s", _lacks)
def disk_log(at: Setting) -> None:
    """Nothing can be said, and the work goes on."""
    names, kept = [f"{service}-0" for service in ("web", "worker", "watch", "keeper")], at.portal.folder
    volume = at.folder / "small"
    volume.mkdir(exist_ok=True)
    at.mount(volume, "1m")
    _fill(volume)
    for name in names:
        at.stop(name)
    with at.paused():
        at.portal.folder = volume
        for name in names:
            at.begin(name)
        at.portal.folder = kept
    time.sleep(20)
    for name in names:
        at.kill(name)
    at.until(lambda: at.listens("web-0"), "the web is back")
    at.unmount(volume)
