"""What nodes and pods use, on pages: numbers and lines where something was measured, nothing where nothing was."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.core.text import say
from sgportal.dashboard.page.parts.usage_tags import cores, mebibytes, spark
from sgportal.models import CellUsage, NodeUsage, PodUsage, UnitUsage, UsageSource

from ... import builders

pytestmark = pytest.mark.django_db
NOW = {"cpu": 250, "memory": 512, "cpu_ring": [100, None, 250], "memory_ring": [500, 500, 512]}
ADDRESSES = {
    "/unit/?key=site&unit=lyo": ("250m", "512 MiB", "4", "svg"),
    "/group/?key=site": ("250m", "512 MiB"),
    "/nodes/node0/": ("250m", "512 MiB", "svg"),
    "/grids/deploymentgrids/default/echo/": ("250m", "512 MiB", "svg"),
    "/grids/deploymentgrids/default/echo/units/lyo/": ("250m", "512 MiB", "svg"),
}


@pytest.fixture
def fleet(db, settings):
    """A node, a grid and its pod."""
    settings.SGPORTAL_METRICS_SERVER = True
    builders.label(builders.a_node("node0"), {"site": "lyo"})
    grid = builders.observed(builders.a_grid("echo", "site"), ["lyo"])
    builders.news()
    return grid, builders.a_pod(grid, "lyo", "node0")


def measure(grid, pod, at=None):
    """Something measured of each."""
    now = {**NOW, "at": at or timezone.now()}
    NodeUsage.objects.create(node="node0", cpu_total=4000, memory_total=8192, **now)
    UnitUsage.objects.create(key="site", unit="lyo", cpu_total=4000, memory_total=8192, **now)
    PodUsage.objects.create(namespace=pod.namespace, name=pod.name, node="node0", child=pod.child, **now)
    for unit in ("lyo", ""):
        CellUsage.objects.create(kind=grid.kind, namespace="default", name="echo", key="site", unit=unit, **now)


def text_of(client, address):
    """The page, without what a script shows where the portal does not answer."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    return re.sub(r"<template.*?</template>", "", answer.content.decode(), flags=re.DOTALL)


def test_each_page_says_what_is_used(admin, fleet):
    measure(*fleet)
    for address, wanted in ADDRESSES.items():
        text = text_of(admin, address)
        assert [each for each in wanted if each != "svg" and each not in text] == [], address
        assert ('<svg class="spark"' in text) == ("svg" in wanted), address
        assert "out of date" not in text, address


@pytest.mark.parametrize("on", [True, False])
def test_where_nothing_is_measured_there_is_no_hole(admin, fleet, settings, on):
    settings.SGPORTAL_METRICS_SERVER = on
    if not on:
        measure(*fleet)  # as it was before the setting was turned off
    for address in ADDRESSES:
        text = text_of(admin, address)
        assert ("CPU" in text, "Memory" in text, "spark" in text) == (False, False, False), address


def test_old_figures_say_so(admin, fleet):
    measure(*fleet, at=timezone.now() - timedelta(minutes=20))
    for address in ADDRESSES:
        assert "out of date" in text_of(admin, address), address


def test_figures_are_not_old_while_the_next_look_is_not_due(admin, fleet):
    """Twenty minutes are three times the interval many times over, and less than three pauses of ten minutes."""
    measure(*fleet, at=timezone.now() - timedelta(minutes=20))
    UsageSource.keep(timezone.now(), None, 600.0)
    for address in ADDRESSES:
        assert "out of date" not in text_of(admin, address), address
    UsageSource.keep(timezone.now(), None, 300.0)
    for address in ADDRESSES:
        assert "out of date" in text_of(admin, address), address


def test_the_page_of_the_cluster_says_why_nothing_is_measured(admin, fleet, settings):
    assert "not checked yet" in text_of(admin, "/cluster/").partition("Resource use")[2]
    UsageSource.keep(None, say("the portal may not list resource metrics (metrics.k8s.io): apply deploy/usage.yaml"))
    assert "apply deploy/usage.yaml" in text_of(admin, "/cluster/")
    UsageSource.keep(timezone.now(), None)
    text = text_of(admin, "/cluster/").partition("Resource use")[2]
    assert "apply deploy/usage.yaml" not in text
    assert "Last measured" in text
    assert "<dt>metrics.k8s.io</dt>" in text
    settings.SGPORTAL_PROMETHEUS_URL = "http://prometheus:9090"
    assert "<dt>Prometheus</dt>" in text_of(admin, "/cluster/").partition("Resource use")[2]
    settings.SGPORTAL_PROMETHEUS_URL = ""
    settings.SGPORTAL_METRICS_SERVER = False
    assert "Resource use" not in text_of(admin, "/cluster/")


def test_a_list_of_many_is_no_statement_for_each(admin, fleet):
    def count(address):
        with CaptureQueriesContext(connection) as found:
            text_of(admin, address)
        return len(found)

    measure(*fleet)
    before = count("/group/?key=site&search=")
    for number in range(20):
        builders.label(builders.a_node(f"more{number}"), {"site": f"s{number}"})
        UnitUsage.objects.create(key="site", unit=f"s{number}", at=timezone.now(), **NOW)
    builders.news()
    assert count("/group/?key=site&search=") == before


@pytest.mark.parametrize(
    ("millicores", "shown"), [(0, "0m"), (999, "999m"), (1000, "1"), (1250, "1.25"), (20_000, "20"), (123_456, "123")]
)
def test_processor_time(millicores, shown):
    assert cores(millicores) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "0 MiB"), (10_239, "10239 MiB"), (10_240, "10 GiB"), (12_800, "12.5 GiB")]
)
def test_memory(amount, shown):
    assert mebibytes(amount) == shown


def test_a_line_of_values():
    drawn = spark([0, 100, None, 100], "cpu")
    assert drawn.count("<polyline") == 1  # a look that was late is no gap
    assert 'aria-label="CPU of the last 3 min: 0m to 100m"' in drawn
    assert spark([100, None, None, None, None, 100, 50], "cpu").count("<polyline") == 2
    heights = [float(each) for each in re.findall(r",([\d.]+)", spark([0, 50, 100], "memory"))]
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= each <= 24 for each in heights)
    assert spark([5], "cpu") == spark([], "cpu") == spark([None, 5], "cpu") == ""
    assert "<polyline" in spark([0, 0], "cpu")
