"""The picture of a closed loop on the page of a ServiceGrid, and the table that says the same."""

import re
from xml.etree import ElementTree

import pytest

from sgportal.core.text import say
from sgportal.core.traffic.proof.loop import loop_of
from sgportal.core.traffic.proof.picture import picture_of
from sgportal.core.traffic.proof.proof import NodeProof
from sgportal.core.traffic.proof.proxy import Backend
from sgportal.dashboard.grids import views
from sgportal.dashboard.page.parts.loop_picture import ROW, WIDTH, drawn, fitting
from sgportal.queries.endpoints import Reach

from ... import builders

HOSTILE = "</svg><script>alert(1)</script>"


def at(unit):
    return Backend("10.0.0.1", 80, pod=f"p-{unit}", node="n1", unit=unit)


def a_proof(unit, state="closed", *endpoints, guilty=()):
    return NodeProof("n0", unit, "strict", state, "Because", say("because"), endpoints, guilty)


PROOFS = (
    a_proof("ham", "leaking", at("ham"), at("lyo"), guilty=(at("lyo"),)),
    a_proof("lyo", "closed", at("lyo")),
    a_proof("par", "refusing"),
    a_proof("ber", "unknown"),
)


def page(client, monkeypatch, proofs, **query):
    grid = builders.a_service()
    monkeypatch.setattr(views, "endpoints_of", lambda _: Reach(tuple(proofs), True, loop_of(proofs)))
    answer = client.get(f"/grids/{grid.path}/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def picture(text):
    """The drawing, which is XML by itself."""
    return ElementTree.fromstring(re.search(r'<svg viewBox="0 -2 360.*?</svg>', text, re.S)[0])


def test_each_kind_of_line(viewer, monkeypatch):
    text = page(viewer, monkeypatch, PROOFS)
    kinds = [each.get("class") for each in picture(text).iter("path")]
    assert sorted(kinds) == ["flow cross", "flow kept", "flow kept", "flow leaks", "flow refused", "flow unknown"]
    assert {each.text for each in picture(text).iter("text")} >= {"ham", "lyo", "par", "ber", "1 node", "1 endpoint"}
    table = text.partition('id="loop-table"')[2].partition("</details>")[0]
    assert re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", table)).count("leaks 1 node to lyo") == 1


def test_the_picture_has_a_name_and_says_where_the_table_is(viewer, monkeypatch):
    drawing = picture(page(viewer, monkeypatch, PROOFS))
    named = {each.get("id"): each.text for each in drawing.iter() if each.get("id")}
    assert drawing.get("role") == "img"
    assert next(named[each] for each in drawing.get("aria-labelledby").split()) == "Who calls whom"


def test_a_hostile_name_is_text(viewer, monkeypatch):
    text = page(viewer, monkeypatch, [a_proof(HOSTILE, "closed", at(HOSTILE))])
    assert "<script>alert" not in text
    assert fitting(HOSTILE) in {each.text for each in picture(text).iter("text")}


def test_it_stays_small_with_a_thousand_sites(viewer, monkeypatch):
    text = page(
        viewer, monkeypatch, [a_proof(f"site-{number:04}", "closed", at(f"site-{number:04}")) for number in range(1000)]
    )
    assert "988 more NodeUnits" in text
    assert len(re.search(r'<figure class="loop">.*?</figure>', text, re.S)[0]) < 40_000


def test_it_shows_what_the_filters_leave(viewer, monkeypatch):
    names = {each.text for each in picture(page(viewer, monkeypatch, PROOFS, state="refusing")).iter("text")}
    assert ("par" in names, "ham" in names) == (True, False)


def test_nothing_to_draw_is_nothing(viewer, monkeypatch):
    assert '<figure class="loop">' not in page(viewer, monkeypatch, [])


def test_no_line_leaves_the_drawing():
    found = drawn(picture_of([*PROOFS, a_proof("", "open", at("ham"), at("x"))]))
    assert found.elsewhere == found.height - ROW
    for line in (each for row in found.rows for each in row.lines):
        assert re.fullmatch(r"M\d+ \d+(?:H\d+|C\d+ \d+ \d+ \d+ \d+ \d+)", line.path)
        places = [(int(x), int(y)) for x, y in re.findall(r"(\d+)[ ,](\d+)", f"{line.path} {line.tip}")]
        assert all(x <= WIDTH and y <= found.height for x, y in places)
        assert max(map(int, re.findall(r"H(\d+)", line.path)), default=0) <= WIDTH


@pytest.mark.parametrize(
    ("name", "shown"),
    [("short", "short"), ("x" * 15, "x" * 15), ("x" * 16, "x" * 14 + "…"), ("华" * 8, "华" * 6 + "…")],
)
def test_a_long_name_is_cut(name, shown):
    assert fitting(name) == shown
