"""What was done is told with what undoes it, once, where the person who did it can still do so."""

import re
from html import unescape

import pytest

from sgportal.models import Grid, LabelJob

from .. import builders
from .conftest import agree, hidden


@pytest.fixture
def grid(fleet):
    """Ready cells are not of the matter here; the grid's manifest is."""
    return Grid.objects.get(kind=fleet.kind, name=fleet.name)


def do(client, grid, verb, **asked):
    """Preview, confirm; the page that it leads to."""
    address = f"/grids/{grid.path}/do/{verb}/"
    text = client.post(address, {"step": "preview", **asked}).content.decode()
    found = re.findall(r'<input type="hidden" name="(expect|plan)" value="([^"]*)"', text)
    fields = {name: unescape(value) for name, value in found}
    return client.post(address, {**asked, **fields, "step": "confirm"}, follow=True).content.decode()


def undo_in(text):
    """The address behind the button in the message."""
    region = re.search(r'<div id="toasts" role="status">(.*?)<section|<div id="toasts" role="status">(.*)', text, re.S)
    return re.findall(r'<a class="button" href="([^"]*undo/[^"]*)">', region[0])


@pytest.mark.parametrize(("verb", "asked"), [("scale", {"replicas": "7"}), ("pause", {}), ("image", {"image": "x:9"})])
def test_a_change_of_a_grid_is_undone_from_its_message(operator, grid, verb, asked):
    before = grid.source()
    (address,) = undo_in(do(operator, grid, verb, **asked))
    grid.refresh_from_db()
    assert grid.source() != before
    shown = operator.get(address)
    grid.refresh_from_db()
    assert grid.source() != before  # nothing is done until the plan was seen
    answer = operator.post(address, hidden(shown), follow=True)
    assert "was undone" in answer.content.decode()
    grid.refresh_from_db()
    assert grid.source() == before
    version = grid.version
    assert (
        "was undone" in operator.post(address, hidden(shown), follow=True).content.decode()
    )  # a second click finds it done
    grid.refresh_from_db()
    assert (grid.source(), grid.version) == (before, version)


def test_nothing_is_undone_that_somebody_changed_since(operator, grid):
    (address,) = undo_in(do(operator, grid, "scale", replicas="7"))
    do(operator, grid, "scale", replicas="8")
    text = operator.post(address, follow=True).content.decode()
    assert "Nothing was undone" in text
    grid.refresh_from_db()
    assert grid.spec["template"]["replicas"] == 8


def test_an_undo_is_of_one_person_and_one_grid(operator, viewer, admin, grid):
    (address,) = undo_in(do(operator, grid, "scale", replicas="7"))
    assert admin.post(address).status_code == 404
    assert viewer.post(address).status_code == 403
    other = builders.a_grid("other", "site")
    assert operator.post(address.replace(grid.path, other.path)).status_code == 404
    grid.refresh_from_db()
    assert grid.spec["template"]["replicas"] == 7


def test_a_job_on_a_node_is_undone_from_its_message(operator, fleet):
    done = agree(operator, "/nodes/node0/schedule/", {"action": "cordon"}, follow=True)
    (address,) = undo_in(done.content.decode())
    assert address == f"/jobs/{LabelJob.objects.get().pk}/undo/"
    text = operator.get(f"/jobs/{LabelJob.objects.get().pk}/").content.decode()
    assert 'id="toasts"' not in text  # told once


def test_what_was_not_done_is_no_toast(operator, fleet):
    text = operator.post("/labels/", {}, follow=True).content.decode()
    assert re.search(r'<div class="note warning" role="status">', text)
    assert undo_in(text) == []
