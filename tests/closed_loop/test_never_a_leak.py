"""Never a leak: connections from every node and pod while everything changes that changes at the edge.

Six nodes in four units, one empty of pods, one node without a unit. A call may be answered from its own unit only; in
the moment of a change from the unit before or after it; refused at once where the unit has no endpoint.
"""

import json
import os
import statistics
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kube.network import Call, Caller

from .comparing import Phase, differences, look
from .edge import MERGE, Edge, edge

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.netns,
    pytest.mark.redis,
    pytest.mark.timeout(600),
]
CONNECTIONS = int(os.environ.get("CLOSED_LOOP_CONNECTIONS", "60000"))
PAUSE = float(os.environ.get("CLOSED_LOOP_PAUSE", "0.008"))  # seconds between two calls of a source
UNITS = {"node0": "u1", "node1": "u2", "node2": "u2", "node3": "u3", "node4": "u4", "node5": ""}
MOMENT = 4.0  # seconds after a change in which kube-proxies may still show what was before it
GRID, SERVICE = "deploymentgrids/default/web", "web"


def manifest(image="img:1"):
    labels = {"app": "web"}
    container = {"name": "c", "image": image, "ports": [{"containerPort": 8080}]}
    template = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    none = {**template, "replicas": 0}
    spec = {"gridUniqKey": "zone1", "template": template, "templatePool": {"none": none}, "templates": {"u3": "none"}}
    return {"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid", "metadata": {"name": "web"}, "spec": spec}


def service():
    template = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    spec = {"gridUniqKey": "zone1", "template": template}
    return {"apiVersion": "superedge.io/v1", "kind": "ServiceGrid", "metadata": {"name": SERVICE}, "spec": spec}


@dataclass
class History:
    """Which node was in which unit when, and when something changed: (start, end, units concerned)."""

    units: dict[str, list[tuple[float, str]]]
    changes: list[tuple[float, float, frozenset[str]]] = field(default_factory=list)

    def units_of(self, node: str, start: float, end: float) -> set[str]:
        """The units a node was in at some time of a call, the moment of a change included."""
        times = [at for at, _ in self.units[node]]
        first, last = bisect_right(times, start - MOMENT), bisect_right(times, end)
        return {self.units[node][each][1] for each in range(max(first - 1, 0), last)}

    def quiet(self, call: Call, unit: str) -> bool:
        """Whether nothing that concerns a unit was changing while a call was under way."""
        over = call.start + call.millis / 1000
        return not any(begin <= over and call.start <= end and unit in units for begin, end, units in self.changes)

    def around(self, calls: list[Call]) -> list[str]:
        """Calls, each with the seconds since changes that concern any unit began and ended."""

        def since(at: float) -> str:
            return ", ".join(
                f"{at - begin:.1f} to {at - end:.1f} s after {sorted(units)}" for begin, end, units in self.changes
            )

        return [f"{call}: {since(call.start)}" for call in calls[:5]]


class Drill:
    """Changes one thing after another while calls go on."""

    def __init__(self, here: Edge, history: History, caller: Caller) -> None:
        self.here, self.history, self.caller = here, history, caller
        self.phases: list[Phase] = []

    def change(self, name, what, units, settled):
        """Do something; once kube-proxies have followed, hear what the portal says now, and listen to the calls."""
        begin = time.time()
        what()
        self.here.net.wait(settled, 60, "settled")
        self.here.net.proxies_follow(MOMENT)
        self.history.changes.append((begin, time.time(), frozenset(units)))
        self.look(name)

    def look(self, name):
        self.here.net.wait(self._told, 60, "the portal has seen the pods")
        units = {node: spells[-1][1] for node, spells in self.history.units.items()}
        self.phases.append(look(self.here, SERVICE, name, self.caller, units))

    def _told(self):
        """Whether the watch is as far as the API server: after that was restarted it may take some seconds."""
        said = {each["pod"] for row in self.here.proof(SERVICE).values() for each in row["endpoints"]}
        return said == {pod["metadata"]["name"] for pod in self.here.running("app%3Dweb")}

    def ready(self, **wanted):
        """Whether units have so many ready pods and no other."""
        found = Counter(self._unit(pod) for pod in self.here.running("app%3Dweb"))
        return all(found[unit] == count for unit, count in wanted.items())

    def _unit(self, pod):
        return self.history.units[pod["spec"]["nodeName"]][-1][1]

    def annotate(self, pod, value):
        path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}"
        change = {"metadata": {"annotations": {"test.sgportal.example/unready": value}}}
        self.here.net.request("PATCH", path, change, content=MERGE)

    def templates(self, **units):
        self.here.change(GRID, {"spec": {"templates": {"u3": "none", **units}}})

    def move(self, node, unit):
        self.history.units[node].append((time.time(), unit))
        self.here.label(node, zone1=unit)


