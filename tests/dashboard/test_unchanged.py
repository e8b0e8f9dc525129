"""Pages that the browser has already: 304 while nothing happened, and never an old form, theme or message."""

import re

import pytest
from django.contrib.messages import constants
from django.db import transaction
from django.middleware.csrf import _does_token_match
from django.test import Client

from sgportal.models import Child, Journal, Pod
from sgportal.reconciler.cache.enqueue import Changes, enqueue
from sgportal.reconciler.cache.store import write_pods

from .. import builders
from .conftest import browser, hidden

PAGES = (
    "/",
    "/?group=site",
    "/matrix/?group=site&unhealthy=1",
    "/grids/",
    "/groups/",
    "/group/?key=site",
    "/nodes/",
    "/jobs/",
)
PART = {"HX-Request": "true", "HX-Target": "live"}


@pytest.fixture
def reader(viewer, fleet):
    viewer.get("/")  # the cookie of its forms
    return viewer


def again(client, page, etag, **headers):
    return client.get(page, headers={"If-None-Match": etag, **headers})


@pytest.mark.parametrize("headers", [{}, PART])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_or_its_part_is_not_sent_twice(reader, page, headers):
    first = reader.get(page, headers=headers)
    answer = again(reader, page, first["ETag"], **headers)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["Cache-Control"] == first["Cache-Control"] == "private, no-cache"
    assert {*answer["Vary"].split(", ")} >= {"HX-Request", "HX-Target", "Cookie", "Accept-Language", "Accept-Encoding"}
    assert "Set-Cookie" not in answer.headers
    Journal.objects.create(kind="grid", key="x")
    assert again(reader, page, first["ETag"], **headers).status_code == 200


def test_what_stands_on_the_page_besides_counts(reader, fleet):
    known = reader.get("/")["ETag"]
    assert again(reader, "/", known, **PART).status_code == 200
    assert again(reader, "/", known, **{"Accept-Language": "zh-hans"}).status_code == 200
    other = browser("operator")
    assert again(other, "/", known).status_code == 200
    for cookie in ("theme", "csrftoken"):
        before = reader.cookies[cookie].value if cookie in reader.cookies else None
        reader.cookies[cookie] = "dark" if cookie == "theme" else "a" * 32
        assert again(reader, "/", known).status_code == 200, cookie
        reader.cookies[cookie] = before or "auto"
    builders.news(unreachable=3)
    assert "Cluster unreachable" in again(reader, "/", known).content.decode()


@pytest.mark.parametrize("headers", [{}, PART])
def test_a_form_is_nobody_elses(operator, fleet, headers):
    shown = operator.get("/nodes/", headers=headers)
    beside = Client(headers={"host": "localhost"})
    beside.force_login(builders.a_person("another", "operator"))
    other = beside.get("/nodes/", headers={**headers, "If-None-Match": shown["ETag"]})
    assert other.status_code == 200
    secrets = [
        re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', each.content.decode()) for each in (shown, other)
    ]
    assert all(secrets)
    assert _same_secret(secrets[0][0], operator)
    assert not _same_secret(secrets[1][0], operator)


def _same_secret(token, client):
    return _does_token_match(token, client.cookies["csrftoken"].value)


def test_pods_of_which_no_grid_knows_count_on_the_page_of_nodes(reader, fleet):
    pod = Pod.objects.filter(node="node0").first()
    Child.objects.all().delete()
    known = reader.get("/nodes/")["ETag"]
    assert again(reader, "/nodes/", known).status_code == 304
    for change in ({"ready": not pod.ready}, None):
        changes = Changes()
        row = change and Pod(**{each.name: getattr(pod, each.name) for each in pod._meta.fields if each.name != "id"})
        if row:
            row.ready = change["ready"]
        with transaction.atomic():
            write_pods({pod.uid: row}, changes)
            enqueue(changes)
        answer = again(reader, "/nodes/", known)
        assert answer.status_code == 200
        known = answer["ETag"]
        assert again(reader, "/nodes/", known).status_code == 304


def test_a_message_is_shown_once(admin, fleet):
    admin.get("/grids/")
    known = admin.get("/grids/")["ETag"]
    place = "/grids/deploymentgrids/default/echo/delete/"
    answer = admin.post(place, {**hidden(admin.get(place)), "step": "confirm"}, follow=True)
    shown = list(answer.context["messages"])
    assert shown
    assert shown[0].level == constants.SUCCESS
    assert "ETag" not in answer.headers
    again_ = again(admin, "/grids/", known)
    assert again_.status_code == 200
    assert not list(again_.context["messages"])


def test_strangers_and_those_without_a_role_are_not_told_that_nothing_changed(reader, client, fleet):
    assert client.get("/", headers={"If-None-Match": "*"}).status_code == 302
    assert browser("").get("/", headers={"If-None-Match": "*"}).status_code == 403


def test_a_page_that_is_kept_listens_from_where_it_was_made(reader):
    first = reader.get("/")
    revision = re.search(r'data-revision="(\d+)"', first.content.decode())[1]
    assert again(reader, "/", first["ETag"]).status_code == 304
    assert int(revision) == Journal.newest()
