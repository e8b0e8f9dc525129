"""The matrix as a page: paged and filtered by the database, whatever the URL says."""

import re

import pytest

from sgportal.core.text import say
from sgportal.models import Grid, GridUnit

from ... import builders

UNITS = 120


@pytest.fixture
def sites(db):
    """More units than a page shows; one in forty has trouble."""
    builders.nodes(UNITS, "site", UNITS)
    grid = builders.a_grid("echo", "site")
    names = [f"unit-{number:03}" for number in range(UNITS)]
    builders.observed(grid, {name: "Degraded" if number % 40 == 7 else "Ready" for number, name in enumerate(names)})
    builders.news()
    return grid


def units(answer) -> list[str]:
    return re.findall(r"key=site&amp;unit=([^\"&]+)\"", answer.content.decode())


def test_the_worst_come_first_and_pages_hold_each_once(viewer, sites):
    found = [units(viewer.get(f"/matrix/?group=site&page={number}")) for number in (1, 2, 3)]
    assert [len(page) for page in found] == [50, 50, 20]
    assert found[0][:3] == ["unit-007", "unit-047", "unit-087"]
    assert len({name for page in found for name in page}) == UNITS


@pytest.mark.parametrize(
    ("page", "shown"),
    [("abc", 1), ("", 1), ("²", 1), ("0", 3), ("-1", 3), ("4", 3), ("9" * 30, 3), ("1.5", 1)],
)
def test_a_page_that_is_none_means_the_nearest(viewer, sites, page, shown):
    answer = viewer.get("/matrix/", {"group": "site", "page": page})
    assert answer.status_code == 200
    assert units(answer) == units(viewer.get(f"/matrix/?group=site&page={shown}"))


def test_filters_and_totals(viewer, sites):
    answer = viewer.get("/matrix/?group=site&unhealthy=1")
    assert units(answer) == ["unit-007", "unit-047", "unit-087"]
    assert units(viewer.get("/matrix/?group=site&search=T-11")) == [f"unit-11{number}" for number in range(10)]
    assert "No matches" in viewer.get("/matrix/?group=site&search=%25").content.decode()
    assert f"<dd>{UNITS}</dd>" in re.sub(r"\s", "", answer.content.decode())
    part = viewer.get("/matrix/?group=site&unhealthy=1", headers={"HX-Request": "true", "HX-Target": "live"})
    assert units(part) == ["unit-007", "unit-047", "unit-087"]


def test_a_group_of_one_page_is_read_as_well(viewer, sites):
    assert len(units(viewer.get("/group/?key=site&page=2"))) == 20
    assert units(viewer.get("/group/?key=site&search=unit-00"))[0] == "unit-000"


def test_what_a_cell_says_is_text(viewer, sites):
    hostile = "<script>alert('x')</script>\"{look}%s"
    GridUnit.objects.filter(name="unit-007").update(message=say("%(message)s", message=hostile).to_json())
    Grid.objects.update(name="echo")
    text = viewer.get("/matrix/?group=site").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;{look}%s" in text


def places(answer) -> tuple[int, int]:
    """The number of the first row that an answer has, and of how many."""
    found = re.search(r'data-first="(\d+)" data-total="(\d+)"', answer.content.decode())
    return int(found[1]), int(found[2])


@pytest.mark.parametrize(("asked", "first"), [("0", 0), ("24", 0), ("25", 25), ("74", 50), ("119", 100)])
def test_rows_around_what_is_seen_begin_at_a_number_that_many_share(viewer, sites, asked, first):
    every = [name for page in (1, 2, 3) for name in units(viewer.get(f"/matrix/?group=site&page={page}"))]
    answer = viewer.get(f"/matrix/?group=site&from={asked}", headers={"HX-Request": "true", "HX-Target": "live"})
    assert places(answer) == (first, UNITS)
    assert units(answer) == every[first : first + 100]
    assert "from=" not in re.search(r'hx-get="([^"]*)"', answer.content.decode())[1]


@pytest.mark.parametrize(
    ("asked", "first"), [("120", 100), ("9" * 300, 0), ("-1", 0), ("abc", 0), ("²", 0), ("%00", 0)]
)
def test_rows_that_are_none_mean_the_last_or_the_page(viewer, sites, asked, first):
    answer = viewer.get(f"/matrix/?group=site&from={asked}")
    assert answer.status_code == 200
    assert places(answer) == (first, UNITS)
    assert units(answer)


def test_pages_are_gone_through_without_a_script_from_an_address_that_was_scrolled_to(viewer, sites):
    text = viewer.get("/matrix/?group=site&from=25").content.decode()
    following = re.search(r'rel="next" href="([^"]*)"', text)[1].replace("&amp;", "&")
    assert units(viewer.get(f"/matrix/{following}")) == units(viewer.get("/matrix/?group=site&page=2"))


def test_a_page_of_thousands_of_digits_is_the_last(viewer, sites):
    assert units(viewer.get("/matrix/?group=site&page=" + "9" * 5000)) == units(viewer.get("/matrix/?page=3"))


def test_all_rows_are_there_to_print_and_say_that_they_are_not_updated(viewer, sites):
    text = viewer.get("/matrix/?group=site").content.decode()
    assert 'href="?group=site&amp;rows=all"' in text
    answer = viewer.get("/matrix/?group=site&rows=all&from=50")
    assert len(units(answer)) == UNITS
    part = re.search(r'<section id="live".*?>', answer.content.decode(), re.DOTALL)[0]
    assert "hx-get" not in part
    assert "not updated" in answer.content.decode()
