"""What waits for a person, and deciding about it, over REST."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import AuditEvent, Grid, ManagedCluster, WorkKey
from sgportal.reconciler.fleet import halt

from . import builders


@pytest.fixture
def gone(db):
    """Two grids whose custom resources are gone, and one that is there."""
    for name in ("a", "b", "c"):
        builders.grid(name)
    Grid.objects.update(cluster_uid="u1")
    Grid.objects.filter(name__in="ab").update(missing_since=timezone.now(), missing_held=True)


def items(api):
    return api.get("decisions").json()["items"]


def test_what_waits_is_listed_with_its_choices(as_, gone):
    first, second = items(as_("vic"))
    assert (first["kind"], first["grid"]) == ("grid-gone", "deploymentgrids/default/a")
    assert [each["choice"] for each in first["choices"]] == ["restore", "follow"]
    assert first["id"] != second["id"]
    assert "until somebody decides" in first["message"]
    chinese = as_("vic").get("decisions", Accept_Language="zh-hans").json()["items"][0]
    assert "集群" in chinese["choices"][0]["outcome"]
    page = as_("vic").get("decisions?limit=1").json()
    assert as_("vic").get(f"decisions?limit=1&cursor={page['next']}").json()["items"] == [second]
    metrics = as_("vic").get("/metrics").content.decode()
    assert 'sgportal_decisions_waiting{kind="grid-gone"} 2.0' in metrics
    assert 'sgportal_halted{reason="grids-gone"} 0.0' in metrics


def test_an_operator_decides_all_or_none(as_, gone):
    first, second = (each["id"] for each in items(as_("vic")))
    asked = {"choice": "restore", "items": [first]}
    assert as_("vic").post("decisions", asked).status_code == 403
    assert as_("olga").post("decisions", {**asked, "items": [first, "0"]}).status_code == 412
    assert as_("olga").post("decisions", {**asked, "choice": "both"}).status_code == 409
    assert as_("olga").post("decisions?dryRun=All", asked).json()["waiting"] == 2
    assert Grid.objects.filter(missing_held=True).count() == 2
    done = as_("olga").post("decisions", asked)
    assert (done.json()["decided"], done.json()["waiting"]) == (["deploymentgrids/default/a"], 1)
    assert (Grid.objects.get(name="a").cluster_uid, Grid.objects.get(name="a").missing_since) == ("", None)
    assert as_("olga").post("decisions", asked).status_code == 412
    assert as_("olga").post("decisions", {"choice": "follow", "items": [second, second]}).status_code == 200
    assert Grid.objects.get(name="b").may_be_forgotten
    assert items(as_("vic")) == []
    told = AuditEvent.objects.filter(actor="olga").order_by("pk")
    assert [(each.verb, each.path) for each in told] == [
        ("restore", "deploymentgrids/default/a"),
        ("follow", "deploymentgrids/default/b"),
    ]
    assert WorkKey.objects.due().count() == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"choice": "restore"}, "/items"),
        ({"items": ["x"]}, "/choice"),
        ({"choice": "restore", "items": []}, "/items"),
        ({"choice": "restore", "items": "x"}, "/items"),
        ({"choice": "restore", "items": [1]}, "/items/0"),
        ({"choice": "restore", "items": ["x"], "all": True}, "/all"),
    ],
)
def test_bad_input_names_the_field(as_, gone, body, pointer):
    answer = as_("olga").post("decisions", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_nothing_is_decided_one_by_one_while_everything_stops(as_, gone):
    halt.begin("another-cluster", {"uid": "here", "seen": "there", "grids": 3})
    ManagedCluster.objects.update(uid="here")
    first = items(as_("vic"))[0]["id"]
    assert as_("olga").post("decisions", {"choice": "follow", "items": [first]}).status_code == 409


def test_the_list_asks_as_many_questions_for_many_as_for_few(as_, gone, django_assert_max_num_queries):
    for number in range(60):
        builders.grid(f"n{number}")
    Grid.objects.update(cluster_uid="u1", missing_since=timezone.now(), missing_held=True)
    with django_assert_max_num_queries(10):
        assert len(items(as_("vic"))) == 63


def test_workloads_whose_deletion_waits_are_kept_or_deleted(as_, db):
    row = builders.grid("a")
    for unit in ("u2", "u1", "u3"):
        builders.cell(row, unit)
    row.units.exclude(name="u3").update(retirement="held", held_since=timezone.now())
    (item,) = items(as_("vic"))
    assert (item["kind"], item["units"]) == ("child-deletion", ["u1", "u2"])
    assert [each["choice"] for each in item["choices"]] == ["keep", "delete"]
    assert 'sgportal_decisions_waiting{kind="child-deletion"} 2.0' in as_("vic").get("/metrics").content.decode()
    row.units.filter(name="u3").update(retirement="held", held_since=timezone.now())
    asked = {"choice": "keep", "items": [item["id"]]}
    assert as_("olga").post("decisions", asked).status_code == 412  # one more waits than was read
    (item,) = items(as_("vic"))
    assert as_("olga").post("decisions", {"choice": "restore", "items": [item["id"]]}).status_code == 409
    assert as_("olga").post("decisions", {"choice": "keep", "items": [item["id"]]}).json()["waiting"] == 0
    assert set(row.units.values_list("retirement", flat=True)) == {"kept"}
    assert AuditEvent.objects.get(verb="keep").before == {"waiting": "child-deletion", "units": ["u1", "u2", "u3"]}


def test_only_the_workloads_in_some_units_may_be_decided_about(as_, db):
    rows = [builders.grid("a"), builders.grid("b")]
    for row in rows:
        for unit in ("u1", "u2"):
            builders.cell(row, unit)
        row.units.update(retirement="held", held_since=timezone.now())
    found = items(as_("vic"))
    asked = {"choice": "delete", "items": [each["id"] for each in found], "units": ["u2"]}
    for units, pointer in (([], "/units"), (["u2", "u3"], "/units/1"), (["%(x)s"], "/units/0")):
        wrong = as_("olga").post("decisions", {**asked, "units": units})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, pointer)
    assert as_("olga").post("decisions?dryRun=All", asked).json()["waiting"] == 2
    told = as_("olga").post("decisions", asked).json()
    assert (told["decided"], told["waiting"]) == ([row.path for row in rows], 2)
    for row in rows:
        assert dict(row.units.values_list("name", "retirement")) == {"u1": "held", "u2": "approved"}
    assert AuditEvent.objects.filter(verb="delete").first().before == {"waiting": "child-deletion", "units": ["u2"]}
    assert [each["units"] for each in items(as_("vic"))] == [["u1"], ["u1"]]


def test_a_unit_is_no_part_of_a_grid_that_is_gone(as_, gone):
    first, _ = items(as_("vic"))
    asked = {"choice": "follow", "items": [first["id"]], "units": ["u1"]}
    assert as_("olga").post("decisions", asked).json()["errors"][0]["pointer"] == "/units/0"
    assert not Grid.objects.filter(may_be_forgotten=True).exists()


def test_a_decision_binds_to_its_plan(api, gone):
    first, second = (each["id"] for each in items(api))
    asked = {"choice": "restore", "items": [first, second]}
    plan = api.post("decisions?dryRun=All", asked).json()
    assert [(each["verb"], each["grid"]) for each in plan["steps"]] == [
        ("create", "deploymentgrids/default/a"),
        ("create", "deploymentgrids/default/b"),
    ]
    assert plan["summary"]["creates"] == 2
    for other in ({**asked, "choice": "follow"}, {**asked, "items": [first]}):
        assert api.post(f"decisions?plan={plan['id']}", other).status_code == 409
    Grid.objects.filter(name="b").update(missing_since=timezone.now() - timedelta(hours=1))
    assert api.post(f"decisions?plan={plan['id']}", asked).status_code == 409
    assert api.post("decisions", asked).status_code == 412
    assert Grid.objects.filter(missing_held=True).count() == 2
    asked["items"] = [each["id"] for each in items(api)]
    plan = api.post("decisions?dryRun=All", asked).json()
    assert api.post(f"decisions?plan={plan['id']}", asked).json()["waiting"] == 0


def test_the_deletion_of_workloads_binds_to_its_plan(api, db):
    row = builders.grid("d")
    for unit in ("x", "y"):
        cell = builders.cell(row, unit)
        row.units.filter(pk=cell.pk).update(retirement="held", held_since=timezone.now(), child=f"d-{unit}")
    (item,) = items(api)
    asked = {"choice": "delete", "items": [item["id"]], "units": ["x"]}
    plan = api.post("decisions?dryRun=All", asked).json()
    assert [(each["verb"], each["kind"], each["name"], each["unit"]) for each in plan["steps"]] == [
        ("delete", "Deployment", "d-x", "x")
    ]
    assert api.post(f"decisions?plan={plan['id']}", {**asked, "units": ["y"]}).status_code == 409
    assert api.post(f"decisions?plan={plan['id']}", {**asked, "choice": "keep"}).status_code == 409
    assert set(row.units.values_list("retirement", flat=True)) == {"held"}
    assert api.post(f"decisions?plan={plan['id']}", asked).status_code == 200
    assert row.units.get(name="x").retirement != "held"
    assert row.units.get(name="y").retirement == "held"
