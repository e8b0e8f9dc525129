"""Which labels of nodes are remembered: those that say where a node is, whatever agents write besides."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.actions import assign_units, label_nodes
from sgportal.core.overrides.variables import labels_read
from sgportal.models import Grant, Grid, LabelHistory, NodeHistory, RememberedLabel, ServiceGroup
from sgportal.queries.per_unit import past
from sgportal.reconciler import duties
from sgportal.reconciler.queue import remembered, unit_history
from tests import builders

from ..cache.test_refresh import store
from ..watching import node_body
from ..world import ADA, World, a_grid

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def kept() -> set[str]:
    return set(LabelHistory.objects.values_list("key", flat=True))


def rain(*versions: int) -> None:
    for version in versions:
        store("nodes", *(node_body(f"n{n}", version, site="a", beat=str(version)) for n in range(20)))


def test_a_label_that_an_agent_rewrites_all_the_time_costs_nothing() -> None:
    unit_history.remember(["site"])
    rain(1, 2, 3)
    assert LabelHistory.objects.count() == 20
    assert kept() == {"site"}
    with CaptureQueriesContext(connection) as asked:
        rain(4)
    told = [each["sql"] for each in asked.captured_queries if "history" in each["sql"]]
    assert told == []
    assert (NodeHistory.objects.count(), LabelHistory.objects.count()) == (20, 20)


def test_a_nodes_readiness_is_noted_without_a_look_at_labels() -> None:
    unit_history.remember(["site"])
    rain(1)
    with CaptureQueriesContext(connection) as asked:
        store("nodes", node_body("n0", 2, "False", site="a", beat="1"))
    assert NodeHistory.objects.filter(node="n0", until=None).get().ready == "NotReady"
    assert [each["sql"] for each in asked.captured_queries if "labelhistory" in each["sql"]] == []


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("grid", {"site", "tier", "vendor.io/model"}),
        ("package", {"site"}),
        ("grant", {"site"}),
        ("setting", {"site"}),
        ("pattern", {"site", "sites/x"}),
        ("nothing", set()),
    ],
)
def test_what_names_a_key_has_it_remembered(settings: Any, named: str, expected: set[str]) -> None:
    labels = {"site": "a", "tier": "1", "vendor.io/model": "m", "sites/x": "1", "beat": "1"}
    store("nodes", node_body("n1", 1, **labels, **{"topology.kubernetes.io/zone": "z"}))
    if named == "grid":
        spec = {
            "overrides": [{"unitSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}],
            "template": {"metadata": {"annotations": {"model": "{{unit.labels.vendor.io/model}}"}}},
        }
        Grid.objects.create(kind="DeploymentGrid", namespace="shop", name="g", key="site", spec=spec)
    elif named == "package":
        ServiceGroup.objects.create(namespace="shop", name="p", key="site")
    elif named == "grant":
        Grant.objects.create(user=builders.a_person("sam", ""), role="viewer", key="site")
    elif named in ("setting", "pattern"):
        settings.SGPORTAL_HISTORY_LABELS = ["site" if named == "setting" else "site*"]
    unit_history.note_all()
    assert kept() == expected | {"topology.kubernetes.io/zone"}


def test_keys_that_people_set_are_remembered() -> None:
    for name in ("n1", "n2"):
        store("nodes", node_body(name, 1, site="a", room="r"))
    label_nodes(["n1"], {"site": "b"}, ADA)
    assert kept() == {"site"}
    assign_units("room", {"n1": "s", "n2": None}, ADA)
    assert kept() == {"site", "room"}


def test_labels_of_a_spec_that_makes_no_sense_are_none() -> None:
    for spec in (None, [], {"placement": 3}, {"overrides": {"unitSelector": [1]}}, {"placement": {"unitSelector": {}}}):
        assert labels_read(spec) == set()
    odd = {"unitSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": 3}, "x", {"key": "c"}]}}
    assert labels_read({"placement": {"include": odd}}) == {"a", "c"}


def test_a_key_is_on_record_from_when_it_is_remembered() -> None:
    store("nodes", node_body("n1", 1, site="a"))
    unit_history.note_all()
    assert past.known_from("site") is None
    Grid.objects.create(kind="DeploymentGrid", namespace="shop", name="g", key="site")
    before = timezone.now()
    unit_history.note_all()
    known = past.known_from("site")
    assert known is not None
    assert known >= before
    assert [each.name for each in past.unit_then("site", "a", timezone.now(), known).nodes] == ["n1"]


@pytest.mark.embedded_only
def test_the_first_cells_of_a_grid_have_its_key_remembered(world: World) -> None:
    world.label("node0", zone="a")
    world.save(a_grid())
    world.until_ready("g-a")
    world.resync()
    assert [each.name for each in past.unit_then("zone", "a", timezone.now(), timezone.now()).nodes] == ["node0"]


def test_a_key_that_nothing_names_is_remembered_as_long_as_history_is_kept(settings: Any) -> None:
    settings.SGPORTAL_HISTORY_DAYS = 30
    store("nodes", node_body("n1", 1, site="a"))
    grid = Grid.objects.create(kind="DeploymentGrid", namespace="shop", name="g", key="site")
    duties.remember()
    grid.delete()
    duties.remember()
    assert RememberedLabel.objects.get(key="site").until is not None
    store("nodes", node_body("n1", 2, site="b"))
    assert LabelHistory.objects.get(key="site", until=None).value == "b"
    RememberedLabel.objects.filter(key="site").update(until=timezone.now() - timedelta(days=31))
    duties.remember()
    duties.forget()
    assert "site" not in kept()
    assert past.known_from("site") is None
    assert not RememberedLabel.objects.filter(key="site").exists()


def test_a_key_that_is_named_again_goes_on_being_remembered() -> None:
    Grant.objects.create(user=builders.a_person("sam", ""), role="viewer", key="site")
    remembered.review()
    since = RememberedLabel.objects.get(key="site").since
    Grant.objects.all().delete()
    remembered.review()
    Grid.objects.create(kind="DeploymentGrid", namespace="shop", name="g", key="site")
    remembered.review()
    row = RememberedLabel.objects.get(key="site")
    assert (row.since, row.until, row.kept) == (since, None, True)


def test_what_an_older_version_kept_of_all_labels_goes_but_for_what_is_named() -> None:
    """As migration 0035 leaves it: all that there is, none of it kept yet."""
    old = timezone.now() - HOUR
    for key in ("site", "beat"):
        LabelHistory.objects.create(node="n1", key=key, value="a", since=old)
        RememberedLabel.objects.create(key=key, since=old, kept=False)
    store("nodes", node_body("n1", 1, site="a", beat="7"))
    Grid.objects.create(kind="DeploymentGrid", namespace="shop", name="g", key="site")
    duties.remember()
    duties.forget()
    assert kept() == {"site"}
    assert past.known_from("site") == old
    assert LabelHistory.objects.get(key="site").until is None
