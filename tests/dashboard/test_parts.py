"""Live parts of pages are made once for all who look at the same, and hold whatever their readers have heard of."""

import gzip
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import translation

from sgportal.core.access.scope import Right
from sgportal.dashboard.page import unchanged
from sgportal.dashboard.page.parts import lists
from sgportal.models import GridUnit, Journal

from .. import builders
from .conftest import browser

PART_SECONDS = unchanged.PART_SECONDS  # before a fixture sets it
PART = {"HX-Request": "true", "HX-Target": "live"}


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class View:
    """A page that counts how often it is made."""

    def __init__(self, status=200, seconds=0.0):
        self.made, self.status, self.seconds = 0, status, seconds
        self.answered = unchanged.unless_unchanged(self.make)

    def make(self, _request):
        self.made += 1
        time.sleep(self.seconds)
        return HttpResponse(f"{self.made} " * 100, status=self.status)

    def ask(self, path="/x/", role="viewer", **headers):
        request = RequestFactory().get(path, headers={**PART, **headers})
        request.htmx = SimpleNamespace(target="live", history_restore_request=False)
        request._sgportal_rights = (Right(role),)
        return self.answered(request)


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(unchanged, "time", found)
    monkeypatch.setattr(unchanged, "PART_SECONDS", 0.25)
    return found


def test_a_part_is_made_once_in_a_quarter_of_a_second(db, clock):
    view = View()
    first = view.ask()
    Journal.objects.create(kind="grid", key="a")
    clock.now += 0.24
    assert view.ask().content == first.content
    clock.now += 0.02
    assert view.ask().content != first.content
    assert view.made == 2


def test_a_part_is_not_made_again_where_nothing_changed(db, clock):
    view = View()
    first = view.ask()
    for _ in range(5):
        clock.now += 10
        assert view.ask(**{"If-None-Match": first["ETag"]}).status_code == 304
    assert view.made == 1


def test_each_role_language_and_address_has_its_own(db, clock):
    view = View()
    view.ask()
    view.ask(role="operator")
    view.ask("/x/?page=2")
    with translation.override("zh-hans"):
        view.ask()
    assert view.made == 4
    assert view.ask().content.startswith(b"1 ")


def test_what_is_no_page_is_not_kept(db, clock):
    view = View(status=404)
    assert [view.ask().status_code for _ in range(3)] == [404] * 3
    assert view.made == 3


def test_no_more_parts_are_kept_than_are_of_use(db, clock):
    view = View()
    for number in range(3 * unchanged.MOST_PARTS):
        view.ask(f"/x/?page={number}")
    assert len(unchanged.parts._made) == unchanged.MOST_PARTS
    assert view.ask(f"/x/?page={number}").content.startswith(b"%d " % view.made)


def test_a_part_is_compressed_once_and_is_the_same(db, clock):
    view = View()
    plain, one, two = view.ask(), *(view.ask(**{"Accept-Encoding": "gzip"}) for _ in range(2))
    assert gzip.decompress(one.content) == plain.content
    assert one.content == two.content
    assert (one["Content-Encoding"], one["ETag"]) == ("gzip", plain["ETag"])
    for answer in (plain, one):
        assert {*answer["Vary"].split(", ")} >= {"Accept-Encoding", "HX-Request", "HX-Target", "Cookie"}
        assert answer["Cache-Control"] == "private, no-cache"


def test_of_many_at_a_time_one_makes_it(monkeypatch):
    monkeypatch.setattr(unchanged, "PART_SECONDS", 0.25)
    monkeypatch.setattr(unchanged, "revision_tag", lambda *_: 'W/"x"')
    monkeypatch.setattr(unchanged, "fresh", lambda _: None)
    view = View(seconds=0.1)
    found = []
    threads = [threading.Thread(target=lambda: found.append(view.ask().content)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert view.made == 1
    assert len(found) == 20
    assert len(set(found)) == 1


def test_who_asks_later_than_the_script_waits_has_what_they_heard_of(viewer, fleet, monkeypatch):
    monkeypatch.setattr(unchanged, "PART_SECONDS", 0.25)
    viewer.get("/matrix/?group=site", headers=PART)
    GridUnit.objects.update(ready=77)
    Journal.objects.create(kind="grid", key=fleet.path)
    time.sleep(0.3)
    assert "<b>77</b>" in viewer.get("/matrix/?group=site", headers=PART).content.decode()


def test_a_part_is_for_those_who_may_read(viewer, fleet, monkeypatch):
    monkeypatch.setattr(unchanged, "PART_SECONDS", 60.0)
    assert viewer.get("/matrix/?group=site", headers=PART).status_code == 200
    builders.Group.objects.all().delete()
    assert viewer.get("/matrix/?group=site", headers=PART).status_code == 403
    assert browser("").get("/matrix/?group=site", headers=PART).status_code == 403


def test_the_script_asks_later_than_a_part_is_old():
    """With time to spare for the way, so that what it is given holds what it heard of."""
    script = Path("static/live.js").read_text(encoding="utf-8")
    settle, at_last, pace = (
        int(re.search(rf"{name} = (\d+)", script)[1]) / 1000 for name in ("SETTLE", "AT_LAST", "PACE")
    )
    assert PART_SECONDS + 0.1 <= settle < at_last < pace
    burst, apart = int(re.search(r"BURST = (\d+)", script)[1]), int(re.search(r"APART = (\d+)", script)[1]) / 1000
    bench = Path("bench/live.py").read_text(encoding="utf-8")
    assert f"SETTLE, AT_LAST, PACE, BURST, APART = {settle}, {at_last}, {pace}, {burst}, {apart}" in bench


def test_answers_to_what_browsers_show_are_as_few_as_are_of_use(monkeypatch):
    monkeypatch.setattr(unchanged, "MOST_SINCE", 4)
    pages = [
        lists.parted(f"<ul {lists.LIST}n{lists.NAMED}>{lists.BLOCK}a{lists.NAMED}<li>{number}</li>{lists.END}</ul>")
        for number in range(20)
    ]
    part = unchanged.Part("tag", pages[0])
    for page in pages[1:]:
        version = page.pieces[0].list.version
        assert f'data-from="{version}"'.encode() in part._since_shown(frozenset([version])).content
    assert len(part._since) == 4
    assert part._since_shown(frozenset(["unknown"])) is None
