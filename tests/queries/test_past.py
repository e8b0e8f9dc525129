"""What changed in a NodeUnit, page by page: at both doors, however much of it happened at one instant."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import LabelHistory, NodeHistory, RememberedLabel
from tests.api import builders
from tests.api.conftest import Api
from tests.dashboard.conftest import browser

pytestmark = pytest.mark.django_db
MANY = 250
WHERE = "/unit/?key=site&unit=lyon&at="


@pytest.fixture(autouse=True)
def record(db: None) -> None:
    """A great many nodes that joined at one instant."""
    now = timezone.now()
    RememberedLabel.objects.create(key="site", since=now - timedelta(days=2))
    names = [f"n{number:03}" for number in range(MANY)]
    at = now - timedelta(hours=1)
    NodeHistory.objects.bulk_create(NodeHistory(node=each, ready="Ready", since=at) for each in names)
    LabelHistory.objects.bulk_create(LabelHistory(node=each, key="site", value="lyon", since=at) for each in names)


def joined(text: str) -> list[str]:
    changes = text[text.index("Changes since") :]
    return re.findall(r'<a class="mono" href="/nodes/(n\d+)/', changes)


def test_earlier_leads_through_all_of_one_instant() -> None:
    viewer = browser("viewer")
    found, pages, address = [], 0, WHERE
    while address:
        page = viewer.get(address).text
        found += joined(page)
        pages += 1
        onward = re.search(r'href="([^"]*before=[^"]*)">Earlier<', page)
        address = f"/unit/{html.unescape(onward[1])}" if onward else ""
        assert pages < 9
    assert (len(found), len(set(found)), pages) == (MANY, MANY, 3)
    api = Api(builders.token(builders.user("vic", "viewer"), "read"))
    first = api.get("nodeunits/site/lyon/changes?limit=100").json()
    assert [each["node"] for each in first["items"]] == found[:100]
    assert len(viewer.get(f"{WHERE}&format=csv").text.splitlines()) == MANY + 1


@pytest.mark.parametrize("before", ["x", "1,2,3", "0001-01-01T00:00:00+14:00,1,1", f"2026-01-01T00:00:00Z,1,{2**70}"])
def test_a_place_that_is_none_is_refused(before: str) -> None:
    answer = browser("viewer").get(f"{WHERE}&before={before.replace('+', '%2B')}")
    assert answer.status_code == 400
    assert "is not a cursor of this list" in answer.text


def test_that_a_node_was_cordoned_is_told_at_every_door() -> None:
    now = timezone.now() - timedelta(minutes=9)
    NodeHistory.objects.filter(node="n001").update(until=now)
    NodeHistory.objects.create(node="n001", ready="Ready", unschedulable=True, since=now)
    api = Api(builders.token(builders.user("vic", "viewer"), "read"))
    first = api.get("nodeunits/site/lyon/changes?limit=1").json()["items"][0]
    assert (first["change"], first["node"], first["unschedulable"]) == ("NodeChanged", "n001", True)
    viewer = browser("viewer")
    assert "cordoned" in viewer.get(WHERE).text
    assert ",NodeChanged,n001,,Ready,True," in viewer.get(f"{WHERE}&format=csv").text


def test_what_is_not_on_record_says_so_instead_of_an_empty_nodeunit() -> None:
    viewer = browser("viewer")
    for where in (WHERE.replace("site", "agent"), WHERE.replace("lyon", "oslo")):
        answer = viewer.get(where)
        assert answer.status_code == 200
        assert "Nothing is on record of this NodeUnit." in answer.text
        assert "This NodeUnit had no nodes." not in answer.text
    api = Api(builders.token(builders.user("vic", "viewer"), "read"))
    for what in ("history", "changes"):
        answer = api.get(f"nodeunits/agent/lyon/{what}", Accept_Language="zh-hans")
        assert (answer.status_code, "SGPORTAL_HISTORY_LABELS" in answer.json()["detail"]) == (404, True)
        assert "没有此 NodeUnit 的历史记录" in answer.json()["detail"]
