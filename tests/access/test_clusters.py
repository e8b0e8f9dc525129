"""Rows of another cluster do not exist for a process: every address, every sum and every write, beside a cluster with a
NodeGroup, NodeUnits, namespaces, grids, ServiceGroups and work of the same names.

Whatever else is in the other cluster has “faraway” in its name, so that no byte of an answer may hold that word.
"""

import html
import re
import uuid

import pytest
from django.apps import apps
from django.core import serializers
from django.db import models
from django.test import Client
from django.utils import timezone

from sgportal.core.text import say
from sgportal.models import (
    AuditEvent,
    CellUsage,
    Child,
    DataPlane,
    Grid,
    GridEvent,
    Journal,
    LabelJob,
    ManagedCluster,
    ManagementMode,
    Namespace,
    NodeUsage,
    Notice,
    PodUsage,
    Revision,
    Rollout,
    ServiceGroup,
    Slice,
    UnitUsage,
    WorkKey,
)
from sgportal.models.scopes.clusters import DEFAULT, OfCluster, OneEach, current, within_cluster
from sgportal.reconciler.grids.status.sums import made_of
from sgportal.reconciler.queue import due_cells, remembered, unit_history, workqueue
from tests import builders
from tests.access.test_scopes import FIRST, OF_GRIDS, addresses

pytestmark = pytest.mark.django_db
OTHER = 2
ANEW = r"\w{32,}|\d{4}-\d\d-\d\dT[\d:.+]+"  # what is another at each reading: tokens, and the time of it
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')
AT = {"namespace": "home", "name": "echo"}
MODELS = tuple(apps.get_app_config("sgportal").get_models())
COUNTED = FIRST | OF_GRIDS | {"/metrics"}  # what says the same to the letter at each reading
# Models whose rows are of no cluster, each with the reason.
OF_THE_PORTAL = {
    "ApiToken": "people",
    "Delivery": "of a notice or a channel",
    "Favourite": "people",
    "Grant": "people",
    "Heartbeat": "of a process",
    "Lease": "of a process; one that is held for a cluster has the cluster in its name",
    "LogInCount": "people",
    "ManagedCluster": "is a cluster",
    "NotificationChannel": "people",
    "OidcIdentity": "people",
    "Preference": "people",
    "SavedView": "people",
    "SecondFactor": "people",
    "ServiceToken": "people",
}
# One row for each cluster, with its primary key.
ONE_EACH = {"DataPlane", "ManagementMode", "UsageSource"}
# Known by its name alone until no version before runs beside this one (docs/decisions/0020-several-clusters.md).
NOT_YET = {"ResourceSync"}


def world(word: str = "") -> None:
    """A site with a node, a grid of which nothing is as it should be, its package, and what happened to them. `word`
    begins the names that need not be those of the other cluster."""
    node = builders.a_node(f"{word}node", ready="Unknown" if word else "Ready", site="ham", disk="ssd")
    package = ServiceGroup.objects.create(namespace="home", name="echo", key="site", metadata={"labels": {"of": word}})
    grid = builders.a_grid("echo", "site", "home", group=package)
    grid.metadata = {"annotations": {"of": word}}
    grid.save()
    builders.a_service("echo", "site", "home")
    builders.observed(grid, {"ham": "Blocked" if word else "Ready", **({"faraway-unit": "Blocked"} if word else {})})
    builders.a_pod(grid, "ham", node.name, 1 if word else 0, ready=not word)
    path = grid.path
    made = {"uid": str(uuid.uuid4()), "grid_name": "echo", "owner_uid": str(grid.uid), "body": {"metadata": {}}}
    Child.objects.create(kind="Deployment", namespace="home", name=f"{word}echo-ham", **made)
    Slice.objects.create(namespace="home", name=f"{word}echo-svc-1", service="echo-svc", body={"metadata": {}})
    Namespace.objects.create(name=f"{word}home")
    GridEvent.objects.create(
        path=path, unit="ham", reason=f"{word}Trouble", message=say("all pods are ready").to_json()
    )
    Revision.objects.create(grid=grid, path=path, number=2, spec=grid.spec, author=f"{word}ada")
    Rollout.objects.create(grid=grid, target=1, generation=1, seed=1, phase="Completed", command=word)
    AuditEvent.objects.create(actor=f"{word}ada", door="page", verb="change", path=path)
    LabelJob.objects.create(changes={"site": "ham"}, results={node.name: {"state": "done"}}, author=f"{word}ada")
    WorkKey.objects.create(key=path, requested=1, error=word)
    due_cells.add([due_cells.Cell("site", grid.pk, "ham")])
    Notice.objects.create(finding="one", topic="grid", message=say("all pods are ready").to_json())
    used = {"at": timezone.now(), "cpu": 900 if word else 1, "memory": 900 if word else 1}
    NodeUsage.objects.create(node=node.name, **used)
    UnitUsage.objects.create(key="site", unit="ham", **used)
    PodUsage.objects.create(namespace="home", name=f"{word}echo", node=node.name, **used)
    for unit in ("ham", ""):
        CellUsage.objects.create(kind="DeploymentGrid", key="site", unit=unit, **AT, **used)
    unit_history.note_all()


