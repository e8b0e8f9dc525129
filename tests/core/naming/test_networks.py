"""Where the questions of a NodeUnit come from: its own addresses, and none that another has a share in."""

import pytest

from sgportal.core.naming.networks import Asking, sources


def node(name, unit, *networks, placed=True):
    return Asking(name, unit, networks, placed)


CASES = [
    ([], {}, ()),
    ([node("n", "a", "10.0.1.0/24", "192.168.0.7")], {"a": ["10.0.1.0/24", "192.168.0.7/32"]}, ()),
    # Neighbours of one NodeUnit become one network; those of two do not.
    ([node("n", "a", "10.0.0.0/24"), node("m", "a", "10.0.1.0/24")], {"a": ["10.0.0.0/23"]}, ()),
    ([node("n", "a", "10.0.0.0/24"), node("m", "b", "10.0.1.0/24")], {"a": ["10.0.0.0/24"], "b": ["10.0.1.0/24"]}, ()),
    # Sites behind NAT have the same addresses: nobody's.
    (
        [node("n", "a", "10.0.1.0/24", "192.168.0.7"), node("m", "b", "10.0.2.0/24", "192.168.0.7")],
        {"a": ["10.0.1.0/24"], "b": ["10.0.2.0/24"]},
        ("m", "n"),
    ),
    # Within one NodeUnit that does no harm.
    ([node("n", "a", "192.168.0.7"), node("m", "a", "192.168.0.7")], {"a": ["192.168.0.7/32"]}, ()),
    # One within another, however deep, and past one that is the NodeUnit's own.
    ([node("n", "a", "10.0.0.0/8"), node("m", "b", "10.9.9.0/24")], {}, ("m", "n")),
    ([node("n", "a", "10.0.0.0/8", "10.9.0.0/16"), node("m", "b", "10.9.9.9")], {}, ("m", "n")),
    (
        [node("n", "a", "10.0.0.0/16", "10.0.1.0/24"), node("m", "b", "10.1.0.0/16")],
        {"a": ["10.0.0.0/16"], "b": ["10.1.0.0/16"]},
        (),
    ),
    # A node without a network for its pods, or with what nobody can read, is known by what there is.
    ([node("n", "a", "192.168.0.7", placed=False)], {"a": ["192.168.0.7/32"]}, ("n",)),
    ([node("n", "a", "10.0.1.0/24", "edge.example')", "::1")], {"a": ["10.0.1.0/24"]}, ("n",)),
    ([node("n", "a", "fd00:1::/64", "10.0.1.0/24")], {"a": ["10.0.1.0/24", "fd00:1::/64"]}, ()),
]


@pytest.mark.parametrize(("nodes", "own", "unknown"), CASES)
def test_a_network_is_one_units_or_nobodys(nodes, own, unknown):
    found = sources(nodes)
    assert {unit: [str(each) for each in networks] for unit, networks in found.of_unit.items()} == own
    assert found.unknown == unknown
    assert sources(reversed(nodes)) == found
