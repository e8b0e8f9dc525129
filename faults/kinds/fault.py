"""What a fault is, and the list of them."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..setting import Setting


@dataclass(frozen=True)
class Fault:
    """A fault: `run` lets it happen and takes it back again, while work goes on. `lacks` says what is not here that it
    needs, "" where nothing is. `excused`: processes may end by themselves in it and are begun anew. `explains`: the
    words of a refusal that this fault is the reason for, "" where it is none of any."""

    name: str
    what: str
    run: Callable[[Setting], None]
    lacks: Callable[[], str] = lambda: ""
    excused: bool = False
    explains: str = ""

    def is_reason_for(self, refusal: str) -> bool:
        """Whether a request was refused because of this fault, and the answer says so."""
        return bool(self.explains) and self.explains in refusal


_all: dict[str, Fault] = {}


def fault(
    name: str, what: str, lacks: Callable[[], str] = lambda: "", excused: bool = False, explains: str = ""
) -> Callable[[Callable[[Setting], None]], Callable[[Setting], None]]:
    """Add a function to the list of faults."""

    def add(run: Callable[[Setting], None]) -> Callable[[Setting], None]:
        _all[name] = Fault(name, what, run, lacks, excused, explains)
        return run

    return add


def every() -> Mapping[str, Fault]:
    """The faults by name, in the order in which they are tried."""
    from .. import kinds

    for module in pkgutil.iter_modules(kinds.__path__):
        importlib.import_module(f"{kinds.__name__}.{module.name}")
    return _all
