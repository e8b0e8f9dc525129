"""Changing labels: a snapshot of names, what it would do, the job, undoing it."""

import re

import pytest

from sgportal.core import node_jobs
from sgportal.models import AuditEvent, LabelJob, Node

from .. import builders
from .conftest import agree, hidden


def choose(client, names, **extra):
    """The page that asks what to change on these nodes."""
    return client.post("/labels/", {"node": names, **extra})["Location"]


def say_what(client, place, **what):
    return client.post(place, {"step": "preview", **what})


def confirm(client, page, place, **what):
    seen = re.search(r'name="seen" value="(\w+)"', page.content.decode())[1]
    return client.post(place, {"step": "confirm", "seen": seen, **what})


def test_from_nodes_to_a_job(operator, fleet):
    place = choose(operator, ["node3", "node2"])
    asked = operator.get(place).content.decode()
    assert "node3" in asked
    assert "node0" not in asked
    page = say_what(operator, place, key="site", value="por")
    text = page.content.decode()
    assert "site=por" in text
    assert "echo-por" in text
    assert "loses its last node" in text
    assert not LabelJob.objects.exists()
    answer = confirm(operator, page, place, key="site", value="por")
    job = LabelJob.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert job.changes == {"site": "por"}
    assert sorted(job.results) == ["node2", "node3"]
    assert AuditEvent.objects.get().door == "page"


def test_all_that_match_are_those_seen_when_chosen(operator, db):
    """Whatever happens to the list afterwards."""
    builders.nodes(250, "zone", units=2)
    answer = operator.post("/labels/", {"all": "1", "query": "selector=zone%3Dunit-000"})
    builders.label(builders.a_node("late"), {"zone": "unit-000"})
    Node.objects.get(name="node-0000").delete()
    place = answer["Location"]
    assert "labels of 125 nodes" in operator.get(place).content.decode()
    page = say_what(operator, place, key="site", value="x")
    assert page.status_code == 400
    assert "there is no node “node-0000”" in page.content.decode()


def test_filters_of_all_are_all_heeded(operator, db):
    builders.nodes(9, "zone", units=3)
    query = "group=zone&unit=unit-001&ready=Ready&search=node-000"
    place = operator.post("/labels/", {"all": "1", "query": query})["Location"]
    assert "labels of 3 nodes" in operator.get(place).content.decode()


def test_nothing_chosen(operator, fleet):
    answer = operator.post("/labels/", {"next": "/nodes/?search=node"}, follow=True)
    assert "Select at least one node." in answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/nodes/?search=node"


@pytest.mark.parametrize("query", ["selector=((", "search=%00nowhere", "group=%00"])
def test_all_of_nothing(operator, query):
    answer = operator.post("/labels/", {"all": "1", "query": query}, follow=True)
    assert "Select at least one node." in answer.content.decode()


def test_a_selection_is_of_one_person_and_one_hour(operator, viewer, admin, fleet, monkeypatch):
    place = choose(operator, ["node0"])
    assert admin.get(place).status_code == 404
    assert operator.get("/labels/unknown/").status_code == 404
    kept = operator.session
    kept["selections"] = {token: {**each, "at": each["at"] - 3601} for token, each in kept["selections"].items()}
    kept.save()
    assert operator.get(place).status_code == 404


def test_old_selections_are_forgotten(operator, fleet):
    places = [choose(operator, ["node0"]) for _ in range(7)]
    assert [operator.get(place).status_code for place in places] == [404, 404, 200, 200, 200, 200, 200]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"key": "kubernetes.io/hostname", "value": "x"}, "belongs to Kubernetes"),
        ({"key": "-bad", "value": "x"}, "is not a label key"),
        ({"key": "site", "value": "no spaces"}, "is not a label value"),
        ({"key": "site", "value": ""}, "enter a value"),
        ({"key": "", "value": "x"}, "must be a label key"),
    ],
)
def test_what_cannot_be(operator, fleet, what, said):
    place = choose(operator, ["node0"])
    page = say_what(operator, place, **what)
    assert page.status_code == 400
    assert said in page.content.decode()
    assert 'name="seen"' not in page.content.decode()