def run_drill(drill, here):
    everything = {"u1", "u2", "u3", "u4", ""}
    full = lambda n: drill.ready(u1=n, u2=n, u4=n)  # noqa: E731
    replicas = lambda n: here.change(GRID, {"spec": {"template": {"replicas": n}}})  # noqa: E731
    drill.look("as it was made")
    drill.change("scaled up", lambda: replicas(4), everything, lambda: full(4))
    drill.change("scaled down", lambda: replicas(2), everything, lambda: full(2))
    pod = next(each for each in here.running("app%3Dweb") if each["spec"]["nodeName"] == "node0")
    drill.change("a probe fails", lambda: drill.annotate(pod, "true"), {"u1"}, lambda: drill.ready(u1=1))
    drill.change("it passes again", lambda: drill.annotate(pod, "false"), {"u1"}, lambda: drill.ready(u1=2))
    image = {"spec": {"template": manifest("img:2")["spec"]["template"]}}
    drill.change("rolled", lambda: here.change(GRID, image), everything, lambda: rolled(here) and full(2))
    emptied = time.time()
    drill.change("u4 is emptied", lambda: drill.templates(u4="none"), {"u4"}, lambda: drill.ready(u4=0))
    drill.change("u4 is filled", lambda: drill.templates(u4=None), {"u4"}, lambda: drill.ready(u4=2))
    drill.history.changes.append((emptied, time.time(), frozenset({"u4"})))
    drill.change("node2 in u1", lambda: drill.move("node2", "u1"), {"u1", "u2"}, lambda: True)
    drill.change("node2 in u2 again", lambda: drill.move("node2", "u2"), {"u1", "u2"}, lambda: True)
    killed = ("keeper", "worker", "watch")
    for name in killed:
        here.portal.kill(name)
    drill.look("keeper, worker and watch are dead")
    here.start(*killed)
    api = here.net.processes["kube-apiserver"]
    restart = lambda: (api.stop(), api.start(), here.net.until_ready())  # noqa: E731
    drill.change("the API server was restarted", restart, everything, lambda: True)
    drill.change("scaled to three", lambda: replicas(3), everything, lambda: full(3))


def rolled(here):
    return all(pod["spec"]["containers"][0]["image"] == "img:2" for pod in here.pods("app%3Dweb"))


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_whatever_changes_no_answer_comes_from_another_unit(mode, tmp_path, redis_server):
    with edge(tmp_path, mode, list(UNITS), redis_server.url) as here:
        for node, unit in UNITS.items():
            here.label(node, zone1=unit or None)
        here.post("deploymentgrids", manifest())
        here.post("servicegrids", service())
        here.net.wait(lambda: len(here.running("app%3Dweb")) == 6, 40, "the pods run")
        here.clients()
        states = dict.fromkeys(UNITS, "closed") | {"node3": "refusing", "node5": "refusing"}
        here.until_proved(SERVICE, states)
        history = History({node: [(0.0, unit)] for node, unit in UNITS.items()})
        sources = here.net.sources(list(UNITS), "app%3Dclient")
        node_of = {f"node/{node}": node for node in UNITS}
        node_of |= {f"pod/{pod['metadata']['name']}": pod["spec"]["nodeName"] for pod in here.pods("app%3Dclient")}

        target = f"{here.address(f'{SERVICE}-svc')}:80"
        caller = here.net.caller(target, sources, pause=PAUSE)
        drill = Drill(here, history, caller)
        run_drill(drill, here)
        here.net.wait(lambda: len(caller.calls) >= CONNECTIONS, 300, f"{CONNECTIONS} connections")
        calls = caller.stop()
        here.until_proved(SERVICE, states)
        table = judged(calls, history, node_of)
        table["differences"] = [words for phase in drill.phases for words in differences(phase, calls, node_of)]
        table["compared"] = sum(len(list(phase.calls(calls))) for phase in drill.phases)
        keep(mode, table, history)
        assert history.around(table["leaks"]) == [], "answered by another unit"
        assert table["differences"] == [], "what the portal computes is what the connections show"
        assert history.around(table["failures"]) == [], "failed where the unit had a ready pod and nothing changed"
        assert table["refused"] > 0
        assert table["refusal from a node, ms (median, p99)"][0] <= 50
        assert table["connections"] >= CONNECTIONS


