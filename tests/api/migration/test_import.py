"""Importing over REST and by the command: a report first, then exactly that or nothing."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sgportal import actions
from sgportal.actions import labels as label_actions
from sgportal.models import AuditEvent, Grid, LabelJob

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parent.parent.parent / "data" / "imports"
KUBEEDGE = DATA / "kubeedge.yaml"


@pytest.fixture
def nodes(people: Any) -> None:
    for name in ("edge-1", "edge-2", "edge-3"):
        builders.node(name)


def post(api: Any, body: bytes, query: str = "") -> Any:
    return api.yaml("POST", f"import{query}", body)


def stored() -> tuple[int, int, int]:
    return Grid.objects.count(), LabelJob.objects.count(), AuditEvent.objects.filter(kind="change").count()


def test_a_dry_run_reports_and_stores_nothing(nodes, as_):
    answer = post(as_("olga"), KUBEEDGE.read_bytes(), "?dryRun=All")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert stored() == (0, 0, 0)
    assert found["units"] == {"apps.kubeedge.io/belonging-to": {"beijing": ["edge-3"], "hangzhou": ["edge-1"]}}
    assert found["labels"] == {
        "edge-1": {"apps.kubeedge.io/belonging-to": "hangzhou"},
        "edge-3": {"apps.kubeedge.io/belonging-to": "beijing"},
    }
    assert [(each["path"], each["result"]) for each in found["items"]] == [
        ("deploymentgrids/shop/hello", "created"),
        ("servicegrids/shop/hello", "created"),
    ]
    lost = {each["pointer"] for source in found["objects"] for each in source["findings"] if each["level"] == "lost"}
    assert "/2/spec/workloadScope/targetNodeLabels" in lost
    assert found["counts"]["lost"] == len(lost)
    assert {each["unit"] for each in found["impact"]["units"]} == {"beijing", "hangzhou"}


def test_what_was_agreed_to_is_applied_with_its_labels_as_a_job(nodes, as_):
    api, body = as_("olga"), KUBEEDGE.read_bytes()
    plan = post(api, body, "?dryRun=All").json()["id"]
    answer = post(api, body, f"?plan={plan}")
    assert answer.status_code == 202, answer.content
    job = LabelJob.objects.get()
    assert answer.json()["job"]["id"] == str(job.pk)
    assert {name: each["after"] for name, each in job.results.items()} == {
        "edge-1": {"apps.kubeedge.io/belonging-to": "hangzhou"},
        "edge-3": {"apps.kubeedge.io/belonging-to": "beijing"},
    }
    assert set(Grid.objects.values_list("kind", "name")) == {("DeploymentGrid", "hello"), ("ServiceGrid", "hello")}
    audit = AuditEvent.objects.filter(kind="change").values_list("actor", "door")
    assert set(audit) == {("olga", "rest")}
    assert len(audit) == 3


def test_another_plan_than_was_agreed_to_is_not_carried_out(nodes, as_):
    api, body = as_("olga"), KUBEEDGE.read_bytes()
    plan = post(api, body, "?dryRun=All").json()["id"]
    builders.node("edge-4", **{"rack": "north"})  # the NodeGroup's matchLabels take it
    assert post(api, body, f"?plan={plan}").status_code == 409
    assert stored() == (0, 0, 0)


def test_what_is_blocked_is_refused_with_its_place_and_stores_nothing(nodes, as_):
    both = KUBEEDGE.read_bytes().replace(b"nodes: [edge-3]", b"nodes: [edge-1]")
    report = post(as_("olga"), both, "?dryRun=All").json()
    assert report["counts"]["blocked"] == 1
    answer = post(as_("olga"), both)
    assert answer.status_code == 422
    assert list(pointers(answer)) == ["/1/spec/nodes/0"]
    assert stored() == (0, 0, 0)


def test_what_the_namespace_does_not_allow_blocks_and_leaves_the_report_whole(nodes, as_):
    body = (DATA / "openyurt.yaml").read_bytes()  # a patch asks for hostNetwork
    report = post(as_("olga"), body, "?dryRun=All")
    assert report.status_code == 200, report.content
    assert report.json()["counts"]["blocked"] > 0
    assert report.json()["counts"]["lost"] > 0
    at = {
        each["pointer"]
        for source in report.json()["objects"]
        for each in source["findings"]
        if each["level"] == "blocked"
    }
    answer = post(as_("olga"), body)
    assert answer.status_code == 422
    assert set(pointers(answer)) == at
    assert stored() == (0, 0, 0)


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"apiVersion: apps.openyurt.io/v1beta1\nkind: NodePool\nmetadata: {name: a}\nspec: 7\n", 422, "/spec"),
        (b"kind: NodePool\nmetadata: {name: a}\n", 422, "/apiVersion"),
        (b"a: &a [1]\nb: *a\n", 400, ""),
        (b"a: " + b"[" * 70 + b"]" * 70, 400, ""),
        (b"- 1\n", 400, ""),
        (b"", 422, ""),
        (
            b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
            b"apiVersion: apps.kubeedge.io/v1alpha1\nkind: NodeGroup\nmetadata: {name: b}\nspec: {nodes: [{a: 1}]}\n",
            422,
            "/1/spec/nodes/0",
        ),
    ],
)
def test_hostile_input_is_refused_with_its_place(nodes, as_, body, status, where):
    answer = post(as_("olga"), body)
    assert answer.status_code == status, answer.content
    assert list(pointers(answer)) == [where]


def test_a_limited_scope_may_not_import(nodes, as_):
    assert post(as_("vic"), KUBEEDGE.read_bytes(), "?dryRun=All").status_code == 403


def test_the_report_speaks_the_callers_language(nodes, as_):
    body = KUBEEDGE.read_bytes()
    found = as_("olga").yaml("POST", "import?dryRun=All", body, Accept_Language="zh-hans").json()
    texts = [each["message"] for source in found["objects"] for each in source["findings"]]
    assert "在这里没有对应项，不会保留" in texts


def command(*args: str) -> tuple[int, str]:
    """The exit code of the command, and what it prints."""
    out = io.StringIO()
    try:
        call_command("import", *args, stdout=out)
    except SystemExit as left:
        return int(left.code or 0), out.getvalue()
    except CommandError as refused:
        return refused.returncode, out.getvalue() + str(refused)
    return 0, out.getvalue()


def test_the_command_reports_by_default_and_says_by_its_exit_code_that_something_is_lost(nodes):
    code, text = command(str(KUBEEDGE))
    assert code == 3
    assert "lost      /2/spec/workloadScope/targetNodeLabels: has no equivalent here and is not carried over" in text
    assert "label node edge-1: apps.kubeedge.io/belonging-to=hangzhou" in text
    assert stored() == (0, 0, 0)


def test_the_command_applies_the_plan_that_it_reported(nodes):
    plan = json.loads(command(str(KUBEEDGE), "--output", "json")[1])["id"]
    assert command(str(KUBEEDGE), "--apply", "--plan", "another")[0] == 1
    assert stored() == (0, 0, 0)
    code, text = command(str(KUBEEDGE), "--apply", "--plan", plan)
    assert code == 0
    assert "deploymentgrids/shop/hello: created" in text
    assert stored() == (2, 1, 3)


def test_the_command_is_silent_about_nothing_to_say(nodes, tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_bytes(builders.seed("deploymentgrid"))
    assert command(str(path))[0] == 0


def test_the_command_refuses_what_is_no_yaml(nodes, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_bytes(b"a: [")
    code, text = command(str(path))
    assert code == 1
    assert str(path) in text


def test_a_plan_names_what_is_in_the_manifests_also_where_no_node_is_yet(db, tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_bytes(builders.seed("deploymentgrid"))
    plan = json.loads(command(str(path), "--output", "json")[1])["id"]
    path.write_bytes(builders.seed("deploymentgrid").replace(b"image: ", b"image: other/"))
    code, text = command(str(path), "--apply", "--plan", plan)
    assert code == 1
    assert "the plan has changed" in text
    assert stored() == (0, 0, 0)


def test_what_changes_between_the_comparison_and_the_write_is_not_applied(nodes, monkeypatch):
    plan = json.loads(command(str(KUBEEDGE), "--output", "json")[1])["id"]
    importing = actions.import_objects

    def late(documents, actor, *, dry_run=False):
        if not dry_run:
            builders.node("edge-4", rack="north")
        return importing(documents, actor, dry_run=dry_run)

    monkeypatch.setattr(actions, "import_objects", late)
    code, text = command(str(KUBEEDGE), "--apply", "--plan", plan)
    assert (code, "the plan has changed" in text) == (1, True)
    assert stored() == (0, 0, 0)


def test_no_text_of_the_input_is_obeyed_by_the_terminal(nodes, tmp_path):
    path = tmp_path / "odd.json"
    odd = {"apiVersion": "v1", "kind": "ConfigMap\x1b[2J\nfindings: none\u200f\t\u202e", "metadata": {"name": "a"}}
    path.write_text(json.dumps(odd))
    _, text = command(str(path))
    assert not set("\x1b\t\u200f\u202e") & set(text)
    assert "\\u200f\\t\\u202e" in text
    assert "\nfindings: none" not in text


def test_labels_of_many_nodes_cost_no_statement_for_each(nodes):
    def cost(count):
        names = [f"many-{count}-{number}" for number in range(count)]
        for name in names:
            builders.node(name)
        with CaptureQueriesContext(connection) as found:
            label_actions.label_each(
                {name: {"zone1": "a"} for name in names}, actions.Actor("x", "shell"), dry_run=True
            )
        return len(found)

    assert cost(2) == cost(20)
