"""Workloads whose NodeUnits are gone: few go by themselves, many wait for a person."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from embedded_cluster.world import node
from sgportal import actions
from sgportal.core.units import UnitChange
from sgportal.models import AuditEvent, ChildDeletion, Grid, GridUnit
from sgportal.queries.held import held, held_counts
from sgportal.queries.label_impact import Impact
from sgportal.queries.leaving import would_wait
from sgportal.reconciler.worker import run

from ..world import ADA, World, a_grid, a_template

HOUR = 3600.0


def a_fleet(world: World, units: int, grids: int = 1) -> None:
    """So many sites of one node each, and grids in all of them."""
    for number in range(units):
        body = node(f"n{number}", number, {"zone": f"u{number}"})
        world.embedded.call(lambda body=body: world.embedded.store.put("nodes", body))
    world.look()
    actions.save_grids([a_grid(f"g{n}", template=a_template(app=f"g{n}", replicas=0)) for n in range(grids)], ADA)
    world.settle()
    assert len(world.names()) == units * grids


def unlabel(world: World, *numbers: int) -> None:
    for number in numbers:
        patch = {"metadata": {"labels": {"zone": None}}}
        world.cluster.patch("Node", "", f"n{number}", patch, "application/merge-patch+json")
    world.look()
    world.settle()


def conditions(name: str = "g0") -> dict[str, tuple[str, str]]:
    found = Grid.objects.get(name=name).status["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in found}


@pytest.mark.embedded_only
def test_unlabelling_every_node_of_200_units_deletes_nothing_without_a_person(world: World) -> None:
    a_fleet(world, 200)
    before = world.names()
    unlabel(world, *range(200))
    for _ in range(3):
        world.later(10 * HOUR)
    world.resync()
    assert world.names() == before
    assert conditions()["DeletionsHeld"] == ("True", "WaitingForDecision")
    assert "DeletionsHeld" in {each["type"] for each in world.get("g0", "DeploymentGrid")["status"]["conditions"]}
    assert held_counts() == {"child-deletion": 200}
    (item,) = held()
    assert (item.grid.name, len(item.units), item.choices) == ("g0", 200, ("keep", "delete"))
    actions.decide_held("delete", [item.id], ADA)
    world.settle()
    assert world.names() == []
    assert AuditEvent.objects.get(verb="delete").before == {"waiting": "child-deletion", "units": sorted(item.units)}
    assert not held()
    assert "DeletionsHeld" not in conditions()
    assert not ChildDeletion.objects.exists()  # what a person decided does not count


@pytest.mark.embedded_only
def test_one_site_of_ten_goes_by_itself_after_the_grace_time(world: World) -> None:
    a_fleet(world, 10, grids=4)
    unlabel(world, 3)
    assert len(world.names()) == 40
    world.later(HOUR + 1)
    assert len(world.names()) == 36
    assert not held()
    assert conditions() == conditions("g1")
    assert "DeletionsHeld" not in conditions()


@pytest.mark.embedded_only
def test_sites_that_go_one_after_the_other_count_together(world: World) -> None:
    """Ten sites, of which three may go; in the rest of the day no more, whatever is restarted."""
    a_fleet(world, 10)
    for number in range(5):
        unlabel(world, number)
        world.later(HOUR + 1)
    assert world.names() == [f"g0-u{n}" for n in range(3, 10)]
    (item,) = held()
    assert item.units == ("u3", "u4")
    ChildDeletion.objects.update(at=timezone.now() - timedelta(seconds=86401))
    unlabel(world, 5)  # the day is over
    world.later(HOUR + 1)
    assert world.names() == [f"g0-u{n}" for n in (3, 4, 6, 7, 8, 9)]
    unlabel(world, 6)
    world.later(HOUR + 1)
    assert held()[0].units == ("u3", "u4", "u6")  # those that wait count with the one that went
    actions.decide_held("keep", [held()[0].id], ADA)
    world.settle()
    unlabel(world, 7)
    world.later(HOUR + 1)
    assert world.names() == [f"g0-u{n}" for n in (3, 4, 6, 8, 9)]  # those that a person kept do not


@pytest.mark.embedded_only
def test_a_few_of_each_of_many_grids_count_together(world: World, settings: Any) -> None:
    """Without a grace time, when the first of them is looked at before the others."""
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
    a_fleet(world, 3, grids=8)
    unlabel(world, 0, 1)
    assert len(world.names()) == 24
    assert held_counts() == {"child-deletion": 16}
    unlabel_back = {"metadata": {"labels": {"zone": "u0"}}}
    world.cluster.patch("Node", "", "n0", unlabel_back, "application/merge-patch+json")
    world.look()
    world.settle()
    assert held_counts() == {"child-deletion": 8}  # a site that is back waits for nothing


@pytest.mark.embedded_only
def test_what_a_person_kept_does_not_count_for_other_grids(world: World, settings: Any) -> None:
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
    a_fleet(world, 10, grids=2)
    unlabel(world, *range(5))
    actions.decide_held("keep", [each.id for each in held()], ADA)
    world.settle()
    unlabel(world, 5)
    assert not held()
    assert len(world.names()) == 18


@pytest.mark.embedded_only
def test_two_workers_at_once_allow_no_more_than_one(world: World, settings: Any) -> None:
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
    a_fleet(world, 5, grids=2)
    before = world.names()
    for number in (0, 1):
        patch = {"metadata": {"labels": {"zone": None}}}
        world.cluster.patch("Node", "", f"n{number}", patch, "application/merge-patch+json")
    world.look()
    barrier = threading.Barrier(2)

    def work(key: str) -> None:
        barrier.wait(75)
        run(key)
        connection.close()

    workers = [threading.Thread(target=work, args=(f"deploymentgrids/default/g{n}",)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(75)
    world.settle()
    assert world.names() == before
    assert held_counts() == {"child-deletion": 4}


@pytest.mark.embedded_only
def test_all_of_two_sites_are_everything(world: World, settings: Any) -> None:
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
    a_fleet(world, 2)
    unlabel(world, 0, 1)
    assert len(world.names()) == 2
    assert held_counts() == {"child-deletion": 2}


def three(world: World, settings: Any, **changed: Any) -> None:
    """Three sites, and a grid of which no workload may go without a person."""
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
    settings.SGPORTAL_DELETE_BRAKE_MIN = 0
    for number, unit in enumerate("abc"):
        world.label(f"node{number}", zone=unit)
    world.save(a_grid(template=a_template(), **changed))
    assert world.names() == ["g-a", "g-b", "g-c"]


def test_what_a_person_keeps_stays_until_its_node_is_back(world: World, settings: Any) -> None:
    three(world, settings)
    world.label("node0", zone=None)
    world.label("node1", zone=None)
    world.settle()
    assert world.names() == ["g-a", "g-b", "g-c"]
    (item,) = held()
    assert item.units == ("a", "b")
    actions.decide_held("keep", [item.id], ADA)
    world.settle()
    world.resync()
    assert world.names() == ["g-a", "g-b", "g-c"]
    assert not held()
    assert GridUnit.objects.get(name="a").reason == "DeletionKept"
    with pytest.raises(actions.Stale):
        actions.decide_held("delete", [item.id], ADA)
    world.label("node0", zone="a")
    world.settle()
    assert GridUnit.objects.get(name="a").retirement == ""
    actions.recreate_unit(Grid.objects.get(), "b", ADA)  # a person may still decide otherwise
    world.settle()
    assert world.names() == ["g-a", "g-c"]


def test_a_decision_to_delete_takes_nothing_from_a_unit_that_is_back(world: World, settings: Any) -> None:
    three(world, settings)
    world.label("node0", zone=None)
    world.label("node1", zone=None)
    world.settle()
    before = world.get("g-a")["metadata"]["uid"]
    actions.decide_held("delete", [held()[0].id], ADA)
    world.label("node0", zone="a")
    world.settle()
    assert world.names() == ["g-a", "g-c"]
    assert world.get("g-a")["metadata"]["uid"] == before


def with_a_changed_key(world: World, settings: Any) -> Grid:
    """A grid of three units, bound to a key of three others; the deletion of the first three waits."""
    three(world, settings)
    for number, unit in enumerate("xyz"):
        world.label(f"node{number}", city=unit)
    grid = Grid.objects.get()
    world.change(grid, lambda manifest: manifest["spec"].update(gridUniqKey="city"))
    world.until(lambda: (world.resync(), len(held()) == 1)[1])
    return grid


def test_a_changed_key_takes_many_only_with_a_person(world: World, settings: Any) -> None:
    with_a_changed_key(world, settings)
    assert world.names() == [f"g-{unit}" for unit in "abcxyz"]
    assert held()[0].units == ("a", "b", "c")
    actions.decide_held("delete", [held()[0].id], ADA)
    world.settle()
    assert world.names() == ["g-x", "g-y", "g-z"]


def test_a_key_that_is_changed_back_needs_no_decision(world: World, settings: Any) -> None:
    grid = with_a_changed_key(world, settings)
    world.change(grid, lambda manifest: manifest["spec"].update(gridUniqKey="zone"))
    world.until(lambda: (world.resync(), held() and held()[0].units == ("x", "y", "z"))[1])
    assert world.names() == [f"g-{unit}" for unit in "abcxyz"]


def test_deleting_a_grid_at_the_portal_is_a_persons_decision(world: World, settings: Any) -> None:
    three(world, settings)
    actions.delete_grid(Grid.objects.get(), ADA)
    world.settle()
    world.until(lambda: (world.later(2), world.names() == [])[1])
    assert not held()


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("units", "before", "taken", "waits"),
    [
        (10, [], [0], False),
        (10, [], [0, 1, 2], False),
        (10, [], [0, 1, 2, 3], True),
        (10, [0, 1], [2], False),
        (10, [0, 1], [2, 3], True),  # those that went lately count
        (2, [], [0, 1], True),  # nothing would be left
        (20, [], [0, 1, 2, 3, 4, 5], False),  # 30 percent
        (20, [], [0, 1, 2, 3, 4, 5, 6], True),
    ],
)
def test_the_preview_of_labels_says_what_will_wait(
    world: World, units: int, before: list[int], taken: list[int], waits: bool
) -> None:
    a_fleet(world, units, grids=2)
    for number in before:
        unlabel(world, number)
    world.later(HOUR + 1)
    names = [f"n{number}" for number in taken]
    shown = actions.label_nodes(names, {"zone": None}, ADA, dry_run=True)
    assert isinstance(shown, Impact)
    assert shown.held == (("deploymentgrids/default/g0", "deploymentgrids/default/g1") if waits else ())
    assert {"somebody has to decide" in str(step.reason) for _, step in shown.steps} == {waits}
    unlabel(world, *taken)
    world.later(HOUR + 1)
    assert tuple(each.grid.path for each in held()) == shown.held


@pytest.mark.embedded_only
def test_the_preview_counts_sites_that_get_nodes_again(world: World) -> None:
    a_fleet(world, 10)
    unlabel(world, 0, 1, 2)
    moved = {"zone": "u0"}  # u3 to u5 vanish, u0 is back: five of ten are without nodes
    shown = actions.label_nodes(["n3", "n4", "n5"], moved, ADA, dry_run=True)
    assert shown.held == ("deploymentgrids/default/g0",)
    shown = actions.label_nodes(["n3"], moved, ADA, dry_run=True)  # u3 for u0: three, as before
    assert shown.held == ()


def test_the_preview_asks_as_many_questions_for_many_grids_as_for_few(
    world: World, django_assert_max_num_queries: Any
) -> None:
    moved = (UnitChange("zone", "a", "vanishes", (), ("node0",)),)
    world.label("node0", zone="a")
    world.save(*(a_grid(f"g{n}", template=a_template(app=f"g{n}", replicas=0)) for n in range(8)))
    with django_assert_max_num_queries(5):
        assert len(would_wait(moved)) == 8
