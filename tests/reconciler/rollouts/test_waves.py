"""A change that reaches the NodeUnits of a grid wave by wave, on an embedded and a real cluster."""

import contextlib

import pytest

from sgportal.actions import save_grids, steer_rollout
from sgportal.models import GridEvent, GridUnit, Rollout, RolloutUnit, WorkKey
from sgportal.reconciler.grids import cell_batch
from sgportal.reconciler.grids.rollouts import rows, turn

from ..world import ADA, a_grid, a_template

CANARY = {"waves": [{"name": "canary", "units": ["b"]}], "maxUnavailable": 1}


@pytest.fixture
def three(world):
    """Units a, b and c of one node each, with a grid at image 1."""
    for node, unit in (("node0", "a"), ("node1", "b"), ("node2", "c")):
        world.label(node, zone=unit)
    world.grid = world.save(a_grid(template=a_template("img:1"), rollout=CANARY))
    world.until_ready("g-a", "g-b", "g-c")
    return world


def images(world):
    bodies = [world.get(f"g-{unit}")["spec"]["template"]["spec"]["containers"][0]["image"] for unit in "abc"]
    return "".join(image.removeprefix("img:") for image in bodies)


def give(world, image, **spec):
    """Change the grid's image."""
    world.grid = world.change(world.grid, lambda each: each["spec"].update(template=a_template(f"img:{image}"), **spec))
    return world.grid


def seen(world):
    """Let the mirror catch up; what the rollout is at then."""
    world.resync()
    world.grid.refresh_from_db()
    return world.grid.rollout["phase"], world.grid.rollout["reason"], world.grid.rollout["wave"]


def complete(world):
    """Look until the rollout is complete; the images that were seen on the way."""
    found = [images(world)]

    def is_complete():
        phase = seen(world)[0]
        if images(world) != found[-1]:
            found.append(images(world))
        return phase == "Complete"

    world.until(is_complete)
    return found


def test_the_canary_comes_first_and_one_unit_at_a_time(three):
    assert seen(three)[0] == "Complete"
    assert not GridEvent.objects.filter(reason="RolloutComplete").exists()  # nothing was rolled out
    manifest = {**three.grid.source(), "spec": {**three.grid.spec, "template": a_template("img:2")}}
    shown = save_grids([manifest], ADA, dry_run=True)[0].plan
    assert [(step.verb, step.unit) for step in shown.steps] == [("update", unit) for unit in "abc"]
    assert [note.reason for note in shown.notes] == ["RolledOutInWaves"]
    give(three, 2)
    assert complete(three) == ["121", "221", "222"]
    assert not GridUnit.objects.exclude(assigned=None).exists()
    assert {row.revision for row in GridUnit.objects.all()} == {three.grid.generation}
    condition = next(each for each in three.grid.status["conditions"] if each["type"] == "RolledOut")
    assert (condition["status"], condition["reason"]) == ("True", "RolloutComplete")
    assert GridEvent.objects.filter(reason="RolloutComplete").count() == 1


def is_at(world, phase, reason=""):
    """Look until the rollout is there."""
    world.until(lambda: seen(world)[:2] == (phase, reason))


def steer(world, verb, *units):
    """What a person asks through the portal; the units that are given another revision at once."""
    planned = steer_rollout(world.grid, verb, ADA, units=units)
    world.settle()
    return [step.unit for step in planned.steps]


BROKEN = "fail.example/img:2"


def give_broken(world, **rollout):
    world.grid = world.change(
        world.grid, lambda each: each["spec"].update(template=a_template(BROKEN), rollout={**CANARY, **rollout})
    )


def fail(world):
    """The time to become ready is over for what was given a revision."""
    world.until(lambda: seen(world) and RolloutUnit.objects.filter(turn="given").exists())
    RolloutUnit.objects.filter(turn="given").update(since=0)


def test_a_broken_change_stops_at_the_canary(three):
    give_broken(three)
    fail(three)
    is_at(three, "Halted", "TooManyFailures")
    three.resync()
    assert images(three) == f"1{BROKEN}1"
    condition = next(each for each in three.grid.status["conditions"] if each["type"] == "RolledOut")
    assert (condition["status"], condition["reason"]) == ("False", "RolloutTooManyFailures")
    assert GridEvent.objects.filter(reason="RolloutHalted").count() == 1
    assert steer(three, "rollback") == ["b"]
    is_at(three, "RolledBack")
    assert images(three) == "111"
    three.label("node2", zone="d")
    three.resync()
    assert three.get("g-d")["spec"]["template"]["spec"]["containers"][0]["image"] == "img:1"


@pytest.mark.embedded_only
def test_a_broken_change_goes_back_by_itself_where_that_is_wanted(three):
    give_broken(three, onFailure="rollBack")
    fail(three)
    is_at(three, "RolledBack", "TooManyFailures")
    assert images(three) == "111"
    give(three, 3)
    assert complete(three) == ["131", "331", "333"]


