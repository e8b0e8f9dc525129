"""Zones change, appear and vanish under connections from every node and pod, with a keeper and without one: nobody is
answered from another unit. kube-proxy knows its own node's new zone before anybody could write a slice.

One node in u1 and two in u2, with pods; u3 has none; one node is in no unit.
"""

import os
import time
from collections import Counter

import pytest

from .edge import MERGE, edge
from .test_never_a_leak import SERVICE, keep_figures, manifest, service

MODES = os.environ.get("CLOSED_LOOP_MODES", "nftables").split(",")
ROUNDS = int(os.environ.get("CLOSED_LOOP_ROUNDS", "1"))
PAUSE = float(os.environ.get("CLOSED_LOOP_PAUSE", "0.004"))
pytestmark = [pytest.mark.kubernetes, pytest.mark.netns, pytest.mark.redis, pytest.mark.timeout(300 + 60 * ROUNDS)]
UNITS = {"node0": "u1", "node1": "u2", "node2": "u2", "node3": "u3", "node4": ""}
STATES = {node: "closed" if unit in ("u1", "u2") else "refusing" for node, unit in UNITS.items()}
EXPECTED, NEVER = "one-day", "never-heard-of"
FOUND_AGAIN = 60.0  # seconds from the start of a keeper until a node that it never heard of is refused, at most


class Zones:
    """Sets zones as kubectl would, past the portal."""

    def __init__(self, here):
        self.here, self.count = here, 0

    def set(self, node, zone):
        change = {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}}
        self.here.net.request("PATCH", f"/api/v1/nodes/{node}", change, content=MERGE)
        time.sleep(0.4)

    def everywhere(self):
        """Every node in a zone that nobody ever had, then in another, then in none."""
        for _ in range(2):
            for node in UNITS:
                self.count += 1
                self.set(node, f"new-{self.count}")
        for node in UNITS:
            self.set(node, None)


def register(here, node, zone):
    here.net.add_node(node, int(node[4:]), **{"topology.kubernetes.io/zone": zone})
    here.net.start_proxy(node)


@pytest.mark.parametrize("mode", MODES)
def test_no_zone_lets_a_call_into_another_unit(mode, tmp_path, redis_server):
    with edge(tmp_path, mode, list(UNITS), redis_server.url, SGPORTAL_EXPECTED_ZONES=EXPECTED) as here:
        for node, unit in UNITS.items():
            here.label(node, zone1=unit or None)
        here.post("deploymentgrids", manifest())
        here.post("servicegrids", service())
        here.net.wait(lambda: len(here.running("app%3Dweb")) == 4, 40, "the pods run")
        here.clients()
        here.until_proved(SERVICE, STATES)
        unit_of = {f"node/{node}": unit for node, unit in UNITS.items()}
        unit_of |= {f"pod/{each['metadata']['name']}": UNITS[each["spec"]["nodeName"]] for each in clients(here)}
        zones, target = Zones(here), f"{here.address(f'{SERVICE}-svc')}:80"
        caller = here.net.caller(target, here.net.sources(list(UNITS), "app%3Dclient"), pause=PAUSE)
        for _ in range(ROUNDS):
            zones.everywhere()
        here.portal.kill("keeper")
        for _ in range(ROUNDS):
            zones.everywhere()
        for node, zone in (("node5", EXPECTED), ("node6", "u2")):
            register(here, node, zone)
            caller.add(f"node/{node}", here.net.namespace(node))
        here.net.wait(lambda: {"node/node5", "node/node6"} <= refused(caller.calls), 75, "new nodes are refused")
        time.sleep(3)
        calls = caller.stop()
        answered = Counter((unit_of.get(call.source, ""), UNITS[call.node]) for call in calls if call.node)
        keep_figures(f"zones-{mode}", {"connections": len(calls), "answered": {str(k): v for k, v in answered.items()}})
        assert set(answered) == {("u1", "u1"), ("u2", "u2")}, "each by its own unit, nobody else at all"
        assert {call.error for call in calls if unit_of.get(call.source, "") in ("u1", "u2")} <= {"", "refused"}
        assert refused(calls) >= {"node/node3", "node/node5", "node/node6"}
        named_by_nobody(here, target)


def named_by_nobody(here, target):
    """What is not closed without a keeper: a node that registers in a zone of which nobody had heard."""
    register(here, "node7", NEVER)
    here.net.wait(lambda: here.net.call("node7", f"http://{target}/"), 20, "it is let out")
    here.start("keeper")
    since, last = time.monotonic(), 0.0
    while time.monotonic() - since < last + 3:
        last = time.monotonic() - since if here.net.call("node7", f"http://{target}/") else last
    keep_figures("zones-late-keeper", {"let out for": last})
    assert last < FOUND_AGAIN


def refused(calls):
    """Whose calls were refused."""
    return {call.source for call in list(calls) if call.error == "refused"}


def clients(here):
    return here.pods("app%3Dclient")
