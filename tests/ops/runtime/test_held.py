"""On PostgreSQL the brake on deletions holds, however many processes count at once, and a person decides for some
sites."""

import json

import pytest

from tests.services import wait_for

from .workers import World

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]
GRIDS, UNITS = 4, 10
MAY_GO = 12  # 30 percent of the forty workloads; of one grid three of ten
HELD = """
import json
from sgportal.models import ChildDeletion, GridUnit
print(json.dumps([GridUnit.objects.filter(retirement="held").count(), ChildDeletion.objects.count()]))
"""


@pytest.fixture
def world(embedded_cluster, postgres_server, tmp_path):
    cluster = embedded_cluster(f"large:{UNITS}x{UNITS}")
    grace = {"SGPORTAL_ORPHAN_GRACE_SECONDS": "1"}
    made = World(tmp_path, cluster, UNITS, postgres_server.url(), "", **grace)
    yield made
    made.portal.stop()


def _unlabel(world, names):
    store = world.cluster.store
    for name in names:
        body = store.get("nodes", "", name)
        labels = {key: value for key, value in body["metadata"]["labels"].items() if key != "site"}
        fresh = {**body, "metadata": {**body["metadata"], "labels": labels}}
        world.cluster.call(lambda fresh=fresh: store.put("nodes", fresh))


def _sites(world):
    """The node of each site."""
    nodes = world.cluster.call(lambda: list(world.cluster.store.each("nodes")))
    return {each["metadata"]["labels"]["site"]: each["metadata"]["name"] for each in nodes}


def test_no_more_goes_than_may_whoever_counts_and_a_person_decides_for_some_sites(world):
    world.start("watch", "worker", "worker2")
    world.web()
    world.create(0, GRIDS)
    wait_for(lambda: world.settled(GRIDS), 150, "all is there")
    sites = _sites(world)
    asked = {"nodes": list(sites.values()), "remove": ["site"]}
    status, shown = world.ask("/api/v1/nodes/label?dryRun=All", asked)
    assert (status, len(shown["held"])) == (200, GRIDS)

    _unlabel(world, sites.values())
    everything = GRIDS * UNITS

    def all_is_counted():
        held, gone = json.loads(world.portal.python(HELD))
        return held + gone == everything

    wait_for(all_is_counted, 150, "every workload waits, or has gone")
    left = set(world.deployments())
    assert len(left) >= everything - MAY_GO

    items = world.ask("/api/v1/decisions")[1]["items"]
    waiting = {each["id"]: each["units"] for each in items}
    assert len(waiting) == GRIDS
    chosen = set.intersection(*map(set, waiting.values())).pop()
    decision = {"choice": "delete", "items": list(waiting), "units": [chosen]}
    assert world.ask("/api/v1/decisions", decision)[0] == 200
    wanted = {name for name in left if not name.endswith(f"-{chosen}")}
    wait_for(lambda: set(world.deployments()) == wanted, 150, "the workloads of one site are gone")
    still = {each["grid"]: each["units"] for each in world.ask("/api/v1/decisions")[1]["items"]}
    assert len(still) == GRIDS
    assert all(chosen not in units for units in still.values())
