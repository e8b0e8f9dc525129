"""Switching the mode of a live Service while every node and pod calls it: a call that is answered before and after is
answered all the while, by nobody that neither mode allows. And what each mode does, once it holds.

Four pods in two units (u1, u2), one unit that has pods for a while only (u3), one node without a unit.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from tests.kube.network import Caller
from tests.services import wait_for

from .comparing import Phase, differences, look
from .edge import Edge, edge
from .test_never_a_leak import SERVICE, manifest, service

pytestmark = [pytest.mark.kubernetes, pytest.mark.netns, pytest.mark.redis, pytest.mark.timeout(300)]
UNITS = {"node0": "u1", "node1": "u2", "node2": "u2", "node3": "u3", "node4": ""}
GRID = f"servicegrids/default/{SERVICE}"
OWN = dict.fromkeys(("node0", "node1", "node2"), "closed")
STATES = {
    "open": dict.fromkeys(UNITS, "open"),
    "wrapper": dict.fromkeys(UNITS, "unknown"),
    "strict": OWN | dict.fromkeys(("node3", "node4"), "refusing"),
    "failover": OWN | {"node3": "open", "node4": "refusing"},
    "prefer": OWN | {"node3": "open", "node4": "open"},
}


@dataclass(frozen=True)
class Setting:
    """A mode, and the units that have ready pods."""

    mode: str
    served: frozenset[str] = frozenset(("u1", "u2"))

    def __str__(self):
        return self.mode + ("+" if "u3" in self.served else "")

    @property
    def states(self):
        """What the portal should say of each node."""
        filled = "u3" in self.served and self.mode not in ("open", "wrapper")
        return STATES[self.mode] | ({"node3": "closed"} if filled else {})

    def allowed(self, unit):
        """The units that may answer a node of a unit; none is a refusal. SuperEdge's wrapper runs on no node here, and
        without it mode wrapper keeps nothing."""
        if self.mode in ("open", "wrapper") or (self.mode == "prefer" and unit not in self.served):
            return self.served
        if unit in self.served:
            return {unit}
        return {"u1"} if self.mode == "failover" and unit else frozenset()


OPEN, WRAPPER, STRICT, FAILOVER, PREFER = map(Setting, STATES)
FILLED = frozenset(("u1", "u2", "u3"))
ORDER = (
    WRAPPER,
    STRICT,
    FAILOVER,
    Setting("failover", FILLED),
    Setting("prefer", FILLED),
    PREFER,
    STRICT,
    OPEN,
    STRICT,
)


@dataclass
class Switches:
    """What was asked for when, and since when kube-proxies follow it; `phases` are the quiet times after."""

    here: Edge
    caller: Caller
    pods: dict[str, str]
    spells: list[tuple[float, Setting]]
    followed: list[float] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

    def settings(self, call):
        """What may have held for a call, that between which the Service was just being switched included."""
        first = bisect_right(self.followed, call.start)
        last = bisect_right([at for at, _ in self.spells], call.start + call.millis / 1000)
        return [setting for _, setting in self.spells[max(first - 1, 0) : last]]

    def switch(self, setting):
        before = self.spells[-1][1]
        self.spells.append((time.time(), setting))
        if setting.served != before.served:
            templates = {"u3": None if "u3" in setting.served else "none"}
            self.here.change("deploymentgrids/default/web", {"spec": {"templates": templates}})
        else:
            closure = {"mode": setting.mode, "failover": ["u1"] if setting.mode == "failover" else None}
            self.here.change(GRID, {"spec": {"closure": closure}})
        self.listen()

    def listen(self):
        setting = self.spells[-1][1]
        wait_for(lambda: holds(self.here, setting), 75, f"{setting} holds", 0.1)
        self.here.net.proxies_follow()
        self.followed.append(time.time())
        self.phases.append(look(self.here, SERVICE, str(setting), self.caller, UNITS, self.pods))


def holds(here, setting):
    """Whether the slices in the cluster make the mode, with every pod there should be."""
    rows = here.proof(SERVICE)
    reached = {each["pod"] for row in rows.values() for each in row["endpoints"]}
    return len(reached) == 2 * len(setting.served) and all(
        row["observed"] and (row["mode"], row["state"]) == (setting.mode, setting.states[node])
        for node, row in rows.items()
    )


def prepared(here):
    """The grids, with clients on every node; the pods that call, by their node."""
    for node, unit in UNITS.items():
        here.label(node, zone1=unit or None)
    here.post("deploymentgrids", manifest())
    grid = service()
    grid["spec"]["closure"] = {"mode": "open"}
    here.post("servicegrids", grid)
    here.net.wait(lambda: len(here.running("app%3Dweb")) == 4, 40, "the pods run")
    here.clients()
    return {f"pod/{pod['metadata']['name']}": pod["spec"]["nodeName"] for pod in here.pods("app%3Dclient")}


@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
def test_whatever_the_mode_becomes_what_both_modes_answer_is_answered(proxy, tmp_path, redis_server):
    with edge(tmp_path, proxy, list(UNITS), redis_server.url) as here:
        pods = prepared(here)
        node_of = {f"node/{node}": node for node in UNITS} | pods
        target = f"{here.address(f'{SERVICE}-svc')}:80"
        here.net.wait(lambda: all(here.net.call(node, f"http://{target}/") for node in UNITS), 20, "all are answered")
        caller = here.net.caller(target, here.net.sources(list(UNITS), "app%3Dclient"), pause=0.004)
        switches = Switches(here, caller, pods, [(time.time(), OPEN)])
        switches.listen()
        for setting in ORDER:
            switches.switch(setting)
        calls = caller.stop()
        assert len(calls) > 10_000
        assert [each for each in amiss(calls, switches, node_of) if proxy != "nftables" or not is_lapse(each)] == []
        for phase in switches.phases:
            if phase.name == "wrapper":
                assert {call.node for call in phase.calls(calls)} == {"node0", "node1", "node2"}
            else:
                assert differences(phase, calls, node_of) == []


def amiss(calls, switches, node_of):
    """Calls that failed though whatever may have held would answer them, and whoever did was there all the while; and
    calls that were answered by one that nothing allows."""
    found = defaultdict(list)
    for call in calls:
        settings = switches.settings(call)
        answers = [set(each.allowed(UNITS[node_of[call.source]])) for each in settings]
        union = set().union(*answers)
        ending = settings[0].served - settings[-1].served
        if call.error and all(answers) and not ending & union:
            found[call.source, call.error, *map(str, settings)].append(call)
        elif call.node and UNITS[call.node] not in union:
            found[call.source, call.node, *map(str, settings)].append(call)
    return [(*what, len(several), several[0].start) for what, several in found.items()]


def is_lapse(found):
    """Whether this is one refused call of a source in one switch. A packet that is in a verdict map of nf_tables while
    the rule with the map is replaced finds nothing in it (docs/closed-loop.md); wrong slices stand for a second, and
    refuse dozens of a source's calls."""
    _, what, *_, count, _ = found
    return (what, count) == ("refused", 1)