@pytest.mark.parametrize("shown", [{}, {"seen": ""}, {"seen": "another"}])
def test_nothing_is_done_that_was_not_shown(operator, fleet, shown):
    place = choose(operator, ["node3"])
    page = operator.post(place, {"step": "confirm", "key": "site", "value": "por", **shown})
    assert "The cluster changed after your preview" in page.content.decode()
    assert not LabelJob.objects.exists()
    confirm(operator, page, place, key="site", value="por")
    assert LabelJob.objects.get().changes == {"site": "por"}


def test_removing_a_label(operator, fleet):
    place = choose(operator, ["node2"])
    page = say_what(operator, place, key="site", value="", remove="1")
    assert "removed" in page.content.decode()
    confirm(operator, page, place, key="site", remove="1")
    assert LabelJob.objects.get().changes == {"site": None}


def test_services_that_lose_their_last_endpoint_are_named(operator, fleet):
    place = choose(operator, ["node0", "node1"])
    text = say_what(operator, place, key="site", value="lyo").content.decode()
    assert "Services losing all endpoints" in text
    assert "servicegrids/default/echo" in text


def test_what_has_changed_since_is_shown_again_instead_of_done(operator, fleet):
    place = choose(operator, ["node3"])
    page = say_what(operator, place, key="site", value="por")
    builders.a_grid("other", "site")
    again = confirm(operator, page, place, key="site", value="por")
    assert again.status_code == 200
    assert "The cluster changed after your preview" in again.content.decode()
    assert not LabelJob.objects.exists()
    assert confirm(operator, again, place, key="site", value="por").status_code == 302


def test_a_new_unit_begins_with_the_nodes_in_none(operator, fleet):
    page = operator.get("/nodes/?selector=!site&key=site").content.decode()
    assert "node3" in page
    assert "node0" not in page
    place = choose(operator, ["node3"], key="site")
    assert 'value="site"' in operator.get(place).content.decode()


def test_a_job_shows_each_node_failures_first(viewer, fleet):
    results = {
        "node0": {"before": {"site": "ham"}, "state": "done", "detail": ""},
        "node1": {"before": {"site": None}, "state": "failed", "detail": "<b>no</b>"},
        "node2": {"before": {"site": "lyo"}, "state": "pending", "detail": ""},
    }
    job = LabelJob.objects.create(changes={"site": "x"}, results=results, author="ada", state="running")
    text = viewer.get(f"/jobs/{job.pk}/").content.decode()
    assert text.index("node1") < text.index("node2") < text.index("node0")
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert "every 2s" in text


def test_undoing_gives_each_node_what_it_had(operator, fleet):
    results = {
        "node0": {"before": {"site": "ham"}, "state": "done", "detail": ""},
        "node1": {"before": {"site": "ham"}, "state": "failed", "detail": "no"},
        "node3": {"before": {"site": None}, "state": "done", "detail": ""},
    }
    job = LabelJob.objects.create(changes={"site": "x"}, results=results, author="ada", state="failed")
    place = agree(operator, f"/jobs/{job.pk}/undo/")["Location"]
    undone = LabelJob.objects.exclude(pk=job.pk).get()
    assert place == f"/jobs/{undone.pk}/"
    assert {name: undone.changes_of(name) for name in undone.results} == {
        "node0": {"site": "ham"},
        "node3": {"site": None},
    }
    assert undone.undoes == job.pk


def test_a_job_under_way_is_stopped_before_it_is_undone(operator, fleet):
    results = {"node0": {"before": {"site": "ham"}, "state": "pending", "detail": ""}}
    job = LabelJob.objects.create(changes={"site": "x"}, results=results, author="ada", state="running")
    assert "Stop and undo" in operator.get(f"/jobs/{job.pk}/").content.decode()
    agree(operator, f"/jobs/{job.pk}/undo/")
    job.refresh_from_db()
    assert job.stopped
    assert LabelJob.objects.exclude(pk=job.pk).get().changes == {"site": "ham"}


