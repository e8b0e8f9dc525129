"""What a NodeUnit was at an instant: noted as the rows of the present change, whoever changes them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from sgportal.core.access.scope import NOTHING, Bounds, Scope
from sgportal.core.text import Invalid
from sgportal.models import CellHistory, Grid, GridUnit, LabelHistory, Node, NodeHistory, NodeLabel, RememberedLabel
from sgportal.models.scopes.current import within
from sgportal.queries.per_unit import past
from sgportal.reconciler import duties
from sgportal.reconciler.queue import unit_history

from ..cache.test_refresh import store
from ..watching import node_body
from ..world import World, a_grid, a_template


@pytest.fixture(autouse=True)
def remembered(db: None) -> None:
    unit_history.remember(["zone", "rack"])


def then(unit: str, at: datetime, key: str = "zone") -> past.UnitThen:
    return past.unit_then(key, unit, at, past.known_from(key) or at)


def names(unit: str, at: datetime, key: str = "zone") -> list[str]:
    return [each.name for each in then(unit, at, key).nodes]


def told(unit: str, since: datetime, key: str = "zone") -> list[tuple[str, str]]:
    """What changed since, the first first."""
    found = past.changes(key, unit, since, timezone.now(), 100)
    return [(each.what, each.node or each.cell.name + " " + each.cell.state) for each in reversed(found)]


@pytest.mark.django_db
def test_nodes_are_where_and_what_they_were() -> None:
    store("nodes", node_body("n1", 1, zone="a", rack="r1"), node_body("n2", 1, zone="a"))
    start = timezone.now()
    store("nodes", node_body("n1", 2, "False", zone="a", rack="r1"))
    middle = timezone.now()
    store("nodes", node_body("n1", 3, "False", zone="b", rack="r1"), gone=("n2",))
    end = timezone.now()
    assert [(each.name, each.ready, each.labels) for each in then("a", start).nodes] == [
        ("n1", "Ready", {"rack": "r1", "zone": "a"}),
        ("n2", "Ready", {"zone": "a"}),
    ]
    assert [then("a", at).state for at in (start, middle, end)] == ["Ready", "Degraded", "Gone"]
    assert (names("a", end), names("b", middle), names("b", end)) == ([], [], ["n1"])
    assert names("r1", start, "rack") == names("r1", end, "rack") == ["n1"]
    assert told("a", start) == [("NodeChanged", "n1"), ("NodeLeft", "n1"), ("NodeLeft", "n2")]
    assert told("b", start) == [("NodeJoined", "n1")]


@pytest.mark.django_db
def test_a_node_to_which_nothing_happens_is_noted_once() -> None:
    for version in range(1, 5):
        store("nodes", node_body("n1", version, zone="a", rack="r1"))
    assert (NodeHistory.objects.count(), LabelHistory.objects.count()) == (1, 2)


@pytest.mark.embedded_only
def test_grids_are_known_in_the_revision_and_state_they_were_in(world: World) -> None:
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template("img:1")))
    world.until_ready("g-a")
    world.resync()
    first = timezone.now()
    found = then("a", first).grids[0]
    assert (found.path, found.revision, found.state) == (grid.path, 1, "Ready")
    world.change(grid, lambda manifest: manifest["spec"].update(template=a_template("fail.img:2")))
    for _ in range(3):
        world.resync()
    second = timezone.now()
    assert (then("a", second).grids[0].revision, then("a", second).state) != (1, "Ready")
    assert then("a", first).grids[0] == found
    kept = CellHistory.objects.count()
    world.resync()
    assert CellHistory.objects.count() == kept
    Grid.objects.filter(pk=grid.pk).update(deleting_since=timezone.now())
    world.resync()
    world.resync()
    assert not Grid.objects.exists()
    assert then("a", timezone.now()).grids == ()
    assert then("a", first).grids[0].path == grid.path
    assert told("a", second)[-1][0] == "GridLeft"


@pytest.fixture
def rows(db: None) -> Grid:
    """A NodeUnit of a node and a cell, all made behind the recorder's back."""
    node = Node.objects.create(name="n1", uid="n1", ready="Ready", labels={"zone": "a"})
    NodeLabel.objects.create(node=node, key="zone", value="a")
    grid = Grid.objects.create(kind="DeploymentGrid", namespace="shop", name="g", key="zone")
    GridUnit.objects.create(grid=grid, name="a", state="Ready", severity=9, reason="Ready", revision=3)
    return grid


def test_what_nobody_noted_is_noted_by_the_next_turn(rows: Grid) -> None:
    duties.remember()
    assert names("a", timezone.now()) == ["n1"]
    assert [(each.path, each.revision) for each in then("a", timezone.now()).grids] == [(rows.path, 3)]
    counts = [model.objects.count() for model in unit_history.MODELS]
    duties.remember()
    assert [model.objects.count() for model in unit_history.MODELS] == counts
    rows.delete()
    Node.objects.all().delete()
    duties.remember()
    now = then("a", timezone.now())
    assert (now.nodes, now.grids, now.state) == ((), (), "Gone")


