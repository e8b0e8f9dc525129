"""What a person agreed to on a page is what is carried out; where the world has moved, the page shows the new plan."""

import re

import pytest

from sgportal.cluster import Throttled, Unanswered, Unreachable
from sgportal.models import AuditEvent, Child, Grid, ServiceGroup
from sgportal.reconciler.process import connection, dry_run

from ... import builders
from ..conftest import hidden

CHANGED = "The plan has changed since it was shown."


def moved_on():
    builders.a_node("newcomer", site="tokyo")


DOORS = {
    "restart": ("do/restart/", {"step": "preview"}, {}),
    "image": ("do/image/", {"step": "preview", "image": "img:2", "container": "echo"}, {}),
    "unit": ("do/scale/?unit=lyo", {"step": "preview", "replicas": "7", "unit": "lyo"}, {}),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_verb_is_carried_out_as_it_was_shown_or_shown_again(fleet, operator, door):
    path, asked, _ = DOORS[door]
    address = f"/grids/{fleet.path}/{path}"
    shown = hidden(operator.post(address, asked))
    assert shown["plan"]
    moved_on()
    answer = operator.post(address, {**asked, **shown, "step": "confirm"})
    assert answer.status_code == 200
    assert CHANGED in answer.content.decode()
    assert Grid.objects.get(pk=fleet.pk).generation == fleet.generation
    anew = hidden(answer)
    assert anew["plan"] != shown["plan"]
    assert operator.post(address, {**asked, **anew, "step": "confirm"}).status_code == 302
    assert Grid.objects.get(pk=fleet.pk).generation == fleet.generation + 1


def test_a_deletion_takes_what_was_shown_and_no_more(fleet, operator):
    address = f"/grids/{fleet.path}/delete/"
    shown = hidden(operator.get(address))
    child = Child.objects.get()
    Child.objects.create(
        kind=child.kind,
        namespace=child.namespace,
        name="echo-ham",
        uid="another",
        grid_name=child.grid_name,
        owner_uid=child.owner_uid,
        body={**child.body, "metadata": {**child.body["metadata"], "name": "echo-ham", "uid": "another"}},
    )
    answer = operator.post(address, {**shown, "step": "confirm", "propagation": "Background"})
    assert answer.status_code == 200
    assert CHANGED in answer.content.decode()
    assert not Grid.objects.filter(deleting_since__isnull=False).exists()
    assert operator.post(address, {**hidden(answer), "step": "confirm", "propagation": "Background"}).status_code == 302
    assert Grid.objects.get(pk=fleet.pk).deleting_since


def test_so_does_the_deletion_of_a_package(fleet, operator):
    group = ServiceGroup.objects.get()
    address = f"/servicegroups/{group.namespace}/{group.name}/delete/"
    shown = hidden(operator.get(address))
    Child.objects.all().delete()
    answer = operator.post(address, shown, follow=True)
    assert CHANGED in answer.content.decode()
    assert ServiceGroup.objects.exists()
    assert not AuditEvent.objects.filter(verb="delete").exists()
    operator.post(address, hidden(answer))
    assert Grid.objects.get(pk=fleet.pk).deleting_since


def test_a_preview_says_how_many_pods_it_replaces(fleet, operator):
    text = operator.post(f"/grids/{fleet.path}/do/restart/", {"step": "preview"}).content.decode()
    assert "This replaces" in text


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (Throttled("too many requests", 429, retry_after=3.0), "asks to try again in 3 s", "请在 3 秒后重试"),
        (Unreachable("etcd: no leader", 500), "the API server answered 500: etcd: no leader", "API 服务器返回 500"),
        (Unanswered("refused"), "the API server does not answer: refused", "API 服务器没有响应"),
        (dry_run.Late("too late"), "the API server did not answer within 2 s", "API 服务器在 2 秒内没有响应"),
    ],
)
@pytest.mark.parametrize("door", ["restart", "image", "undo", "templates"])
def test_a_page_says_why_the_api_server_could_not_be_asked(fleet, operator, monkeypatch, door, error, english, chinese):
    def connect():
        raise error

    monkeypatch.setattr(connection, "cluster", connect)
    if door == "templates":
        fleet.spec = {**fleet.spec, "templatePool": {"unused": fleet.spec["template"]}}
        fleet.save()
    if door in DOORS:
        path, asked, _ = DOORS[door]
    else:
        path, asked = "templates/", {"step": "preview"}
    if door == "undo":
        done = operator.post(f"/grids/{fleet.path}/do/image/", {"image": "img:2", "container": "echo"})
        done = operator.post(f"/grids/{fleet.path}/do/image/", {**hidden(done), "image": "img:2", "step": "confirm"})
        text = operator.get(done["Location"]).content.decode()
        path = re.search(rf"/grids/{fleet.path}/(undo/[^\"]+)", text)[1]
    address = f"/grids/{fleet.path}/{path}"
    for language, sentence in (("zh-hans", chinese), ("en", english)):
        operator.cookies.load({"django_language": language})
        shown = operator.post(address, asked)
        assert sentence in shown.content.decode()
    done = operator.post(address, {**asked, **hidden(shown), "step": "confirm"}, follow=True)
    assert done.redirect_chain
    assert sentence in done.content.decode(), "the save says so as well"


def test_what_was_typed_in_a_second_tab_is_there_where_the_first_has_changed_the_grid(fleet, operator):
    address, asked = f"/grids/{fleet.path}/do/image/", {"image": "img:2", "container": "echo"}
    second = hidden(operator.post(address, {**asked, "image": "img:3", "step": "preview"}))
    first = hidden(operator.post(address, {**asked, "step": "preview"}))
    assert operator.post(address, {**asked, **first, "step": "confirm"}).status_code == 302
    answer = operator.post(address, {**asked, **second, "image": "img:3", "step": "confirm"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "The grid has changed since this page was opened." in text
    assert 'value="img:3"' in text
    assert Grid.objects.get(pk=fleet.pk).generation == fleet.generation + 1
    assert operator.post(address, {**asked, **hidden(answer), "image": "img:3", "step": "confirm"}).status_code == 302
    assert Grid.objects.get(pk=fleet.pk).generation == fleet.generation + 2