def test_a_job_is_stopped_as_shown_however_far_it_has_come_since(operator, fleet):
    records = {name: node_jobs.begun("label", {"site": "ham"}, False, {"site": "x"}) for name in ("node0", "node1")}
    job = LabelJob.objects.create(changes={"site": "x"}, results=records, author="ada", state="running")
    shown = hidden(operator.get(f"/jobs/{job.pk}/undo/"))
    builders.label(Node.objects.get(name="node0"), {"site": "x"})
    records["node0"]["state"] = "done"
    LabelJob.objects.filter(pk=job.pk).update(results=records)
    operator.post(f"/jobs/{job.pk}/undo/", shown)
    undone = LabelJob.objects.get(undoes=job.pk)
    assert {name: undone.changes_of(name) for name in undone.results} == {name: {"site": "ham"} for name in records}


def test_what_cannot_be_undone_says_so(operator, fleet):
    results = {"node0": {"before": {"site": "ham"}, "state": "failed", "detail": "no"}}
    job = LabelJob.objects.create(changes={"site": "x"}, results=results, author="ada", state="failed")
    text = operator.post(f"/jobs/{job.pk}/undo/", follow=True).content.decode()
    assert "nothing is left of this job" in text.lower()
    assert LabelJob.objects.count() == 1


def test_each_node_gets_the_value_of_its_line(operator, fleet):
    place = choose(operator, ["node0"])
    lines = "node2=por\n\n node3 = lis \n"
    answer = operator.post(place, {"key": "site", "lines": lines, "move": "1", "step": "preview"})
    seen = re.search(r'name="seen" value="([^"]+)"', answer.content.decode())[1]
    operator.post(place, {"key": "site", "lines": lines, "move": "1", "step": "confirm", "seen": seen})
    job = LabelJob.objects.get()
    assert job.action == "move"
    assert {name: job.changes_of(name) for name in job.results} == {"node2": {"site": "por"}, "node3": {"site": "lis"}}
    for wrong in ("node2", "node2=", "=x", "node2=a\nnode2=b", "nobody=a", "node2=a b"):
        assert operator.post(place, {"key": "site", "lines": wrong, "step": "preview"}).status_code == 400


def test_a_second_click_on_undo_finds_the_first(operator, fleet):
    results = {"node0": {"before": {"site": "ham"}, "state": "done", "detail": ""}}
    job = LabelJob.objects.create(changes={"site": "x"}, results=results, author="ada", state="done")
    address = f"/jobs/{job.pk}/undo/"
    fields = hidden(operator.get(address))
    first, second = (operator.post(address, fields)["Location"] for _ in range(2))
    undone = LabelJob.objects.get(undoes=job.pk)
    assert first == second == f"/jobs/{undone.pk}/"
    assert "The job that undoes this one" in operator.get(f"/jobs/{job.pk}/").content.decode()
    LabelJob.objects.filter(pk=undone.pk).update(state="done")
    assert operator.post(address, fields)["Location"] == first
    assert LabelJob.objects.count() == 2
    LabelJob.objects.filter(pk=undone.pk).update(state="failed")  # which left something to be taken back
    assert agree(operator, address)["Location"] != first