def test_the_present_is_never_too_old_to_be_kept(rows: Grid, settings: Any) -> None:
    settings.SGPORTAL_HISTORY_DAYS = 30
    duties.remember()
    now = timezone.now()
    LabelHistory.objects.update(since=now - timedelta(days=90))
    NodeHistory.objects.update(since=now - timedelta(days=90), until=now - timedelta(days=31))
    CellHistory.objects.update(since=now - timedelta(days=90), until=now - timedelta(days=29))
    duties.forget()
    assert LabelHistory.objects.get().since == now - timedelta(days=90)
    assert NodeHistory.objects.filter(since__lt=now).count() == 0
    assert CellHistory.objects.filter(until__lt=now).count() == 1
    RememberedLabel.objects.update(since=now - timedelta(days=90))
    known = past.known_from("zone")
    assert known is not None
    assert now - timedelta(days=30) <= known <= timezone.now() - timedelta(days=30)


@pytest.mark.parametrize(
    ("bounds", "nodes", "grids"),
    [
        (Bounds(), ["n1"], ["g"]),
        (Bounds(namespaces=("shop",)), ["n1"], ["g"]),
        (Bounds(namespaces=("other",)), ["n1"], []),
        (Bounds(key="zone", units=("a",)), ["n1"], ["g"]),
        (Bounds(key="zone", units=("b",)), [], []),
        (Bounds(key="rack"), [], []),
    ],
)
def test_the_past_keeps_to_the_scope(rows: Grid, bounds: Bounds, nodes: list[str], grids: list[str]) -> None:
    unit_history.note_all()
    with within(Scope((bounds,)), NOTHING):
        found = then("a", timezone.now())
        assert ([each.name for each in found.nodes], [each.name for each in found.grids]) == (nodes, grids)
        assert past.is_on_record("zone", "a") == bool(nodes or grids)


@pytest.mark.django_db
def test_a_node_is_seen_for_the_time_in_which_it_was_in_scope() -> None:
    """It was in NodeUnit `mine` and is in another; its rack stayed the same."""
    store("nodes", node_body("n1", 1, zone="mine", rack="r1"))
    before = timezone.now()
    store("nodes", node_body("n1", 2, zone="theirs", rack="r1"))
    with within(Scope((Bounds(key="zone", units=("mine",)),)), NOTHING):
        assert names("r1", before, "rack") == ["n1"]
        assert names("r1", timezone.now(), "rack") == []


@pytest.mark.django_db
def test_changes_tell_nothing_of_the_time_in_which_a_node_was_out_of_scope() -> None:
    """It stood in one rack all the time, was theirs, then mine, and is theirs again."""
    start = timezone.now()
    store("nodes", node_body("n0", 1, zone="mine", rack="r1"))
    store("nodes", node_body("n1", 1, zone="theirs", rack="r1"))
    store("nodes", node_body("n1", 2, "False", zone="theirs", rack="r1"))
    store("nodes", node_body("n1", 3, "False", zone="mine", rack="r1"))
    store("nodes", node_body("n1", 4, zone="mine", rack="r1"))
    store("nodes", node_body("n1", 5, zone="theirs", rack="r1"))
    store("nodes", node_body("n1", 6, "False", zone="theirs", rack="r1"))
    store("nodes", node_body("n1", 7, "False", zone="theirs", rack="r2"))
    assert len(told("r1", start, "rack")) == 6
    for bounds in ((Bounds(key="zone", units=("mine",)),), (Bounds(key="zone", units=("mine",)), Bounds(key="no"))):
        with within(Scope(bounds), NOTHING):
            assert told("r1", start, "rack") == [("NodeJoined", "n0"), ("NodeChanged", "n1")]
            assert told("mine", start) == [
                ("NodeJoined", "n0"),
                ("NodeJoined", "n1"),
                ("NodeChanged", "n1"),
                ("NodeLeft", "n1"),
            ]
    with within(Scope((Bounds(namespaces=("shop",)), Bounds(key="zone", units=("mine",)))), NOTHING):
        assert len(told("r1", start, "rack")) == 6


@pytest.mark.django_db
def test_changes_are_read_in_parts_without_gap_or_repeat() -> None:
    many = [node_body(f"n{number}", 1, zone="a") for number in range(7)]
    store("nodes", node_body("other", 1, zone="b"))
    start = timezone.now()
    store("nodes", *many)
    store("nodes", *(node_body(f"n{number}", 2, "False", zone="a") for number in range(7)))
    store("nodes", gone=tuple(f"n{number}" for number in range(7)))
    end = timezone.now()
    whole = past.changes("zone", "a", start, end, 100)
    assert len(whole) == 21
    parts: list[past.Change] = []
    while some := past.changes("zone", "a", start, end, 4, parts[-1].place if parts else None):
        parts += some
    assert parts == whole


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "must be a time such as"),
        ("2026-02-30T00:00:00Z", "must be a time such as"),
        ("0001-01-01T00:00:00+14:00", "must be a time such as"),
        ("2999-01-01T00:00:00Z", "is in the future"),
        ("1999-01-01T00:00:00Z", "is too early: what was so is known from"),
    ],
)
def test_an_instant_that_nothing_is_known_of_is_refused(text: str, said: str) -> None:
    now = timezone.now()
    with pytest.raises(Invalid) as refused:
        past.instant(text, "at", now - timedelta(days=1), now)
    assert said in str(refused.value.problems[0].sentence)
    assert refused.value.problems[0].pointer == "/at"


@pytest.mark.django_db
def test_an_instant_without_offset_is_in_utc() -> None:
    now = timezone.now()
    known = now - timedelta(days=1)
    wanted = (now - timedelta(hours=3)).replace(microsecond=0)
    for text in (f"{wanted:%Y-%m-%dT%H:%M:%S}", f"{wanted:%Y-%m-%d %H:%M:%SZ}"):
        assert past.instant(text, "at", known, now) == wanted
    assert past.instant("", "at", known, now) == now
