"""No page that touches children does anything for a form that names no plan, or another than the one that is shown."""

import re
from html import unescape

import pytest
from django.utils import timezone

from sgportal.models import AuditEvent, Child, Grid, GridUnit, LabelJob, ManagedCluster, ManagementMode, ServiceGroup
from sgportal.queries.held import held
from sgportal.queries.plans import plan_of
from sgportal.reconciler.fleet import halt

from ... import builders
from ...api.builders import rollout
from ..addresses import GRID, SERVICE
from ..cluster.test_cluster import looked as looked
from ..conftest import hidden

SHOP = "/servicegroups/default/shop/"


def halted(_client, _grid):
    halt.begin("grids-gone", {"grids": 2})
    return "/decisions/halt/", {"choice": "follow", "halt": ManagedCluster.now().halt_id}


def waiting(_client, grid):
    Grid.objects.filter(pk=grid.pk).update(cluster_uid="u", missing_since=timezone.now(), missing_held=True)
    return "/decisions/held/", {"choice": "follow", "items": held()[0].id}


def managed_by_another(_client, _grid):
    ManagementMode.change(mode="read-only", running=False)
    return "/cluster/takeover/", {"force": "on"}


def done_before(_client, _grid):
    results = {"node0": {"before": {"site": "lyo"}, "after": {"site": "ham"}, "state": "done", "detail": ""}}
    job = LabelJob.objects.create(changes={"site": "ham"}, results=results, author="ada", state="done")
    return f"/jobs/{job.pk}/undo/", {}


def scaled_before(client, _grid):
    """A change whose message has an Undo."""
    address, asked = GRID + "do/scale/", {"replicas": "7"}
    shown = hidden(client.post(address, {**asked, "step": "preview"}))
    text = client.post(address, {**asked, **shown, "step": "confirm"}, follow=True).content.decode()
    return re.search(rf'href="({GRID}undo/[^"]*)"', text)[1], {}


def with_spare_template(_client, grid):
    grid.spec["templatePool"] = {"spare": builders.workload()}
    grid.save()
    return GRID + "templates/", {"expect": grid.etag}


def rolled_out(_client, grid):
    waves = {"waves": [{"name": "canary", "units": ["ham"]}]}
    ServiceGroup.objects.update(spec={"gridUniqKey": grid.key, "grids": [], "rollout": waves})
    Grid.objects.exclude(pk=grid.pk).update(group=None)
    grid.spec, grid.generation = {**grid.spec, "rollout": waves}, 2
    grid.save()
    grid.remember("ada")
    rollout(grid, units=("ham", "lyo"))
    return SHOP + "rollout/rollback/", {"step": "confirm"}


def edited(address):
    def change(client, _grid):
        text = client.get(address, {"mode": "yaml"}).content.decode()
        document = unescape(re.search(r'<textarea[^>]*name="document"[^>]*>(.*?)</textarea>', text, re.S)[1])
        assert "replicas: 2" in document
        return address, {"mode": "yaml", "document": document.replace("replicas: 2", "replicas: 5"), "step": "save"}

    return change


def with_service(_client, _grid):
    service = Grid.objects.get(kind="ServiceGrid")
    GridUnit.objects.create(grid=service, name="")
    made = next(each for each in plan_of(service).steps if each.kind == "Service")
    body = {**made.body, "metadata": {**made.body["metadata"], "uid": "u"}}
    Child.objects.create(kind="Service", namespace="default", name=made.name, uid="u", grid_name="echo", body=body)
    return SERVICE + "recreate/", {}


def chosen(client, _grid):
    place = client.post("/labels/", {"node": ["node3"]})["Location"]
    return place, {"key": "site", "value": "por", "step": "confirm"}


MANIFEST = """apiVersion: superedge.io/v1
kind: ServiceGrid
metadata: {name: other, namespace: default}
spec: {gridUniqKey: site, template: {selector: {app: other}, ports: [{port: 80}]}}
"""


def at(address, **asked):
    return lambda _client, _grid: (address, asked)


# By the name of its address, how each is got to: its address and what its form sends besides the plan.
BOUND = {
    "cluster-takeover": managed_by_another,
    "cluster-handback": at("/cluster/handback/"),
    "decide": halted,
    "decide-held": waiting,
    "node-schedule": at("/nodes/node2/schedule/", action="drain"),
    "unit-schedule": at("/unit/schedule/?key=site&unit=lyo&action=drain"),
    "job-undo": done_before,
    "label": chosen,
    "assign": at("/labels/assign/", key="site", lines="node3=por", step="confirm"),
    "grid-new": at("/grids/new/", mode="yaml", document=MANIFEST, step="save"),
    "grid-edit": edited(GRID + "edit/"),
    "grid-delete": at(GRID + "delete/", step="confirm"),
    "grid-operate": at(GRID + "do/restart/", step="confirm"),
    "grid-undo": scaled_before,
    "grid-prune": with_spare_template,
    "service-recreate": with_service,
    "grid-recreate": at(GRID + "units/lyo/recreate/"),
    "import": at("/import/", document=MANIFEST, step="apply"),
    "servicegroup-edit": edited(SHOP + "edit/"),
    "servicegroup-delete": at(SHOP + "delete/"),
    "servicegroup-rollout": rolled_out,
}


def state():
    """What a write leaves behind."""
    grids = list(Grid.objects.order_by("pk").values_list("pk", "spec", "deleting_since", "may_be_forgotten"))
    return (
        grids,
        list(ServiceGroup.objects.order_by("pk").values_list("pk", "deleting_since")),
        list(LabelJob.objects.order_by("pk").values_list("pk", "stopped")),
        AuditEvent.objects.filter(kind=AuditEvent.Kind.CHANGE).count(),
        (ManagedCluster.now().halt, ManagementMode.now().mode),
    )


@pytest.mark.parametrize("name", BOUND)
def test_nothing_is_done_for_a_plan_that_nobody_saw(admin, fleet, looked, name):
    address, asked = BOUND[name](admin, fleet)
    before = state()
    for shown in ({}, {"plan": ""}, {"plan": "0" * 32, "seen": "0" * 32}):
        answer = admin.post(address, {**asked, **shown})
        assert answer.status_code in (200, 302), (answer.status_code, shown)
        assert state() == before, shown
    seen = hidden(admin.post(address, {**asked, **shown}, follow=True))
    admin.post(address, {**asked, **seen})
    assert state() != before, "for the plan that is shown it is done: what kept it from that before was the plan alone"
