"""What is amiss with the pods behind plain Services of single NodeUnits."""

from sgportal.core.names import UNIT
from sgportal.core.traffic.front import misplaced_pods

SELECTOR = {"app": "web"}
UNIT_OF = {"node0": "a", "node1": "b", "node2": ""}


def amiss(*pods):
    return [(unit, reason) for unit, reason, _ in misplaced_pods(SELECTOR, UNIT_OF, pods)]


def test_pods_with_the_label_of_their_own_unit_are_well():
    assert amiss(({"app": "web", UNIT: "a"}, "node0"), ({"app": "web", UNIT: "b"}, "node1")) == []


def test_pods_without_the_label_are_told_at_the_unit_of_their_node():
    assert amiss(({"app": "web"}, "node0"), ({"app": "web"}, "node0"), ({"app": "web"}, "node2")) == [
        ("a", "PodsWithoutUnitLabel")
    ]


def test_pods_that_run_elsewhere_are_told_at_the_unit_of_their_label():
    assert amiss(({"app": "web", UNIT: "a"}, "node1"), ({"app": "web", UNIT: "a"}, "node2")) == [("a", "PodsElsewhere")]


def test_other_pods_do_not_matter():
    assert amiss(({"app": "db", UNIT: "a"}, "node1"), ({"app": "db"}, "node0")) == []
