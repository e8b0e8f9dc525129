"""Saved views and favourites: whose they are, what may be kept, and that nothing out of scope is among them."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from sgportal.core.access import bookmarks as rules
from sgportal.models import ApiToken, AuditEvent, Favourite, Grant, Grid, SavedView, ServiceToken
from tests import builders

pytestmark = pytest.mark.django_db
VIEW = "/nodes/?ready=Unknown&sort=name"


def session(name: str, role: str, **limits: str) -> Client:
    if limits:
        person = builders.a_person(name, "")
        Grant.objects.create(user=person, role=role, **limits)
    else:
        person = User.objects.filter(username=name).first() or builders.a_person(name, role)
    client = Client(headers={"host": "localhost", "accept-language": "en"})
    client.force_login(person)
    return client


def rest(client: Client, path: str, body: dict):
    return client.post(f"/api/v1/{path}", body, content_type="application/json")


@pytest.fixture
def vic() -> Client:
    return session("vic", "viewer")


@pytest.fixture
def ada() -> Client:
    return session("ada", "admin")


@pytest.fixture
def site():
    """Two sites in two namespaces."""
    for number, name in enumerate(("ham", "lyo")):
        builders.a_node(f"node{number}", site=name)
    builders.observed(builders.a_grid("echo", "site", "home"), {"ham": "Ready"})
    builders.observed(builders.a_grid("shop", "site", "away"), {"lyo": "Ready"})
    builders.news()


def test_a_page_is_saved_opened_and_removed_without_a_script(vic):
    form = vic.get("/saved/", {"at": VIEW}).text
    assert 'value="/nodes/?ready=Unknown&amp;sort=name"' in form
    answer = vic.post("/saved/add/", {"name": "down", "address": f"{VIEW}&page=3&format=csv#x", "next": VIEW})
    assert (answer.status_code, answer["Location"]) == (302, VIEW)
    row = SavedView.objects.get()
    assert (row.user.username, row.name, row.address, row.shared) == ("vic", "down", VIEW, False)
    assert 'href="/nodes/?ready=Unknown&amp;sort=name"' in vic.get("/saved/").text
    assert vic.post(f"/saved/{row.pk}/remove/").status_code == 302
    assert not SavedView.objects.exists()


ELSEWHERE = (
    "",
    "nodes/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https://evil.example/",
    "javascript:alert(1)",
    "/\t/evil.example/",
    "/\n/evil.example/",
    " /nodes/",
    "/nowhere/",
    "/api/v1/nodes",
    "/admin/",
    "/static/app.js",
    "/logout/",
    "/nodes/?x=" + "y" * rules.MOST_ADDRESS,
)


@pytest.mark.parametrize("address", ELSEWHERE, ids=lambda each: repr(each[:24]))
def test_only_pages_of_the_portal_are_kept(vic, address):
    answer = rest(vic, "saved-views", {"name": "x", "address": address})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/address"]
    vic.post("/saved/add/", {"name": "x", "address": address})
    assert not SavedView.objects.exists()


def test_one_is_not_sent_elsewhere_after_it_is_saved(vic):
    answer = vic.post("/saved/add/", {"name": "x", "address": VIEW, "next": "https://evil.example/"})
    assert answer["Location"] == "/saved/"


@pytest.mark.parametrize("name", ["", " x", "a\nb", "a\u202eb", "\u200b", "x" * 101], ids=repr)
def test_a_name_is_visible_and_short(vic, name):
    answer = rest(vic, "saved-views", {"name": name, "address": VIEW})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/name")


TEXTS = ("<script>alert(1)</script>", "节点 Unknown", '"><img src=x>', "{{ 7777|add:7777 }}", "=1+1")


@pytest.mark.parametrize("name", TEXTS)
def test_a_name_is_a_text_wherever_it_is_shown(vic, name):
    assert rest(vic, "saved-views", {"name": name, "address": VIEW}).status_code == 201
    for shown in (
        vic.get("/saved/").text,
        vic.get("/saved/", headers={"HX-Request": "true"}).text,
        vic.get("/search/", {"q": name}).text,
        vic.get("/search/", {"q": name}, headers={"HX-Request": "true"}).text,
    ):
        assert f">{escape(name)}<" in shown
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "15554" not in shown
    if name == "=1+1":
        assert ",'=1+1," in vic.get("/saved/?format=csv").text


def test_a_name_is_taken_once_and_there_is_an_end_of_them(vic, monkeypatch):
    assert rest(vic, "saved-views", {"name": "a", "address": VIEW}).status_code == 201
    assert "already exists" in rest(vic, "saved-views", {"name": "a", "address": VIEW}).text
    monkeypatch.setattr("sgportal.actions.access.bookmarks.MOST_VIEWS", 1)
    assert "remove one first" in rest(vic, "saved-views", {"name": "b", "address": VIEW}).text
    assert SavedView.objects.count() == 1


def test_views_are_ones_own_until_an_admin_of_everything_shares_them(vic, ada, site):
    assert rest(vic, "saved-views", {"name": "own", "address": VIEW}).status_code == 201
    refused = rest(vic, "saved-views", {"name": "x", "address": VIEW, "shared": True})
    assert refused.json()["errors"][0]["pointer"] == "/shared"
    shared = rest(ada, "saved-views", {"name": "team", "address": VIEW, "shared": True}).json()
    own = SavedView.objects.get(name="own")
    assert [each["name"] for each in ada.get("/api/v1/saved-views").json()["items"]] == ["team"]
    assert [each["name"] for each in vic.get("/api/v1/saved-views").json()["items"]] == ["own", "team"]
    assert ada.delete(f"/api/v1/saved-views/{own.pk}").status_code == 404
    assert ada.post(f"/saved/{own.pk}/remove/").status_code == 404
    for refused in (vic.delete(f"/api/v1/saved-views/{shared['id']}"), vic.post(f"/saved/{shared['id']}/remove/")):
        assert refused.status_code == 404
    limited = session("sam", "operator", namespaces="home")
    assert limited.get("/api/v1/saved-views").json()["items"] == []
    assert "team" not in limited.get("/saved/").text
    assert session("bob", "admin").delete(f"/api/v1/saved-views/{shared['id']}").status_code == 204
    assert list(AuditEvent.objects.order_by("pk").values_list("actor", "verb")) == [
        ("ada", "view-shared"),
        ("bob", "view-removed"),
    ]


def test_an_admin_of_a_scope_shares_nothing(site):
    limited = session("sam", "admin", namespaces="home")
    assert rest(limited, "saved-views", {"name": "x", "address": VIEW, "shared": True}).status_code == 422
    assert 'name="shared"' not in limited.get("/saved/", {"at": VIEW}).text


def test_a_star_is_set_shown_and_taken_back(vic, site):
    place = "/grids/deploymentgrids/home/echo/"
    asked = {"kind": "DeploymentGrid", "place": "home", "name": "echo", "next": place}
    assert "Add to favourites" in vic.get(place).text
    assert vic.post("/favourite/", asked)["Location"] == place
    vic.post("/favourite/", asked)
    assert Favourite.objects.count() == 1
    assert "Remove from favourites" in vic.get(place).text
    vic.post("/favourite/", {"kind": "NodeUnit", "place": "site", "name": "ham"})
    for shown in (vic.get("/saved/").text, vic.get("/search/").text):
        assert f'href="{place}"' in shown
        assert 'href="/unit/?key=site&amp;unit=ham"' in shown
    assert "Add to favourites" in session("olga", "operator").get(place).text
    vic.post("/favourite/", {**asked, "off": "1"})
    assert [each.kind for each in Favourite.objects.all()] == ["NodeUnit"]


def test_a_favourite_that_is_out_of_scope_does_not_exist(site):
    limited = session("sam", "viewer", namespaces="home", key="site", units="ham")
    sam = User.objects.get(username="sam")
    for kind, place, name in (
        ("DeploymentGrid", "home", "echo"),
        ("DeploymentGrid", "away", "shop"),
        ("NodeUnit", "site", "ham"),
        ("NodeUnit", "site", "lyo"),
        ("DeploymentGrid", "home", "gone"),
    ):
        Favourite.objects.create(user=sam, kind=kind, place=place, name=name)
    seen = {(each["kind"], each["name"]) for each in limited.get("/api/v1/favourites").json()["items"]}
    assert seen == {("DeploymentGrid", "echo"), ("NodeUnit", "ham")}
    for page in ("/saved/", "/saved/?format=csv", "/search/", "/search/?q=shop"):
        assert "away" not in limited.get(page).text
        assert "lyo" not in limited.get(page).text
    for name in ("shop", "gone", "nothing"):
        foreign = {"kind": "DeploymentGrid", "place": "away", "name": name}
        assert limited.post("/favourite/", foreign).status_code == 404
        assert limited.post("/favourite/", {**foreign, "off": "1"}).status_code == 404
        body = {"kind": "DeploymentGrid", "namespace": "away", "name": name}
        assert rest(limited, "favourites", body).json()["errors"][0]["pointer"] == "/name"
    hidden = Favourite.objects.get(name="shop")
    assert limited.delete(f"/api/v1/favourites/{hidden.pk}").status_code == 404
    assert Favourite.objects.count() == 5


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "Pod", "name": "x", "namespace": "home"}, "/kind"),
        ({"kind": "NodeUnit", "name": "ham"}, "/nodeGroup"),
        ({"kind": "DeploymentGrid", "name": "echo"}, "/namespace"),
        ({"kind": "NodeUnit", "name": "", "nodeGroup": "site"}, "/name"),
        ({"kind": "DeploymentGrid", "name": 7, "namespace": "home"}, "/name"),
    ],
)
def test_a_bad_favourite_is_refused_with_its_field(vic, site, body, pointer):
    answer = rest(vic, "favourites", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Favourite.objects.exists()


def test_favourites_come_to_an_end(vic, site, monkeypatch):
    monkeypatch.setattr("sgportal.actions.access.bookmarks.MOST_FAVOURITES", 1)
    first = {"kind": "NodeUnit", "name": "ham", "nodeGroup": "site"}
    assert rest(vic, "favourites", first).status_code == 201
    assert rest(vic, "favourites", first).status_code == 201  # it is kept already
    assert "remove one first" in rest(vic, "favourites", {**first, "name": "lyo"}).text


def test_favourites_that_are_gone_make_room(vic, site, monkeypatch):
    monkeypatch.setattr("sgportal.actions.access.bookmarks.MOST_FAVOURITES", 1)
    grid = {"kind": "DeploymentGrid", "name": "echo", "namespace": "home"}
    assert rest(vic, "favourites", grid).status_code == 201
    Grid.objects.get(name="echo").delete()
    assert vic.get("/api/v1/favourites").json()["items"] == []
    assert rest(vic, "favourites", {"kind": "NodeUnit", "name": "ham", "nodeGroup": "site"}).status_code == 201
    assert Favourite.objects.get().name == "ham"


def test_what_is_out_of_scope_makes_no_room(site, monkeypatch):
    monkeypatch.setattr("sgportal.actions.access.bookmarks.MOST_FAVOURITES", 1)
    len_ = session("len", "viewer", namespaces=["home"])
    kept = {"kind": "DeploymentGrid", "place": "away", "name": "shop"}
    Favourite.objects.create(user=User.objects.get(username="len"), **kept)
    answer = rest(len_, "favourites", {"kind": "DeploymentGrid", "name": "echo", "namespace": "home"})
    assert answer.status_code == 422
    assert Favourite.objects.get().name == "shop"


def test_a_long_address_is_saved_whole_without_a_script(vic):
    long = f"/nodes/?selector={'x' * 1500}"
    assert f'value="{long}"' in vic.get("/saved/", {"at": long}).text
    longer = f"/nodes/?selector={'x' * 3000}"
    at = re.search(r'name="address" value="([^"]+)"', vic.get("/saved/", {"at": longer}).text)[1]
    assert rest(vic, "saved-views", {"name": "long", "address": at}).status_code == 422


def test_what_is_no_persons_keeps_nothing(vic, site):
    _, text = ServiceToken.issue("robot", "operator", 1)
    robot = Client(headers={"host": "localhost", "Authorization": f"Bearer {text}"})
    answer = rest(robot, "favourites", {"kind": "NodeUnit", "name": "ham", "nodeGroup": "site"})
    assert (answer.status_code, "belongs to no person" in answer.text) == (409, True)
    assert rest(robot, "saved-views", {"name": "x", "address": VIEW}).status_code == 409
    assert robot.get("/api/v1/favourites").json()["items"] == []


def test_a_token_that_only_reads_keeps_nothing(vic, site):
    _, text = ApiToken.issue(User.objects.get(username="vic"), "t", "read")
    reader = Client(headers={"host": "localhost", "Authorization": f"Bearer {text}"})
    assert rest(reader, "saved-views", {"name": "x", "address": VIEW}).status_code == 403


def test_the_menu_saves_the_page_that_it_is_opened_on(vic):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/nodes/?search=a%26b"}
    menu = vic.get("/saved/", headers=headers).text
    assert 'value="/nodes/?search=a%26b"' in menu
    elsewhere = {**headers, "HX-Current-URL": "https://evil.example/nodes/"}
    assert "evil.example" not in vic.get("/saved/", headers=elsewhere).text
