"""What people are told of outside the portal: one finding for each cause, and whom it concerns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..text import Sentence, say
from .scope import Bounds

TOPICS = ("units", "rollouts", "closure", "queue")
RESOLVED = say("Resolved: %(what)s")
TEST = say("This is a test of notifications from sgportal.")
SUMMARY = say("%(count)s news from sgportal")
MORE = say("and %(count)s more")
# Phases of a rollout that somebody has to look at, and what is said of them.
ROLLOUT_PHASES: Mapping[str, Sentence] = {
    "Halted": say("the rollout of %(path)s has halted"),
    "RollingBack": say("the rollout of %(path)s failed and is rolling back"),
    "RolledBack": say("the rollout of %(path)s failed and was rolled back"),
}
_DOWN = say("NodeUnit %(unit)s is down: none of its nodes is ready (%(count)s)")
_LEAKS = say("traffic to %(path)s leaves its NodeUnit on some nodes (%(count)s)")
_WAITS = say("work has been waiting for more than %(minutes)s minutes; are workers alive?")


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause: `id` is the same as long as it lasts. `key` and `unit` are the NodeUnit that it is about, `kind` and
    `namespace` the grid; what is "" it has nothing to do with."""

    id: str
    topic: str
    sentence: Sentence
    key: str = ""
    unit: str = ""
    kind: str = ""
    namespace: str = ""


def units_down(members: Mapping[tuple[str, str], Iterable[str]]) -> list[Finding]:
    """One finding for each site of which no node is ready, from its nodes by (label key, NodeUnit). NodeUnits of
    several keys that are the same nodes are one site."""
    sites: dict[tuple[str, ...], tuple[str, str]] = {}
    for key, unit in sorted(members):
        sites.setdefault(tuple(sorted(members[key, unit])), (key, unit))
    return [
        Finding(f"units/{key}={unit}", "units", _DOWN.having(unit=unit, count=len(nodes)), key, unit)
        for nodes, (key, unit) in sites.items()
    ]


def rollout_stuck(path: str, phase: str, key: str, kind: str, namespace: str) -> Finding:
    """A rollout in one of ROLLOUT_PHASES, of a grid or of the ServiceGroup that it is in."""
    sentence = ROLLOUT_PHASES[phase].having(path=path)
    return Finding(f"rollouts/{path}/{phase}", "rollouts", sentence, key, "", kind, namespace)


def closure_leaks(path: str, nodes: int, key: str, namespace: str) -> Finding:
    """A ServiceGrid whose traffic leaves the NodeUnit on so many nodes."""
    sentence = _LEAKS.having(path=path, count=nodes)
    return Finding(f"closure/{path}", "closure", sentence, key, "", "ServiceGrid", namespace)


def queue_old(minutes: int) -> Finding:
    """Work that nobody has begun for so long."""
    return Finding("queue", "queue", _WAITS.having(minutes=minutes))


def concerns(bounds: Bounds, found: Finding) -> bool:
    """Whether somebody whose rights are within these bounds is told. What is about a NodeUnit is not about a namespace;
    what is about neither is for those without bounds."""
    if bounds.is_all:
        return True
    if found.kind:
        return not bounds.units and bounds.takes(found.kind, found.namespace, found.key)
    if not found.unit or bounds.void:
        return False
    return bounds.key in ("", found.key) and (not bounds.units or found.unit in bounds.units)
