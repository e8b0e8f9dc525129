"""The status of a ServiceGrid: as bad as the worse of its Service and of its closed loop in each NodeUnit."""

from ..health import State
from ..plans.contest import CONTESTED
from ..text import say
from ..traffic.proof.loop import Loop, UnitLoop
from .conditions import loop_conditions
from .parts import UnitStatus, Whole
from .status import GridStatus, Observed, status_of

_STATES: dict[str, State] = {
    "leaking": "Degraded",
    "refusing": "Degraded",
    "unknown": "Unknown",
    "open": "Ready",
    "closed": "Ready",
}
_ON_THE_WAY = ("ServiceNotFound", "EndpointSlicesNotSeen")  # unknown, because it is only just being made


def service_status(observed: Observed, loop: Loop, closure: str = "") -> GridStatus:
    """The status from what was observed of the Service, which is kept in its units as `closure` says, and of its loop.
    The Service itself, which all units share, stands under the unit ""."""
    shown = {"closure": closure, "nodes": dict(loop.nodes), "foreignSlices": len(loop.strangers)}
    units = (_service(observed), *(_unit(each) for each in loop.units))
    return status_of(units, Whole(loop=loop_conditions(loop), shown=shown))


def _service(observed: Observed) -> UnitStatus:
    finding = min(observed.findings, key=lambda each: each.reason == CONTESTED, default=None)
    if finding:
        state: State = "Degraded" if finding.reason == CONTESTED else "Blocked"
        return UnitStatus("", state, finding.reason, finding.sentence)
    if observed.live and observed.pending:
        return UnitStatus("", "Progressing", "Updating", say("a change to the Service is pending"))
    if observed.live:
        return UnitStatus("", "Ready", "ServiceExists", say("the Service exists"))
    return UnitStatus("", "Progressing", "Creating", say("the Service is not created yet"))


def _unit(loop: UnitLoop) -> UnitStatus:
    state = "Progressing" if loop.reason in _ON_THE_WAY else _STATES[loop.state]
    return UnitStatus(loop.unit, state, loop.reason, loop.sentence, nodes=loop.nodes, served=loop.served)
