"""The page about the cluster, and the banner on every page while the portal does not write."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.core.text import say
from sgportal.core.traffic.dataplane import Answer, Plane, Trial, cilium
from sgportal.models import Child, DataPlane, Grid, ManagementMode
from sgportal.reconciler.discovery import superedge
from sgportal.reconciler.discovery.superedge import ControllerObservation

from ..addresses import GRID
from ..conftest import agree, hidden

COMMAND = "kubectl --namespace edge-system scale deployment application-grid-controller --replicas=0"
BANNER = "controller manages the grids."


@pytest.fixture
def running(fleet):
    """SuperEdge's controller runs; its definitions are there."""
    lost = say("it has no status subresource, so that no status can be written").to_json()
    definition = {"kind": "ServiceGrid", "name": "servicegrids.superedge.io", "maker": "superedge", "status": False}
    ManagementMode.change(
        mode="read-only",
        running=True,
        evidence=[say("it <b>runs</b>").to_json()],
        cure=[COMMAND],
        definitions=[{**definition, "findings": [lost]}],
        version="v1.37.2",
    )
    return fleet


@pytest.fixture
def looked(monkeypatch):
    """What a look at the cluster sees: nothing of SuperEdge."""
    monkeypatch.setattr(superedge, "look", lambda cluster: ControllerObservation("v1.37.2", (), (), ()))
    monkeypatch.setattr("sgportal.reconciler.process.connection.reading", lambda: None)


def text(client, address):
    return client.get(address).content.decode()


def test_every_page_says_who_manages_while_it_is_not_the_portal(viewer, running):
    for address in ("/", "/nodes/", GRID, "/cluster/banner/"):
        assert BANNER in text(viewer, address)
    ManagementMode.change(mode="managing", running=False)
    assert BANNER not in text(viewer, "/")
    ManagementMode.change(mode="managing", running=True)
    assert "Both write to the same grids." in text(viewer, "/")


def test_the_page_tells_why_and_what_to_do_and_hides_what_one_may_not(viewer, admin, running):
    page = text(viewer, "/cluster/")
    assert COMMAND in page
    assert "It &lt;b&gt;runs&lt;/b&gt;" in page
    assert "no status subresource" in page
    assert "/cluster/takeover/" not in page
    assert "/cluster/takeover/" in text(admin, "/cluster/")
    for address in ("/cluster/takeover/", "/cluster/handback/"):
        assert viewer.get(address).status_code == 403


def test_a_write_gets_a_page_with_the_reason(operator, running):
    answer = operator.post(GRID + "delete/", {"step": "confirm", "expect": running.etag})
    assert answer.status_code == 409
    assert "No changes made" in answer.content.decode()
    assert COMMAND in answer.content.decode()
    assert Grid.objects.get(pk=running.pk).deleting_since is None


def test_an_administrator_takes_over_and_hands_back(admin, running, looked):
    page = text(admin, "/cluster/takeover/")
    assert "Take over from SuperEdge?" in page
    answer = admin.post("/cluster/takeover/", {**hidden(admin.get("/cluster/takeover/")), "force": "on"}, follow=True)
    assert "The portal manages the grids now." in answer.content.decode()
    assert ManagementMode.now().decided_by == "some-admin"
    assert "Hand the grids back" in text(admin, "/cluster/handback/")
    admin.post("/cluster/handback/")
    assert not ManagementMode.now().handing_back
    agree(admin, "/cluster/handback/")
    assert ManagementMode.now().handing_back
    assert "already" not in text(admin, "/cluster/")
    assert "are being handed back" in text(admin, "/")


def test_taking_over_is_what_the_page_showed(admin, running, looked):
    shown = re.search(r'name="plan" value="(\w+)"', text(admin, "/cluster/takeover/"))
    assert shown
    answer = admin.post("/cluster/takeover/", {"plan": "another", "force": "on"}, follow=True)
    assert "The plan has changed since it was shown." in answer.content.decode()
    assert ManagementMode.now().read_only
    admin.post("/cluster/takeover/", {"plan": shown[1], "force": "on"})
    assert ManagementMode.now().decided_by == "some-admin"


def test_what_is_refused_is_said_on_the_page(admin, fleet, looked):
    assert "already manages the grids" in admin.post("/cluster/takeover/", follow=True).content.decode()


def test_what_came_of_a_task_is_shown_with_its_commands(viewer, fleet):
    line = say("it also replaces the portal's CRDs with its own within a minute of its start").to_json()
    task = {"name": "hand-back", "state": "done", "by": "ada", "at": "2026-01-01T00:00:00Z"}
    ManagementMode.change(mode="read-only", task={**task, "lines": [line], "commands": [COMMAND]})
    page = text(viewer, "/cluster/")
    assert "within a minute of its start" in page
    assert COMMAND in page


@pytest.mark.parametrize(
    ("plane", "trial", "words"),
    [
        (Plane("kube-proxy"), Trial(True), ["supported", "kube-proxy", "supported"]),
        (Plane("cilium", "true"), Trial(True), ["not supported", "Cilium", "are rejected and existing ones stay"]),
        (Plane("calico-ebpf", "v3.32.0"), Trial(True), ["supported", "Calico eBPF", "v3.32.0", "published rule"]),
        (Plane("kube-proxy"), Trial(False), ["not supported", "dropped", "The API server drops hints"]),
        (Plane("kube-proxy"), Trial(False, "<b>"), ["not supported", "rejected", "&lt;b&gt;"]),
        (cilium(Answer(refused="no")), Trial(None, "no"), ["unknown", "No mode is rejected", "(no)"]),
    ],
)
def test_what_the_cluster_can_keep_is_shown_with_the_age_of_the_look(viewer, plane, trial, words):
    assert "not checked yet" in text(viewer, "/cluster/")
    now = timezone.now()
    DataPlane.keep(plane, trial, now - timedelta(minutes=3), now - timedelta(minutes=7))
    page = text(viewer, "/cluster/")
    for each in [*words, "3m ago", "7m ago"]:
        assert each in page


def test_services_that_somebody_made_for_superedges_filter_are_shown_as_that(viewer, fleet):
    assert "topologyKeys" not in text(viewer, "/cluster/")
    Child.objects.create(kind="Service", namespace="default", name="byhand", uid="u", body=BY_HAND)
    page = text(viewer, "/cluster/")
    assert "byhand" in page
    assert "without it, traffic goes to every NodeUnit" in page
    assert 'class="state' in page.split("topologyKeys</th>")[1]
    DataPlane.keep(Plane("cilium", "true"), Trial(True), timezone.now(), timezone.now())
    assert "here Cilium carries the traffic" in text(viewer, "/cluster/").replace("SuperEdge&#x27;s", "SuperEdge's")


BY_HAND = {
    "metadata": {"namespace": "default", "name": "byhand", "uid": "u", "annotations": {"topologyKeys": '["site"]'}},
    "spec": {"clusterIP": "10.96.0.9", "selector": {"appGrid": "echo"}, "ports": [{"port": 80}]},
}
