"""The time zone of a NodeUnit. Names of zones are those of the IANA database, from the wheel `tzdata`."""

from zoneinfo import available_timezones

from ..names import TIME_ZONE
from ..overrides.variables import Variables
from ..text import Sentence, say
from ..units import Unit

VARIABLE = "timeZone"  # in `spec.vars` and `spec.unitVars`
_KNOWN: set[str] = set()


def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    if not _KNOWN:
        _KNOWN.update(available_timezones())
    return name in _KNOWN


def time_zone_problem(name: str) -> Sentence | None:
    """Why a text names no time zone."""
    return None if is_time_zone(name) else say("must be a time zone such as “Europe/Berlin”")


def time_zone_of(unit: Unit, variables: Variables, default: str) -> str:
    """Where a unit's clock is: as its variable `timeZone` says, else the label that all of its nodes have, with a dot
    in the place of the slash; a name that is no zone counts as absent."""
    for name in (variables.of(unit.name).get(VARIABLE, ""), unit.labels.get(TIME_ZONE, "").replace(".", "/")):
        if name and is_time_zone(name):
            return name
    return default
