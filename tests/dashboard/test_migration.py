"""Coming in and going out on pages: paste or upload, the report, then exactly that."""

import json
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from sgportal.core.documents import read_documents
from sgportal.models import AuditEvent, Grid, LabelJob

from .. import builders
from .conftest import browser

DATA = Path(__file__).parent.parent / "data" / "imports"


@pytest.fixture
def nodes(db):
    for name in ("edge-1", "edge-2", "edge-3"):
        builders.a_node(name)


def pasted(name="kubeedge"):
    return (DATA / f"{name}.yaml").read_text()


def plan_on(page):
    return re.search(r'name="plan" value="(\w+)"', page.content.decode())[1]


def test_the_report_tells_of_every_level_and_changes_nothing(operator, nodes):
    page = operator.post("/import/", {"document": pasted("openyurt-v1alpha1"), "step": "report"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "Pods restart" in text
    assert "/1/spec/topology/pools/1/nodeSelectorTerm" in text
    assert "statefulsetgrids/shop/ledger" in text
    assert (Grid.objects.count(), LabelJob.objects.count()) == (0, 0)


def test_a_file_is_reported_and_applied_as_it_was_shown(operator, nodes):
    file = SimpleUploadedFile("there.yaml", pasted().encode())
    page = operator.post("/import/", {"file": file, "step": "report"})
    form = {"document": pasted(), "plan": plan_on(page), "step": "apply"}
    answer = operator.post("/import/", form)
    job = LabelJob.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert Grid.objects.count() == 2
    assert set(AuditEvent.objects.filter(kind="change").values_list("door", flat=True)) == {"page"}


def test_what_changed_meanwhile_is_shown_again_and_not_applied(operator, nodes):
    page = operator.post("/import/", {"document": pasted(), "step": "report"})
    builders.a_node("edge-4", rack="north")
    again = operator.post("/import/", {"document": pasted(), "plan": plan_on(page), "step": "apply"})
    assert "The cluster changed after your preview" in again.content.decode()
    assert plan_on(again) != plan_on(page)
    assert Grid.objects.count() == 0


def test_what_is_wrong_is_said_above_the_form_and_the_text_is_kept(operator, nodes):
    page = operator.post("/import/", {"document": "kind: NodePool\nmetadata: {name: <b>}\n", "step": "report"})
    assert page.status_code == 400
    text = page.content.decode()
    assert "/apiVersion" in text
    assert "metadata: {name: &lt;b&gt;}" in text


def test_what_is_blocked_has_no_button(operator, nodes):
    both = pasted().replace("nodes: [edge-3]", "nodes: [edge-1]")
    text = operator.post("/import/", {"document": both, "step": "report"}).content.decode()
    assert "Blocked" in text
    assert 'value="apply"' not in text


def test_a_file_that_is_too_large_is_refused(operator, nodes):
    file = SimpleUploadedFile("there.yaml", b"# " + b"x" * 800_000)
    page = operator.post("/import/", {"file": file, "step": "report"})
    assert page.status_code == 400
    assert "larger than" in page.content.decode()


def test_a_viewer_may_export_and_not_import(viewer, fleet):
    assert viewer.get("/import/").status_code == 403
    answer = viewer.get("/export/")
    assert "attachment" in answer["Content-Disposition"]
    found = read_documents(answer.content)
    assert {each["kind"] for each in found} == {"Deployment", "Service"}


def test_a_long_export_is_sent_as_it_is_made_and_is_the_same(viewer, fleet, monkeypatch):
    whole = viewer.get("/export/").content
    monkeypatch.setattr("sgportal.dashboard.migration.views.PIECE", 10)
    answer = viewer.get("/export/")
    assert answer.streaming
    pieces = list(answer.streaming_content)
    assert len(pieces) > 2
    assert b"".join(pieces) == whole
    assert answer["Cache-Control"] == "private, no-store"


def test_the_report_is_in_the_readers_language(nodes):
    page = browser("operator", django_language="zh-hans").post("/import/", {"document": pasted(), "step": "report"})
    assert "在这里没有对应项，不会保留" in page.content.decode()


def test_many_grids_are_told_of_by_one_message(operator, nodes):
    one = {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGrid",
        "spec": {"gridUniqKey": "zone1", "template": {"selector": {"app": "a"}, "ports": [{"port": 80}]}},
    }
    text = "\n---\n".join(json.dumps(one | {"metadata": {"name": f"s{number}"}}) for number in range(9))
    page = operator.post("/import/", {"document": text, "step": "report"})
    form = {"document": text, "plan": plan_on(page), "step": "apply"}
    answer = operator.post("/import/", form, follow=True).content.decode()
    assert answer.count('<div class="note success">') == 1
    assert "Imported: 9 created, 0 changed, 0 unchanged." in answer


@pytest.mark.parametrize("data", ["名称: 值".encode("gbk"), b"a: \xff", b"kind: a\0b"])
def test_a_file_in_which_something_would_be_replaced_is_refused(operator, nodes, data):
    page = operator.post("/import/", {"file": SimpleUploadedFile("there.yaml", data), "step": "report"})
    assert page.status_code == 400
    assert re.search("save it as UTF-8|does not take the character U\\+0000", page.content.decode())


def test_a_file_is_read_by_its_byte_order_mark(operator, nodes):
    file = SimpleUploadedFile("there.yaml", pasted().encode("utf-16"))
    page = operator.post("/import/", {"file": file, "step": "report"})
    assert page.status_code == 200
    assert plan_on(page)
