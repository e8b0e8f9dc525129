"""Switching the mode of a live Service while every node and pod calls it: a call that the mode before and the mode
after both answer is answered all the while, by nobody that neither allows. And what each mode does, once it holds.

Six pods in two units (u1, u2), one unit without pods (u3), one node without a unit.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from tests.services import wait_for

from .comparing import Phase, differences, look
from .edge import edge
from .test_never_a_leak import SERVICE, manifest, service

pytestmark = [pytest.mark.kubernetes, pytest.mark.netns, pytest.mark.redis, pytest.mark.timeout(300)]
UNITS = {"node0": "u1", "node1": "u2", "node2": "u2", "node3": "u3", "node4": ""}
SERVED = {"u1", "u2"}  # units with ready pods
MOMENT = 2.5  # seconds after the cluster holds a mode in which kube-proxies may still follow the one before
GRID = f"servicegrids/default/{SERVICE}"
OWN = dict.fromkeys(("node0", "node1", "node2"), "closed")
MODES = {
    "open": dict.fromkeys(UNITS, "open"),
    "wrapper": OWN | dict.fromkeys(("node3", "node4"), "refusing"),
    "strict": OWN | dict.fromkeys(("node3", "node4"), "refusing"),
    "failover": OWN | {"node3": "open", "node4": "refusing"},
    "prefer": OWN | {"node3": "open", "node4": "open"},
}
ORDER = ("wrapper", "strict", "failover", "prefer", "strict", "open", "strict")  # after open


def allowed(mode, unit):
    """The units that may answer a node of a unit; none is a refusal. SuperEdge's wrapper runs on no node here, and
    without it mode wrapper keeps nothing."""
    if mode in ("open", "wrapper") or (mode == "prefer" and unit not in SERVED):
        return SERVED
    if unit in SERVED:
        return {unit}
    return {"u1"} if mode == "failover" and unit else set()


@dataclass
class Switches:
    """Which mode was asked for when; `phases` are the quiet times after."""

    spells: list[tuple[float, str]] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

    def modes(self, call):
        """The modes that may have held for a call, those between which the Service was just being switched included."""
        begun = [at for at, _ in self.spells]
        first = bisect_right([at + MOMENT for at in self.held], call.start)
        last = bisect_right(begun, call.start + call.millis / 1000)
        return [mode for _, mode in self.spells[max(first - 1, 0) : last]]

    def switch(self, here, mode, caller):
        self.spells.append((time.time(), mode))
        here.change(GRID, {"spec": {"closure": {"mode": mode, "failover": ["u1"] if mode == "failover" else None}}})
        self.listen(here, mode, caller)

    def listen(self, here, mode, caller):
        wait_for(lambda: holds(here, mode), 30, f"mode {mode} holds", 0.1)
        self.held.append(time.time())
        time.sleep(MOMENT)
        self.phases.append(look(here, SERVICE, f"{len(self.phases)} {mode}", caller, UNITS))


def holds(here, mode):
    rows = here.proof(SERVICE)
    return all(
        row["observed"] and row["mode"] == mode and row["state"] == MODES[mode][node] for node, row in rows.items()
    )


def prepared(here):
    """The grids, with clients on every node; what calls, by its node."""
    for node, unit in UNITS.items():
        here.label(node, zone1=unit or None)
    here.post("deploymentgrids", manifest())
    grid = service()
    grid["spec"]["closure"] = {"mode": "open"}
    here.post("servicegrids", grid)
    here.net.wait(lambda: len(here.running("app%3Dweb")) == 4, 40, "the pods run")
    here.clients()
    pods = {f"pod/{pod['metadata']['name']}": pod["spec"]["nodeName"] for pod in here.pods("app%3Dclient")}
    return {f"node/{node}": node for node in UNITS} | pods


@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
def test_whatever_the_mode_becomes_what_both_modes_answer_is_answered(proxy, tmp_path, redis_server):
    with edge(tmp_path, proxy, list(UNITS), redis_server.url) as here:
        node_of = prepared(here)
        target = f"{here.address(f'{SERVICE}-svc')}:80"
        here.net.wait(lambda: all(here.net.call(node, f"http://{target}/") for node in UNITS), 20, "all are answered")
        caller = here.net.caller(target, here.net.sources(list(UNITS), "app%3Dclient"), pause=0.004)
        switches = Switches([(time.time(), "open")])
        switches.listen(here, "open", caller)
        for mode in ORDER:
            switches.switch(here, mode, caller)
        calls = caller.stop()
        assert len(calls) > 10_000
        assert amiss(calls, switches, node_of) == []
        for phase in switches.phases:
            if phase.name.endswith("wrapper"):
                assert {call.node for call in phase.calls(calls)} == {"node0", "node1", "node2"}
            else:
                assert differences(phase, calls, node_of) == []


def amiss(calls, switches, node_of):
    """Calls that failed though every mode that may have held would answer them, or were answered by one that none
    allows."""
    found = defaultdict(list)
    for call in calls:
        modes = switches.modes(call)
        answers = [allowed(mode, UNITS[node_of[call.source]]) for mode in modes]
        if call.error and set.intersection(*map(set, answers)):
            found[call.source, call.error, *modes].append(call)
        elif call.node and UNITS[call.node] not in set.union(*map(set, answers)):
            found[call.source, call.node, *modes].append(call)
    return [(*what, len(several), several[0].start) for what, several in found.items()]
