"""The status of a ServiceGrid: as bad as the worse of its Service and of its closed loop in each NodeUnit."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..health import State, severity
from ..plans.contest import CONTESTED
from ..plans.desired import Finding, is_front
from ..text import say
from ..traffic.closure import SLICE_MODES
from ..traffic.proof.loop import Loop, UnitLoop
from ..traffic.readers import external_traffic, readers_sentence
from .conditions import loop_conditions
from .parts import Condition, UnitStatus, Whole
from .status import GridStatus, Observed, finding_state, status_of

_STATES: dict[str, State] = {
    "leaking": "Degraded",
    "refusing": "Degraded",
    "unknown": "Unknown",
    "open": "Ready",
    "closed": "Ready",
}
_ON_THE_WAY = ("ServiceNotFound", "EndpointSlicesNotSeen")  # unknown, because it is only just being made


def service_status(
    observed: Observed,
    loop: Loop,
    closure: str = "",
    readers: Mapping[str, Any] | None = None,
    naming: Mapping[str, Any] | None = None,
) -> GridStatus:
    """The status from what was observed of the Service, which is kept in its units as `closure` says, and of its loop.
    The Service itself, which all units share, stands under the unit "". `readers`: what else reads its EndpointSlices,
    `{named: [...], count: n}`; `naming`: the condition of its names, in JSON."""
    fronts = sorted(each["metadata"]["name"] for each in observed.live if is_front(each))
    shown = {"closure": closure, "nodes": dict(loop.nodes), "foreignSlices": len(loop.strangers)}
    if fronts:
        shown |= {"frontServices": len(fronts)}
    found: dict[str, Finding] = {}
    for each in sorted(observed.findings, key=lambda each: each.reason == CONTESTED):
        found.setdefault(each.unit, each)
    looped = {each.name: each for each in map(_unit, loop.units)}
    units = {name: _with_finding(name, looped.get(name), found.get(name)) for name in looped.keys() | found.keys()}
    units[""] = _service(observed, found.get(""))
    claims = tuple(_others(observed, readers or {})) if closure in SLICE_MODES else ()
    if naming:
        claims += (Condition.from_json(naming),)
    return status_of(units.values(), Whole(loop=loop_conditions(loop), claims=claims, shown=shown))


def _others(observed: Observed, readers: Mapping[str, Any]) -> Iterator[Condition]:
    """What a closed Service is to others than its clients within the cluster, where that is not as they may think."""
    if readers:
        said = readers_sentence(readers["named"], readers["count"])
        yield Condition("OtherReaders", "True", "SlicesRead", said)
    live = next((each for each in observed.live if not is_front(each)), {})
    if outside := external_traffic(live.get("spec") or {}):
        yield Condition("ExternalTraffic", "True", "PolicyCluster", outside)


def _with_finding(name: str, looped: UnitStatus | None, finding: Finding | None) -> UnitStatus:
    """A unit whose loop fares so, where something is the matter with its own Service: the worse of the two."""
    told = UnitStatus(name, finding_state(finding), finding.reason, finding.sentence) if finding else None
    if looped and told:
        told = replace(told, nodes=looped.nodes, served=looped.served)
    return min(filter(None, (told, looped)), key=lambda each: severity(each.state))


def _service(observed: Observed, finding: Finding | None) -> UnitStatus:
    if finding:
        return UnitStatus("", finding_state(finding), finding.reason, finding.sentence)
    live = next((each for each in observed.live if not is_front(each)), None)
    if live and live["metadata"]["name"] in observed.pending:
        return UnitStatus("", "Progressing", "Updating", say("a change to the Service is pending"))
    if live:
        return UnitStatus("", "Ready", "ServiceExists", say("the Service exists"))
    return UnitStatus("", "Progressing", "Creating", say("the Service is not created yet"))


def _unit(loop: UnitLoop) -> UnitStatus:
    state = "Progressing" if loop.reason in _ON_THE_WAY else _STATES[loop.state]
    return UnitStatus(loop.unit, state, loop.reason, loop.sentence, nodes=loop.nodes, served=loop.served)
