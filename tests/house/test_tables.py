"""Tables of the pages can be read on a phone."""

import re

import pytest

from .tree import ROOT

PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "templates").rglob("*.html"))
    if "<table" in path.read_text() and "admin" not in path.parts
]
# Two axes of sites and grids; a tree of sites and their nodes that breaks its lines itself.
ELSEWISE = {"matrix", "proof"}


def test_a_remark_ends_on_its_line():
    """Of Django's remarks only those do not stand on the page."""
    open_ended = re.compile(r"\{#(?!.*#\})")
    assert [str(path) for path in (ROOT / "templates").rglob("*.html") if open_ended.search(path.read_text())] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_table_becomes_cards_and_a_number_in_it_keeps_its_head(page):
    text = (ROOT / page).read_text()
    for kind, inside in re.findall(r'<table(?: class="(\w+)")?[^>]*>(.*?)</table>', text, re.S):
        assert kind == "cards" or kind in ELSEWISE, page
        if kind == "cards":
            bare = [cell for cell in re.findall(r"<td[^>]*>", inside) if "num" in cell and "data-label" not in cell]
            assert bare == []
