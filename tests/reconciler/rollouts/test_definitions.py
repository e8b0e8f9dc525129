"""What an API server takes for the tracks of a rollout, by the definitions alone: what our own rules refuse is refused
there as well, and nothing of what is taken is dropped in silence."""

import pytest

from sgportal.cluster.errors import Refused

from ..world import a_grid

pytestmark = pytest.mark.real_only
NORTH = {"name": "north", "waves": [{"name": "canary", "units": ["a"], "approval": True}]}
SOUTH = {"name": "south", "unitSelector": {"matchLabels": {"region": "south"}}}
OWN = {"windows": [{"from": "22:00", "to": "04:00"}], "gates": [{"url": "http://shop/"}]}


def in_a_grid(rollout):
    return a_grid(rollout=rollout)


def in_a_package(rollout):
    spec = {"gridUniqKey": "zone", "grids": [], "rollout": rollout}
    metadata = {"name": "shop", "namespace": "default"}
    return {"apiVersion": "sgportal.superedge.io/v1", "kind": "ServiceGroup", "metadata": metadata, "spec": spec}


def test_tracks_are_kept_whole(world):
    rollout = {"tracks": [{**NORTH, **OWN}, SOUTH], "maxUnavailable": 2}
    assert world.cluster.create(in_a_grid(rollout), dry_run=True)["spec"]["rollout"] == rollout


@pytest.mark.parametrize("own", [NORTH, {**SOUTH, "waves": [{"percent": 10}]}, SOUTH])
def test_tracks_of_a_package_that_choose_their_units_are_kept_whole(world, own):
    rollout = {"tracks": [{**own, **OWN}]}
    assert world.cluster.create(in_a_package(rollout), dry_run=True)["spec"]["rollout"] == rollout


@pytest.mark.parametrize(
    ("body", "rollout", "words"),
    [
        (in_a_grid, {"tracks": [{"name": "north"}]}, "must have units, a unitSelector or waves"),
        (in_a_grid, {"tracks": [{**SOUTH, "name": "rest"}]}, "must not be named rest"),
        (in_a_grid, {"tracks": [{**SOUTH, "name": "2nd"}]}, "should match"),
        (in_a_grid, {"tracks": [NORTH], "waves": []}, "must have the waves in the tracks"),
        (in_a_package, {"tracks": [{**NORTH, "waves": [{"count": 1}]}]}, "must have tracks that choose NodeUnits"),
        (in_a_package, {"tracks": [NORTH], "waves": []}, "must have the waves in the tracks"),
    ],
)
def test_what_our_rules_refuse_is_refused(world, body, rollout, words):
    with pytest.raises(Refused, match=words):
        world.cluster.create(body(rollout), dry_run=True)
