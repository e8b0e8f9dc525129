"""Every page opens, in both languages, without inline code, and says how old its news is."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from sgportal.core.health import severity
from sgportal.core.text import say
from sgportal.models import Grid, GridUnit, Node

from .. import builders
from ..api.builders import child
from .addresses import AUDIT, GRID, READABLE, SERVICE, WHOLE, WRITABLE, more
from .conftest import browser


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens(fleet, language):
    client = browser("admin", django_language=language)
    for address in (*READABLE, *WRITABLE, *AUDIT, *more()):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert not re.search(r"%\((?!n\)s)", answer.content.decode()), address


def test_every_page_opens_where_there_is_nothing(admin):
    builders.news()
    for address in ("/", "/nodes/", "/groups/", "/group/?key=x", "/grids/", "/servicegroups/", "/jobs/", "/audit/"):
        assert admin.get(address).status_code == 200, address


def test_no_page_holds_code_or_styles(admin, fleet):
    """The content security policy would stop them; so nothing may depend on them."""
    for address in (*READABLE, *WRITABLE, *AUDIT, *more(), "/nope/", "/login/"):
        answer = admin.get(address)
        text = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), address
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_every_address_in_a_page_is_ours(admin, fleet):
    for address in (*READABLE, *WRITABLE):
        text = admin.get(address).content.decode()
        assert not re.search(r'(?:src|href|action|hx-get|hx-post)="(?:https?:)?//', text), address


def test_links_of_a_page_lead_somewhere(admin, fleet):
    seen = set()
    for address in (*READABLE, *AUDIT):
        for link in re.findall(r'<a [^>]*href="(/[^"#]*)', admin.get(address).content.decode()):
            seen.add(unescape(link))
    for link in sorted(seen):
        assert admin.get(link).status_code == 200, link


def test_a_page_or_only_its_live_part(viewer, fleet):
    whole = viewer.get("/nodes/").content.decode()
    part = viewer.get("/nodes/", headers={"HX-Request": "true", "HX-Target": "live"})
    assert "<html" in whole
    assert "<html" not in part.content.decode()
    assert 'id="live"' in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_going_back_in_the_browser_gets_a_whole_page(viewer, fleet):
    headers = {"HX-Request": "true", "HX-Target": "live", "HX-History-Restore-Request": "true"}
    assert "<html" in viewer.get("/nodes/", headers=headers).content.decode()


def test_the_facts_of_a_grid_refresh_by_themselves(viewer, fleet):
    part = viewer.get(GRID, headers={"HX-Request": "true", "HX-Target": "facts"}).content.decode()
    assert 'id="facts"' in part
    assert "<html" not in part


def test_the_news_has_an_age(viewer, fleet):
    assert "Synced" in viewer.get("/").content.decode()
    builders.news(seconds=3600)
    assert "The watch process is not running." in viewer.get("/grids/").content.decode()


def test_an_unreachable_cluster_is_said_on_every_page_and_hatches_what_was_last_known(viewer, fleet):
    builders.news(seconds=300, unreachable=300)
    for address in WHOLE:
        assert "Cluster unreachable" in viewer.get(address).content.decode(), address
    assert "tile s-Ready hatched" in viewer.get("/matrix/").content.decode()
    assert "state s-Ready hatched" in viewer.get(GRID).content.decode()


def test_the_overview_has_services_with_the_nodes_they_serve(viewer, fleet):
    grid = Grid.objects.get(kind="ServiceGrid")
    loop = {"nodes": 2, "served": 1, "desired": 0, "ready": 0, "state": "Degraded", "severity": severity("Degraded")}
    loop["message"] = say("only endpoints of its own NodeUnit").to_json()
    GridUnit.objects.update_or_create(grid=grid, name="ham", defaults=loop)
    tiles = re.findall(
        r'class="tile ([^"]*)" href="([^"]*)"[^>]*>(.*?)</a>', viewer.get("/matrix/").content.decode(), re.S
    )
    (look, text), *others = [(look, text) for look, href, text in tiles if href == f"{SERVICE}?search=ham"]
    assert not others
    assert "s-Degraded" in look
    assert re.search(r"1\D+2", re.sub(r"<[^>]*>", "", text))


def test_a_nodegroup_says_who_may_set_its_label(viewer, fleet):
    key = "node-restriction.kubernetes.io/site"
    builders.a_node("node9", **{key: "ham"})
    assert "can join any NodeUnit" in viewer.get("/group/?key=site").content.decode()
    assert "a kubelet cannot set this label" in viewer.get(f"/group/?key={key}").content.decode()


def test_a_cluster_never_seen_is_no_lie(viewer):
    assert "Waiting for the first sync" in viewer.get("/").content.decode()


def test_our_own_error_pages(viewer, db):
    assert "Not found" in viewer.get("/nope/").content.decode()
    assert viewer.get("/grids/pods/default/x/").status_code == 404
    assert viewer.get(SERVICE).status_code == 404
    refused = viewer.get("/audit/")
    assert refused.status_code == 403
    assert "Permission denied" in refused.content.decode()


def test_an_error_of_ours_shows_our_page_and_no_trace(viewer, fleet, monkeypatch):
    monkeypatch.setattr("sgportal.dashboard.nodes.views.group_keys", lambda: 1 / 0)
    viewer.raise_request_exception = False
    answer = viewer.get("/nodes/")
    assert answer.status_code == 500
    assert "Internal server error" in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_strangers_come_back_to_where_they_wanted_to_go(db):
    client = Client()
    answer = client.get("/nodes/?search=a")
    assert answer["Location"] == reverse("login") + "?next=/nodes/%3Fsearch%3Da"
    assert client.get("/nodes/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"


@pytest.mark.parametrize("page", ["0", "-1", "999", "x", "9" * 50])
def test_a_page_number_out_of_range_is_the_nearest(viewer, fleet, page):
    assert viewer.get(f"/nodes/?page={page}").status_code == 200


@pytest.mark.parametrize(
    "address", ["/nodes/?search=%00", "/?group=%00", "/grids/?key=%00", "/group/?key=" + "x" * 9999]
)
def test_odd_filters_do_no_harm(viewer, fleet, address):
    assert viewer.get(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["/nodes/%00/", "/grids/deploymentgrids/%00/x/", "/servicegroups/default/%00/", "/labels/%00/"]
)
def test_names_that_no_database_holds(admin, address):
    assert admin.get(address).status_code == 404


def test_a_plan_of_very_many_steps_stays_readable(viewer, db):
    builders.nodes(250, "zone", units=250)
    builders.a_grid("echo", "zone")
    builders.news()
    answer = viewer.get("/grids/deploymentgrids/default/echo/plan/").content.decode()
    assert "250 × Deployment" in answer
    assert "238 more" in answer
    assert answer.count('<li class="v-create"') == 1


def test_of_very_many_steps_that_differ_the_first_are_shown(operator, db):
    builders.nodes(130, "zone", units=130)
    grid = builders.a_grid("echo", "zone")
    for number in range(130):
        row = child(grid, f"unit-{number:03}")
        row.body["spec"]["replicas"] = 10 + number
        row.save()
    builders.news()
    answer = operator.get("/grids/deploymentgrids/default/echo/plan/").content.decode()
    assert answer.count('<li class="v-update"') == 100
    assert "30 more changes" in answer


def test_the_indentation_of_templates_stays_in_the_repository(operator, fleet):
    """Nor does it reach into what people wrote: a YAML's own is untouched."""
    page = operator.get("/").content.decode()
    assert [line for line in page.splitlines() if line.startswith(" ")] == []
    assert page.count("\n\n") < 20
    assert "\n  name: echo\n" in operator.get(GRID + "yaml/").content.decode()


