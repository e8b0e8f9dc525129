"""Ten minutes without a keeper, in virtual time: the EndpointSlices stay as they are while pods and nodes change. What
docs/closed-loop.md says of such a time, sentence by sentence, asked with kube-proxy's own rule; `python -m bench
kube-without-keeper` measures it with real ones."""

import random
from dataclasses import replace

import pytest

from sgportal.core.names import ZONE

from .closing import KEY, a_node, a_pod, a_service, decide, reached

SECONDS, EVERY = 600, 7.5
UNITS = ("a", "a", "a", "b", "b", "c", "c", "")  # of the nodes; c has no pods, the last node is in no unit
HEARD, UNHEARD = ("", "z1", "z2"), ("never", "nowhere-yet")


class World:
    """A cluster whose slices were right a moment ago."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.nodes = {
            f"n{i}": a_node(f"n{i}", unit, self.chance.choice(HEARD[: 2 + (i > 3)])) for i, unit in enumerate(UNITS)
        } | {f"z{zone}": a_node(f"z{zone}", "c", zone) for zone in HEARD if zone}
        self.pods = {f"p{i}": a_pod(f"p{i}", self.chance.choice(("n0", "n1", "n2", "n3", "n4"))) for i in range(6)} | {
            "pa": a_pod("pa", "n0"),
            "pb": a_pod("pb", "n3"),
        }
        self.listed = set(self.pods)
        self.slices = decide(a_service(), self.nodes.values(), self.pods.values()).slices
        self.first = {name: reached(self.slices, node) for name, node in self.nodes.items()}
        self.unit = {name: node.labels.get(KEY, "") for name, node in self.nodes.items()}
        self.home = {name: self.unit[pod.node] for name, pod in self.pods.items()}

    def change(self):
        """One of the things that happen all the time at the edge."""
        name = self.chance.choice(sorted(self.first))
        node, what = self.nodes[name], self.chance.randrange(5)
        if what == 0 and self.pods:
            del self.pods[self.chance.choice(sorted(self.pods))]
        elif what == 1:
            fresh = f"new{len(self.pods)}-{self.chance.random()}"
            self.pods[fresh] = a_pod(fresh, name)
        elif what == 2:
            self.nodes[name] = replace(node, labels={**node.labels, KEY: self.chance.choice("abc")})
        elif what == 3:
            self.nodes[name] = replace(node, labels={**node.labels, ZONE: self.chance.choice(HEARD + UNHEARD)})
        else:
            fresh = f"late{len(self.nodes)}"
            self.nodes[fresh] = a_node(fresh, self.chance.choice("abc"), self.chance.choice(HEARD + UNHEARD))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_opens_and_what_was_right_grows_old(seed):
    world = World(seed)
    met = set()
    for _ in range(int(SECONDS / EVERY)):
        world.change()
        for name, node in world.nodes.items():
            served, refused = reached(world.slices, node)
            assert served <= world.listed, "new pods get no calls"
            if name in world.first:
                assert (served, refused) == world.first[name], "in whatever zone, and whatever its label says by now"
                assert {world.home[pod] for pod in served} <= {world.unit[name]} - {""}
                met.add("dead pods keep theirs" if served - world.pods.keys() else "")
                met.add("in its old loop" if node.labels.get(KEY, "") != world.unit[name] and served else "")
            elif node.labels.get(ZONE, "") in UNHEARD:
                met.add("let out")
                assert served == world.listed, "a node that registers in a zone of which nobody had heard is let out"
            else:
                met.add("refused")
                assert (served, refused) == (set(), True), "a node that registers in any other zone is refused"
    assert met >= {"dead pods keep theirs", "in its old loop", "let out", "refused"}
    after = decide(a_service(), world.nodes.values(), world.pods.values(), world.slices).slices
    for node in world.nodes.values():
        served, refused = reached(after, node)
        homes = {world.nodes[world.pods[pod].node].labels.get(KEY, "") for pod in served}
        assert homes == ({node.labels[KEY]} if served else set()), "with a keeper all is right again, at its first look"
        assert refused != bool(served)


def test_a_node_that_was_served_by_a_zone_and_leaves_it_is_let_out():
    """The one way by which a node that was there before gets out: its unit has more nodes than its pods can name."""
    nodes = [a_node(f"a{i:02}", "a", "za") for i in range(9)] + [a_node("b0", "b", "zb")]
    slices = decide(a_service(), nodes, [a_pod("pa", "a00"), a_pod("pb", "b0")]).slices
    beyond = next(node for node in nodes if not _names(slices, node.name))
    assert reached(slices, beyond) == ({"pa"}, False)
    moved = replace(beyond, labels={**beyond.labels, ZONE: "never"})
    assert reached(slices, moved)[0] == {"pa", "pb"}
    assert reached(slices, replace(beyond, labels={**beyond.labels, ZONE: ""})) == (set(), True)


def _names(slices, node):
    return any({"name": node} in endpoint["hints"]["forNodes"] for each in slices for endpoint in each["endpoints"])
