"""What the demo breaks and mends in its own cluster; there are no such buttons anywhere else."""

import re

import pytest

from embedded_cluster import EmbeddedCluster
from sgportal.dashboard.cluster import demo
from sgportal.models import AuditEvent, Grid, LabelJob
from tests import builders

from ..conftest import browser

PLACE = "/demo/fault/"
MARK = "This is a demo"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    started = EmbeddedCluster("sites", tmp_path_factory.mktemp("cluster"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def offered(db, cluster):
    for node in ("beijing-01-node-1", "beijing-01-node-2", "beijing-01-node-3"):
        builders.a_node(node, site="beijing-01")
    builders.news()
    demo.offer(cluster.set_node_ready)
    yield cluster
    demo.offer(None)


def ready(cluster, name):
    body = cluster.call(lambda: cluster.store.get("nodes", "", name))
    return next(each["status"] for each in body["status"]["conditions"] if each["type"] == "Ready")


@pytest.mark.parametrize("fault", [*demo.FAULTS, "mend"])
def test_a_real_cluster_has_no_such_buttons(admin, fleet, fault):
    assert MARK not in admin.get("/").content.decode()
    assert admin.post(PLACE, {"fault": fault}).status_code == 404


def test_what_is_broken_is_mended(admin, offered):
    assert MARK in admin.get("/").content.decode()
    admin.post(PLACE, {"fault": "node"})
    assert [ready(offered, f"beijing-01-node-{number}") for number in (1, 2, 3)] == ["False", "True", "True"]
    admin.post(PLACE, {"fault": "link"})
    assert [ready(offered, f"beijing-01-node-{number}") for number in (1, 2, 3)] == ["Unknown"] * 3
    admin.post(PLACE, {"fault": "mend"})
    assert [ready(offered, f"beijing-01-node-{number}") for number in (1, 2, 3)] == ["True"] * 3


def test_a_bad_image_is_rolled_out_at_one_site_and_taken_back(admin, offered):
    grid = builders.a_grid("echo", "site")
    before = grid.source()["spec"]
    admin.post(PLACE, {"fault": "image"})
    assert demo.IMAGE in str(Grid.objects.get(pk=grid.pk).source()["spec"])
    admin.post(PLACE, {"fault": "mend"})
    assert Grid.objects.get(pk=grid.pk).source()["spec"] == before


def test_only_who_administers_the_demo_breaks_it(offered):
    operator = browser("operator")
    assert MARK not in operator.get("/").content.decode()
    assert operator.post(PLACE, {"fault": "node"}).status_code == 403
    assert browser("admin").post(PLACE, {"fault": "everything"}).status_code == 404


def test_a_grid_that_was_deleted_meanwhile_is_not_made_again(admin, offered):
    grid = builders.a_grid("echo", "site")
    admin.post(PLACE, {"fault": "image"})
    Grid.objects.all().delete()
    assert admin.post(PLACE, {"fault": "mend"}).status_code == 302
    assert not Grid.objects.exists()
    assert grid.name not in str(demo._Stage.grids)


def test_a_grid_that_is_not_for_the_site_is_left_alone_with_a_word(admin, offered):
    grid = builders.a_grid("echo", "site", placement={"exclude": {"units": ["beijing-01"]}})
    before = grid.source()
    assert admin.post(PLACE, {"fault": "image"}).status_code == 302
    admin.post(PLACE, {"fault": "mend"})
    assert Grid.objects.get(pk=grid.pk).source() == before


def test_what_is_broken_does_not_outlive_the_demo(admin, offered):
    admin.post(PLACE, {"fault": "link"})
    demo.offer(None)
    assert [ready(offered, f"beijing-01-node-{number}") for number in (1, 2, 3)] == ["True"] * 3


def done(admin):
    """Which steps of the tour the first page calls done, and whether it shows them."""
    text = admin.get("/").content.decode()
    panel = re.search(r'<details class="panel" id="demo"( open)?>.*?</details>', text, re.S)
    return [bool(each) for each in re.findall(r"<li( class=\"done\")?>", panel[0])], bool(panel[1])


def test_the_tour_notices_what_was_done_and_is_shown_while_it_is_under_way(admin, offered):
    assert done(admin) == ([False] * 5, False)
    admin.post(PLACE, {"fault": "mend"})
    assert done(admin) == ([False] * 5, False), "nothing was broken"
    admin.post(PLACE, {"fault": "node"})
    assert done(admin) == ([True, False, False, False, False], True)
    admin.post(PLACE, {"fault": "mend"})
    job = LabelJob.objects.create(changes={"site": "x"}, author="admin")
    LabelJob.objects.create(changes={"site": None}, author="admin", undoes=job.pk)
    assert done(admin) == ([True, True, True, True, False], True)
    AuditEvent.objects.create(actor="admin", door="page", verb="create", path="deploymentgrids/default/x")
    assert done(admin) == ([True] * 5, False)


def test_a_bad_image_of_a_demo_that_has_ended_is_taken_back_too(admin, offered):
    grid = builders.a_grid("echo", "site")
    before = grid.source()["spec"]
    admin.post(PLACE, {"fault": "image"})
    demo.offer(None)
    demo.offer(offered.set_node_ready)
    admin.post(PLACE, {"fault": "mend"})
    assert Grid.objects.get(pk=grid.pk).source()["spec"] == before
