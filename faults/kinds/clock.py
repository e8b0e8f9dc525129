"""The wall clock of some processes jumps, as after a wrong time server: `clock.c` is loaded before the C library's own
functions, so that the interpreter, PostgreSQL and all their libraries are told another time."""

import contextlib
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ..setting import Setting
from .fault import fault

SOURCE = Path(__file__).parents[1] / "clock.c"
HOUR = 3600
SECONDS = 15  # between two jumps
SKEW = 600


def _lacks() -> str:
    return "" if shutil.which("cc") else "a C compiler"


class Clock:
    """A clock that can be set wrong. `environment` is what a process must be begun with to have it."""

    def __init__(self, folder: Path) -> None:
        library, self._shift = folder / "clock.so", folder / "shift"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self._shift.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(self._shift)}

    def jump(self, seconds: int) -> None:
        """So many seconds from the true time, at once."""
        with self._shift.open("r+b") as file:
            file.write(struct.pack("q", seconds))


@contextlib.contextmanager
def a_clock() -> Iterator[Clock]:
    """A clock in a folder that every user may read."""
    with tempfile.TemporaryDirectory(prefix="sgportal-clock-") as folder:
        Path(folder).chmod(0o755)
        yield Clock(Path(folder))


def _jumps(at: Setting, clock: Clock) -> None:
    for seconds in (HOUR, 0, -HOUR, 0):
        clock.jump(seconds)
        at.note(f"{seconds:+d} s")
        time.sleep(SECONDS)


@fault(
    "clock-portal",
    "the clock of one of each process jumps an hour ahead, back, an hour behind, back, each for 15 s",
    _lacks,
)
def clock_portal(at: Setting) -> None:
    """The acting watch and keeper are among them."""
    with a_clock() as clock:
        names = ["worker-0", "web-0", at.holder("watch") or "watch-0", at.holder("keeper") or "keeper-0"]
        at.preset.update(dict.fromkeys(names, clock.environment))
        for name in names:
            at.kill(name)
        others = [other for name in names for other in at.each(name.partition("-")[0]) if other != name]
        time.sleep(6)
        for name in others:  # those with the wrong clock act
            if name.startswith(("watch", "keeper")):
                at.kill(name)
        at.until(lambda: at.listens("web-0"), "the web is back")
        _jumps(at, clock)
        at.preset.clear()
        for name in names:
            at.kill(name)
        at.until(lambda: all(map(at.listens, at.each("web"))), "the web is back")


@fault("clock-skew", "the clock of one worker is ten minutes ahead, the other's ten minutes behind, for 40 s", _lacks)
def clock_skew(at: Setting) -> None:
    """They take keys from one another."""
    with contextlib.ExitStack() as stack:
        for name, seconds in zip(at.each("worker"), (SKEW, -SKEW), strict=False):
            clock = stack.enter_context(a_clock())
            clock.jump(seconds)
            at.preset[name] = clock.environment
            at.kill(name)
        time.sleep(40)
        at.preset.clear()
        for name in at.each("worker"):
            at.kill(name)


@fault(
    "clock-database", "the clock of PostgreSQL jumps an hour ahead, back, an hour behind, back, each for 15 s", _lacks
)
def clock_database(at: Setting) -> None:
    """Leases and times of the work are by its clock."""
    with a_clock() as clock:
        at.postgres.stop()
        at.postgres.environment = clock.environment
        at.postgres.start()
        time.sleep(5)
        _jumps(at, clock)
        at.postgres.stop()
        at.postgres.environment = None
        at.postgres.start()
