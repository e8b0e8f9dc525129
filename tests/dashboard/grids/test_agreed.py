"""What a person agreed to on a page is what is carried out; where the world has moved, the page shows the new plan."""

import pytest

from sgportal.models import AuditEvent, Child, Grid, ServiceGroup

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
