"""A cluster with next to nothing is led by the hand, and each step notices that it is done."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from sgportal.dashboard.fleet.first import FEW, LINGERS
from sgportal.models import Grid

from ... import builders
from ..conftest import browser


@pytest.fixture(autouse=True)
def news(db):
    builders.news()


def steps(client, page="/"):
    """Of each step whether it is done, and where it leads."""
    text = client.get(page).content.decode()
    found = re.search(r'<ol class="first".*?</ol>', text, re.S)
    if not found:
        return []
    items = re.findall(r"<li( class=\"done\")?>(.*?)</li>", found[0], re.S)
    links = [re.search(r'href="([^"]*)"', item) for _, item in items]
    return [(bool(done), unescape(link[1]) if link else "") for (done, _), link in zip(items, links, strict=True)]


def test_each_step_leads_to_the_next_and_notices_that_it_is_done(operator):
    assert [done for done, _ in steps(operator)] == [False] * 4
    assert [address for _, address in steps(operator)][:3] == [
        "/nodes/",
        "/grids/new/?kind=DeploymentGrid",
        "/grids/new/?kind=ServiceGrid",
    ]
    builders.a_node("n0", site="s0")
    assert [done for done, _ in steps(operator)] == [True, False, False, False]
    assert steps(operator)[1][1] == "/grids/new/?kind=DeploymentGrid&key=site", "with the key of the first step"
    grid = builders.a_grid("echo", "site")
    assert steps(operator)[1] == (False, "/grids/deploymentgrids/default/echo/"), "made, and not yet Ready"
    builders.observed(grid, {"s0": "Ready"})
    assert steps(operator)[1] == (True, "/grids/deploymentgrids/default/echo/")
    front = builders.a_service("front", "site")
    Grid.objects.filter(pk=front.pk).update(state="Progressing")
    assert steps(operator)[2:] == [(False, "/grids/servicegrids/default/front/")] * 2
    builders.observed(front, ["s0"])
    Grid.objects.filter(pk=front.pk).update(state="Ready")
    assert [done for done, _ in steps(operator)] == [True] * 4


def test_an_empty_matrix_leads_by_the_same_steps(operator):
    assert steps(operator, "/matrix/") == steps(operator)
    assert len(steps(operator)) == 4


def test_the_steps_go_when_they_have_been_seen_to_be_done(operator):
    builders.a_node("n0", site="s0")
    builders.observed(builders.a_grid("echo", "site"), {"s0": "Ready"})
    builders.observed(builders.a_service("front", "site"), ["s0"])
    assert len(steps(operator)) == 4
    Grid.objects.update(created_at=timezone.now() - LINGERS - timedelta(seconds=1))
    assert steps(operator) == []


def test_a_fleet_that_is_at_work_is_not_led(operator):
    builders.a_node("n0", site="s0")
    for number in range(FEW + 1):
        builders.a_grid(f"echo-{number}", "site")
    assert steps(operator) == []


def test_who_cannot_take_the_steps_is_not_shown_them(viewer):
    builders.a_node("n0", site="s0")
    assert steps(viewer) == []
    assert 'id="first-steps"' not in browser("operator").get("/?kiosk=1").content.decode(), "nor a wall"