def test_conditions_of_a_node_are_in_the_readers_language_and_odd_ones_as_they_are(fleet):
    Node.objects.filter(name="node0").update(
        info={"conditions": [{"type": "Ready", "status": "True"}, {"type": "Odd", "status": "<b>Maybe"}]}
    )
    text = browser("viewer", django_language="zh-hans").get("/nodes/node0/").content.decode()
    assert re.search(r'<th scope="row">Ready</th>\s*<td[^>]*>是</td>', text)
    assert ">&lt;b&gt;Maybe</td>" in text


def test_sessions_and_tokens_are_cards_where_there_is_no_room(operator):
    text = operator.get("/profile/").content.decode()
    assert 'class="cards"' in text
    assert 'data-label="Address"' in text


@pytest.mark.parametrize(
    ("state", "units", "ready", "told"),
    [
        ("Progressing", 3, 1, "Waiting until it is ready"),
        ("Ready", 3, 3, "Everything is ready"),
        ("Degraded", 3, 2, "Not ready"),
        ("Ready", 0, 0, "It runs nowhere yet"),
    ],
)
def test_what_was_made_is_followed_until_it_is_ready_or_has_failed(viewer, fleet, state, units, ready, told):
    Grid.objects.filter(name="echo", kind="DeploymentGrid").update(
        state=state, unit_count=units, ready_units=ready, observed_generation=9
    )
    for target in ("", "facts"):
        headers = {"HX-Request": "true", "HX-Target": target} if target else {}
        text = viewer.get(GRID + "?follow=1", headers=headers).content.decode()
        assert told in text, target
        assert f'hx-get="{GRID}?follow=1"' in text
        assert ("1 of 3 NodeUnits ready" in text) == (state == "Progressing")
    assert 'id="follow"' not in viewer.get(GRID).content.decode()