def judged(calls, history, node_of):
    """The table of an experiment."""
    leaks, failures, refusals, kinds = [], [], defaultdict(list), Counter()
    slow = [call for call in calls if call.node and call.millis > 900]
    for call in calls:
        node = node_of[call.source]
        own = history.units_of(node, call.start, call.start + call.millis / 1000)
        kinds[call.error or "answered"] += 1
        if call.node:
            theirs = history.units_of(call.node, call.start, call.start + call.millis / 1000)
            if not own & theirs - {""}:
                leaks.append(call)
        elif own & {"u1", "u2", "u4"} and all(history.quiet(call, unit) for unit in own):
            failures.append(call)
        elif call.error == "refused" and own <= {"u3", ""}:
            refusals[call.source.partition("/")[0]].append(call.millis)
    node_times = refusals["node"]
    return {
        "connections": len(calls),
        **dict(kinds),
        "answered after more than 0.9 s": len(slow),
        "leaks": leaks,
        "failures": failures,
        "refusal from a node, ms (median, p99)": (
            statistics.median(node_times),
            statistics.quantiles(node_times, n=100)[98],
        ),
        "refusal from a pod that calls all the time, ms (median)": statistics.median(refusals["pod"]),
    }


def keep(mode, table, history):
    """Leave the table where CLOSED_LOOP_RESULTS says."""
    shown = {**table, "leaks": len(table["leaks"]), "failures": len(table["failures"])}
    shown["examples"] = [repr(each) for each in (*table["leaks"][:20], *table["failures"][:20])]
    shown["changes"] = [(begin, end, sorted(units)) for begin, end, units in history.changes]
    keep_figures(mode, shown)


def keep_figures(name, figures):
    """The same for any figures."""
    if folder := os.environ.get("CLOSED_LOOP_RESULTS"):
        (Path(folder) / f"{name}.json").write_text(json.dumps(figures, indent=1))


def test_ten_nodes_with_one_pod_are_served_by_a_zone_of_their_own(tmp_path, redis_server):
    """A hint names eight nodes; the other two are refused until the unit's nodes carry a zone that no other has."""
    nodes = [f"node{number}" for number in range(11)]
    with edge(tmp_path, "nftables", nodes, redis_server.url) as here:
        for node in nodes:
            here.label(node, zone1="other" if node == "node10" else "big")
        grid = manifest()
        grid["spec"] |= {"templates": {"other": "none"}}
        grid["spec"]["template"]["replicas"] = 1
        here.post("deploymentgrids", grid)
        here.post("servicegrids", service())
        here.net.wait(lambda: len(here.running("app%3Dweb")) == 1, 40, "the pod runs")
        target = f"{here.address(f'{SERVICE}-svc')}:80"
        here.until_proved(SERVICE, {"node10": "refusing"})
        said = Counter(row["state"] for row in here.proof(SERVICE).values())
        assert said == {"closed": 8, "refusing": 3}
        assert met(here, target, nodes) == {node: row["state"] == "closed" for node, row in here.proof(SERVICE).items()}
        for node in nodes[:10]:
            here.label(node, **{"topology.kubernetes.io/zone": "big"})
        here.until_proved(SERVICE, dict.fromkeys(nodes[:10], "closed"))
        assert met(here, target, nodes) == {node: node != "node10" for node in nodes}


def met(here, target, nodes):
    """Whether each node is answered, always."""
    calls = here.net.caller(target, {node: here.net.namespace(node) for node in nodes}, count=50).finish()
    found = defaultdict(set)
    for call in calls:
        found[call.source].add(bool(call.node))
    assert all(len(each) == 1 for each in found.values())
    return {node: each == {True} for node, each in found.items()}