@pytest.mark.embedded_only
def test_another_change_takes_the_place_of_one_that_is_under_way(three):
    give_broken(three)
    three.until(lambda: seen(three) and images(three) == f"1{BROKEN}1")
    give(three, 3)
    assert complete(three)[-1] == "333"
    assert [each.phase for each in Rollout.objects.order_by("pk")] == ["Complete", "Superseded", "Complete"]
    assert set(Rollout.objects.first().units.values_list("before", flat=True)) == {1}


@pytest.mark.embedded_only
def test_approval_is_asked_and_given_over_an_annotation(three):
    canary = {"name": "canary", "units": ["b"], "approval": True}
    give(three, 2, rollout={"waves": [canary], "maxUnavailable": 3})
    is_at(three, "Progressing", "AwaitingApproval")
    assert images(three) == "121"
    annotation = {"metadata": {"annotations": {"sgportal.superedge.io/rollout": "approve canary"}}}
    three.edit("g", annotation, "DeploymentGrid", by="kubectl-annotate")
    assert complete(three)[-1] == "222"
    give(three, 3)
    is_at(three, "Progressing", "AwaitingApproval")  # what was asked once is not asked again
    three.resync()
    assert images(three) == "232"


@pytest.mark.embedded_only
def test_what_does_not_concern_the_children_begins_no_rollout(three):
    give(three, 2, rollout={**CANARY, "start": "manual"})
    is_at(three, "Pending")
    three.change(three.grid, lambda each: each["spec"].update(orphanPolicy="retain"))
    is_at(three, "Pending")
    assert (Rollout.objects.count(), images(three)) == (2, "111")
    steer(three, "start")
    assert complete(three)[-1] == "222"


@pytest.mark.embedded_only
def test_without_a_rollout_in_the_spec_all_follow_at_once(three):
    give_broken(three)
    three.until(lambda: seen(three) and images(three) == f"1{BROKEN}1")
    three.grid = three.change(three.grid, lambda each: each["spec"].pop("rollout"))
    assert images(three) == BROKEN * 3
    assert (three.grid.rollout, three.grid.stable) == ({}, None)


@pytest.mark.embedded_only
def test_the_restart_of_a_grid_comes_in_waves_as_well(three):
    restarted = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-27T20:00:00Z"}}}
    three.edit("g", restarted, "DeploymentGrid", by="kubectl-annotate")
    three.until(lambda: seen(three) and RolloutUnit.objects.filter(turn__in=("given", "done")).exists())
    found = [
        unit
        for unit in "abc"
        if (three.get(f"g-{unit}")["spec"]["template"]["metadata"].get("annotations") or {}).get(
            "kubectl.kubernetes.io/restartedAt"
        )
    ]
    assert found[0] == "b" or len(found) > 1
    complete(three)


@pytest.mark.embedded_only
def test_a_unit_out_of_reach_holds_nobody_up_and_follows_when_it_is_back(three):
    three.embedded.set_node_ready("node1", None)
    three.resync()
    give(three, 2)
    assert complete(three)[-1] == "212"
    assert three.grid.rollout["turns"] == {"done": 2, "deferred": 1}
    three.embedded.set_node_ready("node1", True)
    three.until(lambda: seen(three) and images(three) == "222")


class Killed(BaseException):
    """A process that ends where it is."""


KILLS = {"deciding": (rows, "store"), "decided": (turn, "run"), "written": (cell_batch, "record_cells")}


def killed_until(world, monkeypatch, when, check):
    """Wait until something is so, where processes are killed every other time."""
    module, name = KILLS[when]
    whole, calls = getattr(module, name), []

    def killed(*args):
        calls.append(None)
        if len(calls) % 2:
            return whole(*args)
        if when == "decided":
            whole(*args)
        raise Killed

    def is_so():
        with contextlib.suppress(Killed):
            return check()

    with monkeypatch.context() as patched:
        patched.setattr(module, name, killed)
        world.until(is_so)
    world.until(lambda: not WorkKey.objects.exclude(holder="").exists())  # the dead left none behind
    assert len(calls) > 1


@pytest.mark.embedded_only
@pytest.mark.parametrize("when", KILLS)
def test_a_process_may_be_killed_in_the_middle_of_a_wave(three, monkeypatch, when):
    """Killed within a decision, after it, or after a child was written and before that is recorded, every other time:
    each child is changed once."""
    give(three, 2, rollout={"maxUnavailable": 1})
    killed_until(three, monkeypatch, when, lambda: seen(three)[0] == "Complete")
    assert images(three) == "222"
    assert {three.get(f"g-{unit}")["metadata"]["generation"] for unit in "abc"} == {2}


@pytest.mark.embedded_only
def test_checks_hold_the_next_wave_back(three, monkeypatch):
    well = []
    monkeypatch.setattr(turn, "all_pass", lambda gates: bool(well) and gates[0].url == "http://shop/healthz")
    give(three, 2, rollout={**CANARY, "gates": [{"url": "http://shop/healthz"}]})
    is_at(three, "Progressing", "CheckingGates")
    three.resync()
    assert images(three) == "121"
    well.append(True)
    assert complete(three)[-1] == "222"