def test_a_node_is_cordoned_and_drained_from_its_page_as_it_was_shown(operator, viewer, fleet):
    text = operator.get("/nodes/node2/").content.decode()
    assert 'href="/nodes/node2/schedule/?action=drain"' in text
    assert 'href="/nodes/node2/schedule/?action=cordon"' in text
    address, asked = "/nodes/node2/schedule/", {"action": "drain"}
    shown = operator.get(address, asked)
    assert "echo-lyo-0" in shown.content.decode()
    builders.a_pod(fleet, "lyo", "node2", 7)
    again = operator.post(address, hidden(shown))
    assert "The plan has changed since it was shown." in again.content.decode()
    assert operator.post(address, asked).status_code == 200  # who names no plan is shown it
    assert not LabelJob.objects.exists()
    place = operator.post(address, hidden(again))["Location"]
    job = LabelJob.objects.get()
    assert (place, job.action, list(job.results)) == (f"/jobs/{job.pk}/", "drain", ["node2"])
    answer = agree(operator, address, {"action": "cordon"}, follow=True)
    assert "in another job that is under way" in answer.content.decode()
    for client, name, action, status in (
        (operator, "node2", "label", 404),
        (operator, "nobody", "drain", 404),
        (viewer, "node2", "drain", 403),
    ):
        for send in (client.get, client.post):
            assert send(f"/nodes/{name}/schedule/", {"action": action}).status_code == status


def test_several_nodes_are_assigned_to_several_units_in_one_go(operator, fleet):
    place, lines = "/labels/assign/", "node0=por\nnode1 = por\n\nnode2=lis"
    page = say_what(operator, place, key="site", lines=lines)
    text = page.content.decode()
    assert "site=por" in text
    assert "site=lis" in text
    assert not LabelJob.objects.exists()
    answer = confirm(operator, page, place, key="site", lines=lines)
    job = LabelJob.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    wanted = {name: record["after"] for name, record in job.results.items()}
    assert wanted == {"node0": {"site": "por"}, "node1": {"site": "por"}, "node2": {"site": "lis"}}


@pytest.mark.parametrize("lines", ["", "node0", "node0=", "node0=a\nnode0=b", "nowhere=a", "node0=<script>"])
def test_lines_that_assign_nothing_are_refused_with_what_is_wrong(operator, fleet, lines):
    page = say_what(operator, "/labels/assign/", key="site", lines=lines)
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()
    assert "<script>" not in page.content.decode().partition("<body")[2]
    assert not LabelJob.objects.exists()


def test_the_board_has_nodes_without_a_unit_and_the_units_there_are(operator, viewer, fleet):
    builders.a_node("spare")
    builders.label(builders.a_node("named"), {"site": "lis"})
    text = operator.get("/labels/assign/?key=site").content.decode()
    assert "spare" in re.findall(r'data-node="([^"]*)"', text)
    assert "named" not in re.findall(r'data-node="([^"]*)"', text)
    assert {"", "lis"} <= set(re.findall(r'<section data-unit="([^"]*)"', text))
    assert viewer.get("/labels/assign/").status_code == 403


def test_a_wrong_line_is_named_by_its_number_and_of_many_only_the_first_are_told(operator, fleet):
    page = operator.post("/labels/assign/", {"key": "site", "lines": "node0=a\n\n\nodd", "step": "preview"})
    assert "line 4 is not" in page.content.decode()
    page = operator.post("/labels/assign/", {"key": "site", "lines": "odd\n" * 5000, "step": "preview"})
    assert page.status_code == 400
    assert page.content.decode().count("is not “node=value”") <= 100
    many = "\n".join(f"nowhere-{number}=a" for number in range(5000))
    page = operator.post("/labels/assign/", {"key": "site", "lines": many, "step": "preview"})
    assert page.content.decode().count("there is no node") <= 100


def test_a_page_that_the_browser_had_kept_begins_no_second_job(operator, fleet):
    """The way back after a job was begun, and the same button once more."""
    place = choose(operator, ["node3"])
    page = say_what(operator, place, key="site", value="por")
    cordon = "/nodes/node2/schedule/"
    fields = hidden(operator.get(cordon, {"action": "cordon"}))
    for send in (
        lambda: confirm(operator, page, place, key="site", value="por"),
        lambda: operator.post(cordon, fields),
    ):
        LabelJob.objects.all().delete()
        first, second = (send()["Location"] for _ in range(2))
        assert first == second == f"/jobs/{LabelJob.objects.get().pk}/"
    LabelJob.objects.update(stopped=True)
    assert operator.post(cordon, fields)["Location"] != first