def elsewhere() -> None:
    """The other cluster, in which everything is wrong."""
    ManagedCluster.objects.create(pk=OTHER, name="faraway", uid="faraway-uid", halt="another-cluster")
    with within_cluster(OTHER):
        world("faraway-")
        ManagementMode.change(mode="read-only", decided_by="faraway-ada")
        Journal.objects.create(kind="grid", key="faraway")
        plane = {"name": "faraway", "setting": "", "why": None}
        DataPlane.objects.create(seen={"plane": plane, "trial": {"kept": False, "said": "faraway"}})


@pytest.fixture
def admin() -> Client:
    """A browser of somebody who may see everything."""
    client = Client(raise_request_exception=False, headers={"host": "localhost"})
    client.force_login(builders.a_person("vic"))
    return client


def every_row(pk: int) -> list[str]:
    """All that is stored of a cluster."""
    own = (each for each in MODELS if any(field.name == "cluster" for field in each._meta.fields))
    return [serializers.serialize("json", each._base_manager.filter(cluster=pk).order_by("pk")) for each in own]


def read(client: Client) -> dict[str, tuple[int, str]]:
    """What every address says, without what is another at each reading."""
    found = {}
    for address in sorted(set(addresses())):
        for asked in ("", "key=site&unit=ham"):
            answer = client.get(f"{address}?{asked}")
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            text = re.sub(ANEW, "", content.decode(errors="replace"))
            found[f"{address}?{asked}"] = answer.status_code, text
    return found


def test_no_address_tells_of_another_cluster(admin, monkeypatch, settings):
    settings.SGPORTAL_METRICS_SERVER = True
    world()
    builders.news()
    at = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: at)  # so that nothing is said to be older at the second reading
    before = read(admin)
    elsewhere()
    after = read(admin)
    assert {address.partition("?")[0] for address, (status, _) in after.items() if status == 200} >= FIRST | OF_GRIDS
    assert [address for address, (_, text) in after.items() if "faraway" in text] == []
    told = [each for each in after if each.startswith("/api/v1/") or each.partition("?")[0] in COUNTED]
    changed = {each: set(after[each][1].split("\n")) ^ set(before[each][1].split("\n")) for each in told}
    assert {each: lines for each, lines in changed.items() if lines} == {}


def test_what_is_asked_for_reaches_no_other_cluster(admin):
    world()
    elsewhere()
    builders.news()
    before = every_row(OTHER)
    # What is handed back to SuperEdge is not written any more: that comes last.
    for address in sorted(set(addresses(verb="restart")), key=lambda each: ("handback" in each, each)):
        for method in ("post", "delete"):
            getattr(admin, method)(address)
        page = admin.get(address)
        hidden = dict(HIDDEN.findall("" if page.streaming else html.unescape(page.content.decode())))
        if "plan" in hidden:
            admin.post(address, {**hidden, "step": "confirm"})
    assert AuditEvent.objects.filter(verb="delete").exists()
    assert every_row(OTHER) == before


