"""Search of everything: bounded, under the reader's role, and whatever is typed is text."""

import re
from html import unescape

import pytest
import yaml

from sgportal.models import Pod
from sgportal.queries.fleet.search import MOST, search

from ... import builders
from ...house.tree import ROOT
from ..conftest import browser

PART = {"HX-Request": "true"}


@pytest.fixture
def world(db):
    for number in range(20):
        builders.a_node(f"edge-{number:02}", site=f"shanghai-{number:02}", other="x")
    grid = builders.observed(builders.a_grid("web", "site"), ["shanghai-00"])
    builders.a_pod(grid, "shanghai-00", "edge-00")
    builders.news()


def hits(client, text: str, **headers: str) -> list[tuple[str, str]]:
    found = client.get("/search/", {"q": text}, headers=headers).content.decode()
    rows = re.findall(r'href="([^"]*)">\s*<small>([^<]*)</small> <b>', found)
    return [(kind, unescape(href)) for href, kind in rows]


@pytest.mark.parametrize("headers", [{}, PART])
def test_everything_is_found_by_a_part_of_its_name(viewer, world, headers):
    assert hits(viewer, "HAI-03", **headers) == [("NodeUnit", "/unit/?key=site&unit=shanghai-03")]
    assert hits(viewer, "edge-07", **headers) == [("Node", "/nodes/edge-07/")]
    assert ("DeploymentGrid", "/grids/deploymentgrids/default/web/") in hits(viewer, "web", **headers)
    assert ("Pod", "/pods/default/web-shanghai-00-0/") in hits(viewer, "web-shanghai", **headers)
    assert hits(viewer, "matr", **headers) == [("Page", "/matrix/")]


def test_a_pod_of_no_grid_leads_to_its_node(viewer, world):
    Pod.objects.update(child="other")
    assert hits(viewer, "web-shanghai") == [("Pod", "/nodes/edge-00/")]


def test_every_hit_leads_somewhere(admin, world):
    for text in ("e", "we", "edge", "shang"):
        for _, href in hits(admin, text):
            assert admin.get(href).status_code == 200, href


def test_no_more_is_read_than_is_shown(viewer, world):
    assert [kind for kind, _ in hits(viewer, "shang")].count("NodeUnit") == MOST
    assert search("e") == search("")
    assert hits(viewer, "%") == hits(viewer, "__") == []


def test_what_a_reader_may_not_do_is_not_offered(viewer, operator, admin, world):
    assert [hits(client, "new grid") for client in (viewer, operator)] == [[], [("Action", "/grids/new/")]]
    assert [len(hits(client, "audit")) for client in (viewer, operator, admin)] == [0, 0, 1]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nodes", "/nodes/"),
        ("节点", "/nodes/"),
        ("Second Factor", "/profile/second-factor/"),
        ("双重验证", "/profile/second-factor/"),
        ("activity", "/activity/"),
        ("活动", "/activity/"),
        ("new grid", "/grids/new/"),
        ("新建 grid", "/grids/new/"),
        ("站点", "/groups/"),
        ("deploymentgrid", "/grids/?kind=DeploymentGrid"),
        ("dg", "/grids/?kind=DeploymentGrid"),
        ("statefulsetgrids", "/grids/?kind=StatefulSetGrid"),
        ("ssg", "/grids/?kind=StatefulSetGrid"),
        ("servicegrid", "/grids/?kind=ServiceGrid"),
        ("svcgrid", "/grids/?kind=ServiceGrid"),
        ("sg", "/grids/?kind=ServiceGrid"),
        ("svcgroup", "/servicegroups/"),
        ("审批", "/approvals/"),
        ("approvals", "/approvals/"),
    ],
)
def test_pages_and_actions_are_found_by_their_words_in_either_language(fleet, settings, language, text, place):
    settings.SGPORTAL_FOUR_EYES = {"delete"}
    client = browser("admin", django_language=language)
    assert place in [href for _, href in hits(client, text, **PART)]
    assert client.get(place).status_code == 200


def test_names_of_resources_that_kubectl_has_find_their_lists(viewer, fleet):
    for definition in yaml.safe_load_all((ROOT / "deploy/crds.yaml").read_text()):
        names = definition["spec"]["names"]
        for name in (names["plural"], names["singular"], names["kind"], *names["shortNames"]):
            places = [href for kind, href in hits(viewer, name, **PART) if kind == "Page"]
            wanted = f"/grids/?kind={names['kind']}" if names["kind"] != "ServiceGroup" else "/servicegroups/"
            assert wanted in places, name


def test_a_page_that_does_nothing_here_is_not_offered(admin, fleet):
    assert "/approvals/" not in [href for _, href in hits(admin, "approvals")]
