"""What a browser is sent of a list that it shows already: what changed in it, for all who show the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.dashboard.page import unchanged
from sgportal.dashboard.page.parts import lists
from sgportal.dashboard.page.parts.changes import FIRST, PREVIOUS, changes
from sgportal.models import GridUnit, Journal

from ... import builders

PART = {"HX-Request": "true", "HX-Target": "live"}
KEYS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@st.composite
def block_lists(draw):
    return {key: f"<i>{key}{draw(st.integers(0, 1))}</i>" for key in draw(KEYS)}


def applied(old, new):
    """As static/morph.js does it."""
    shown, at_first, last = dict(old), list(old), None
    gone, changed = changes(old, new)
    names = {html: key for key, html in new.items()}
    for change in changed:
        key = names[change.html]
        assert change.old is None or at_first[change.old] == key
        if change.after is None:
            shown[key] = change.html
        else:
            shown.pop(key, None)
            before = {FIRST: None, PREVIOUS: last, **dict(enumerate(at_first))}[change.after]
            order = list(shown.items())
            place = 0 if before is None else 1 + list(shown).index(before)
            shown = dict([*order[:place], (key, change.html), *order[place:]])
        last = key
    return {key: html for key, html in shown.items() if key not in {at_first[place] for place in gone}}


@given(block_lists(), block_lists())
def test_changes_lead_from_any_list_to_any_other(old, new):
    assert list(applied(old, new).items()) == list(new.items())


def test_one_that_moves_is_the_only_change():
    old = dict.fromkeys("abcdefgh", "<i></i>")
    new = dict.fromkeys("gabcdefh", "<i></i>")
    gone, changed = changes(old, new)
    assert (gone, [(each.old, each.after) for each in changed]) == ([], [(6, FIRST)])


@pytest.fixture
def sites(db, monkeypatch):
    monkeypatch.setattr(unchanged, "PART_SECONDS", 0)
    builders.nodes(40, "site", units=40)
    grid = builders.a_grid("echo", "site")
    builders.observed(grid, [f"unit-{number:03}" for number in range(40)])
    builders.news()


def versions(text):
    return " ".join(re.findall(r'data-list="(\w+)"', text))


def change(state="Degraded", severity=3):
    GridUnit.objects.filter(name="unit-007").update(state=state, severity=severity, ready=0)
    Journal.objects.create(kind="grid", key="x")


@pytest.mark.parametrize("address", ["/?group=site", "/matrix/?group=site"])
def test_a_live_part_has_only_the_blocks_that_changed(viewer, sites, address):
    whole = viewer.get(address).content.decode()
    assert whole.count("unit=unit-") >= 40
    change()
    part = viewer.get(address, headers={**PART, lists.HEADER: versions(whole)})
    text = part.content.decode()
    listed = "".join(re.findall(r'data-from="\w+" data-gone="[^"]*"[^>]*>(.*?)</(?:div|tbody|defs)>', text, re.S))
    assert set(re.findall(r"unit=(unit-\d+)", listed)) == {"unit-007"}
    assert part["Cache-Control"] == "no-store"
    assert not part.has_header("ETag")
    assert lists.HEADER in part["Vary"]
    after = viewer.get(address, headers=PART).content.decode()
    assert versions(text) == versions(after)
    assert after.count("unit=unit-") >= 40


def test_lists_that_are_not_known_are_sent_as_a_whole(viewer, sites):
    viewer.get("/?group=site")
    for shown in ("", "0123456789abcdef01234567", "x" * 5000, " ".join("abc" for _ in range(500)), '"><script>'):
        part = viewer.get("/?group=site", headers={**PART, lists.HEADER: shown})
        assert "data-from" not in part.content.decode()
        assert part.content.decode().count("unit=unit-") >= 40
        assert part.has_header("ETag")


def test_nothing_of_the_marks_is_sent(viewer, sites):
    for address in (
        "/?group=site",
        "/?group=site&by=site",
        "/matrix/?group=site",
        "/matrix/?group=site&search=nowhere",
    ):
        for headers in ({}, PART):
            text = viewer.get(address, headers=headers).content.decode()
            assert "\1" not in text
            assert lists._SECRET not in text


def test_lists_are_held_once_and_no_more_than_are_of_use(monkeypatch):
    monkeypatch.setattr(lists, "MOST_BLOCKS", 50)
    known = lists._Known()
    first = known.keep("rows", {str(n): f"<i>{n}</i>" for n in range(10)})
    second = known.keep("rows", {str(n): f"<i>{n}</i>" if n else "<i>new</i>" for n in range(10)})
    assert all(first.blocks[str(n)] is second.blocks[str(n)] for n in range(1, 10))
    for number in range(20):
        known.keep("rows", {str(n): f"<i>{number}</i>" for n in range(10)})
    assert known.one_of("rows", frozenset([first.version])) is None
    assert len(known._lists) <= 5
    assert known.one_of("others", frozenset(known._lists)) is None


def test_texts_are_held_once_whoever_else_reads_and_no_more_than_may_be(monkeypatch):
    known = lists._Known()
    english, chinese = ({str(n): f"<i>{word} {n}</i>" for n in range(100)} for word in ("ready", "就绪"))
    for number in range(20):  # readers of two languages in turn
        for each in (english, chinese):
            known.keep("rows", {**each, "0": f"<i>{number}</i>"})
    assert known._size == sum(map(len, known._texts)) < 3 * sum(map(len, [*english.values(), *chinese.values()]))
    monkeypatch.setattr(lists, "MOST_TEXT", 1000)
    last = known.keep("rows", {"a": "<i>a</i>"})
    assert known._size == sum(map(len, known._texts)) <= 1000
    assert known.one_of("rows", frozenset([last.version])) is last


def test_two_blocks_about_the_same_are_text_and_no_list():
    text = f"<ul {lists.LIST}names{lists.NAMED}>" + f"{lists.BLOCK}a{lists.NAMED}<li>1</li>" * 2 + f"{lists.END}</ul>"
    assert lists.parted(text).html() == "<ul ><li>1</li><li>1</li></ul>"