def test_what_is_due_in_all_grids_of_a_label_is_due_in_each_cluster():
    """Sites have the same names everywhere: what one cluster's workers have not done yet hides nothing of another's."""
    cell = due_cells.Cell("site", due_cells.ALL, "ham", moved=True)
    ManagedCluster.objects.create(pk=OTHER, name="faraway")
    with within_cluster(OTHER):
        due_cells.add([cell])
    due_cells.add([cell])
    assert [each.unit for each in due_cells.waiting("site", 10, 1)] == ["ham"]
    with within_cluster(OTHER):
        (due,) = due_cells.waiting("site", 10, 1)
        assert (due.unit, due_cells.is_of_all_grids(due)) == ("ham", True)


def test_the_engine_leaves_the_rows_of_another_cluster_alone():
    world()
    elsewhere()
    before, mine = every_row(OTHER), Grid.objects.get(kind="DeploymentGrid", **AT)
    assert [each.key for each in WorkKey.objects.due()] == [mine.path]
    workqueue.enqueue([mine.path])
    assert {each.grid for each in due_cells.waiting("site", 10, 1)} == {mine.pk}
    due_cells.take(due_cells.waiting("site", 10, 1))
    due_cells.add([due_cells.Cell("site", due_cells.ALL, "ham", moved=True)])
    mine.units.update(state="Blocked")
    mine.revise(mine.source(), "ada")
    unit_history.note_all()
    unit_history.note_gone(["node", "faraway-node"])
    unit_history.note_end(mine)
    remembered.review()
    mine.delete()
    ServiceGroup.objects.all().delete()
    assert every_row(OTHER) == before
    assert made_of(Grid._base_manager.get(cluster=OTHER, kind="DeploymentGrid").units.all()) == made_of([])


def test_rows_are_made_in_the_cluster_that_is_worked_for():
    assert current() == DEFAULT
    with within_cluster(OTHER):
        builders.observed(builders.a_grid(), ["ham"])
        WorkKey.objects.bulk_create([WorkKey(key="x")], ignore_conflicts=True)
        assert Grid.objects.get().units.count() == WorkKey.objects.count() == 1
    assert not Grid.objects.exists()
    assert not WorkKey.objects.exists()
    assert set(Grid._base_manager.values_list("cluster", "units__cluster")) == {(OTHER, OTHER)}


def test_log_ins_are_the_portals_and_changes_a_clusters():
    with within_cluster(OTHER):
        for kind in AuditEvent.Kind.values:
            AuditEvent.objects.create(actor="ada", door="page", verb="x", path="x", kind=kind)
    assert [each.kind for each in AuditEvent.objects.all()] == ["access"]


def test_every_model_knows_its_cluster_or_says_why_not():
    known = {each.__name__ for each in MODELS if any(field.name == "cluster" for field in each._meta.fields)}
    assert {each.__name__ for each in MODELS} - known == OF_THE_PORTAL.keys() | ONE_EACH | NOT_YET
    assert {each.__name__ for each in MODELS if issubclass(each, OneEach)} == ONE_EACH | {"ManagedCluster"}
    assert all(isinstance(apps.get_model("sgportal", each).objects, OfCluster) for each in known | ONE_EACH)


def test_the_version_before_makes_rows_of_the_one_cluster():
    """It names no cluster: the database does."""
    for name in ("Grid", "Node", "WorkKey"):
        field: models.Field = apps.get_model("sgportal", name)._meta.get_field("cluster")
        assert field.db_default == DEFAULT, name
    assert ManagedCluster.objects.filter(pk=DEFAULT).exists()
