"""Causes are grouped and ordered by the one scale of health."""

from sgportal.core.status.causes import NODE_NOT_READY, NODE_UNKNOWN, Cause, grouped, worst_first


def reasons(causes) -> list[str]:
    return [each.reason for each in causes]


def test_the_worst_state_comes_first_then_what_concerns_most_then_by_name():
    few = Cause("B", "Degraded", cells=1)
    more = Cause("C", "Degraded", cells=5)
    same = Cause("A", "Degraded", cells=1)
    blocked = Cause("Z", "Blocked", cells=1)
    assert reasons(worst_first([few, more, same, blocked])) == ["Z", "C", "A", "B"]


def test_cells_that_suffer_because_of_their_nodes_count_with_the_nodes():
    nodes = [Cause(NODE_UNKNOWN, "Offline", units=1, nodes=3)]
    cells = [Cause("NodesUnreachable", "Offline", cells=4, units=1, grids=4), Cause("X", "Degraded", cells=1)]
    found = grouped(cells, nodes)
    assert reasons(found) == [NODE_UNKNOWN, "X"]
    assert (found[0].nodes, found[0].cells, found[0].grids) == (3, 4, 4)


def test_without_such_nodes_the_cells_are_a_cause_of_their_own():
    cells = [Cause("NodesUnreachable", "Offline", cells=4)]
    assert reasons(grouped(cells, [Cause(NODE_NOT_READY, "NotReady", nodes=1)])) == [NODE_NOT_READY, "NodesUnreachable"]
    assert reasons(grouped(cells, [])) == ["NodesUnreachable"]
