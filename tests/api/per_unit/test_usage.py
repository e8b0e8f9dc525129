"""What nodes and pods use, over REST: whether it is measured, lists with filters, each within the caller's scope."""

from decimal import Decimal

import pytest
from django.utils import timezone

from sgportal.core.text import say
from sgportal.core.usage.measure import Amount, NodeSample, PodSample
from sgportal.models import Grant, Node, Pod, UsageSource
from sgportal.reconciler.usage import measuring
from tests import builders as rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet(settings):
    """Two sites in one rack each, with a grid of which a pod runs in both."""
    settings.SGPORTAL_METRICS_SERVER = True
    grid = rows.observed(rows.a_grid("echo", "site"), ["ham", "lyo"])
    for number, site in enumerate(("ham", "lyo")):
        node = rows.label(rows.a_node(f"node{number}"), {"site": site, "rack": "one"})
        Node.objects.filter(pk=node.pk).update(info={"allocatable": {"cpu": "4", "memory": "8Gi"}})
        rows.a_pod(grid, site, node.name)
    grid.units.filter(name="ham").update(child="echo-ham")
    grid.units.filter(name="lyo").update(child="echo-lyo")
    rows.news()
    measure("0.5", 512)
    return grid


def measure(cores, mebibytes):
    used = Amount(Decimal(cores), Decimal(mebibytes * 2**20))
    nodes = [NodeSample(name, used) for name in Node.objects.values_list("name", flat=True)]
    measuring.keep(nodes, [PodSample(each.namespace, each.name, used) for each in Pod.objects.all()], timezone.now())


def items(api, path):
    answer = api.get(f"usage/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def test_lists(as_, fleet):
    vic = as_("vic")
    sites = items(vic, "nodeunits?group=site")
    assert [(each["unit"], each["usage"]["cpuMillicores"]) for each in sites] == [("ham", 500), ("lyo", 500)]
    usage = sites[0]["usage"]
    assert (usage["memoryMebibytes"], usage["cpuTotalMillicores"], usage["memoryTotalMebibytes"]) == (512, 4000, 8192)
    assert usage["history"] == {"everySeconds": 60, "cpuMillicores": [500], "memoryMebibytes": [512]}
    assert [each["usage"]["cpuMillicores"] for each in items(vic, "nodeunits?group=rack")] == [1000]
    assert [(each["grid"], each["usage"]["cpuMillicores"]) for each in items(vic, "grids")] == [(fleet.path, 1000)]
    cells = items(vic, f"cells?grid={fleet.path}&unit=lyo")
    assert [(each["grid"], each["group"], each["unit"]) for each in cells] == [(fleet.path, "site", "lyo")]
    assert [each["node"] for each in items(vic, "pods?node=node1")] == ["node1"]
    assert len(items(vic, "pods")) == len(items(vic, "nodes")) == len(items(vic, "cells")) == 2


def test_a_page_at_a_time(as_, fleet):
    first = as_("vic").get("usage/nodes?limit=1").json()
    rest = as_("vic").get(f"usage/nodes?cursor={first['next']}").json()
    assert [each["node"] for each in (*first["items"], *rest["items"])] == ["node0", "node1"]


def test_a_bad_path_of_a_grid_is_named(as_, fleet):
    for path in ("echo", "pods/default/echo", "deploymentgrids/default"):
        answer = as_("vic").get(f"usage/cells?grid={path}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/grid")


def test_whoever_may_see_a_site_sees_no_sum_with_others(people, as_, fleet):
    Grant.objects.create(user=people["mallory"], role="viewer", key="site", units="ham")
    mallory = as_("mallory")
    assert [each["unit"] for each in items(mallory, "nodeunits")] == ["ham"]  # of the rack lyo would be in it
    assert [each["unit"] for each in items(mallory, "cells")] == ["ham"]
    assert [each["node"] for each in items(mallory, "nodes")] == ["node0"]
    assert [each["node"] for each in items(mallory, "pods")] == ["node0"]
    assert mallory.get("usage/grids").status_code == 404


def test_off_there_is_nothing(as_, fleet, settings):
    settings.SGPORTAL_METRICS_SERVER = False
    vic = as_("vic")
    UsageSource.keep(timezone.now(), None)
    assert vic.get("usage").json() == {"measures": False, "everySeconds": 60, "readAt": None, "message": None}
    assert [items(vic, each) for each in ("nodes", "nodeunits", "grids", "cells", "pods")] == [[]] * 5


def test_why_it_is_not_measured_is_said_in_the_callers_language(as_, fleet):
    sentence = say("the portal may not list resource metrics (metrics.k8s.io): apply deploy/usage.yaml")
    UsageSource.keep(None, sentence)
    assert "apply deploy/usage.yaml" in as_("vic").get("usage").json()["message"]
    assert "无权" in as_("vic").get("usage", Accept_Language="zh-hans").json()["message"]
