"""What `spec.rollout` says, and what is wrong with it."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.overrides.variables import Variables
from sgportal.core.rollouts.strategy import WEEK_MINUTES, strategy_of
from sgportal.core.rollouts.time_zones import time_zone_of
from sgportal.core.text import Invalid
from sgportal.core.units import NodeView, Unit

from ..builders import a_manifest

GOOD = {
    "waves": [
        {"name": "canary", "units": ["a"], "soakSeconds": 60, "approval": True},
        {"unitSelector": {"matchLabels": {"tier": "test"}}},
        {"percent": 10},
        {"count": 3},
    ],
    "maxUnavailable": "10%",
    "progressDeadlineSeconds": 300,
    "maxFailures": 2,
    "onFailure": "rollBack",
    "start": "manual",
    "windows": [{"days": ["Fri"], "from": "22:00", "to": "04:00"}],
    "timeZone": "Europe/Berlin",
    "gates": [
        {"name": "page", "url": "http://shop:8080/healthz"},
        {"url": "http://prometheus:9090", "query": "up == 1"},
    ],
}


def test_what_is_valid_is_read():
    found = parse(a_manifest(rollout=GOOD)).rollout
    assert [wave.name for wave in found.waves] == ["canary", "2", "3", "4", "rest"]
    assert (found.at_once(200), found.at_once(5), found.on_failure) == (20, 1, "rollBack")
    assert parse(a_manifest()).rollout is None


@pytest.mark.parametrize(
    ("rollout", "pointer"),
    [
        ("fast", ""),
        ({"tracks": "north"}, "/tracks"),
        ({"tracks": ["north"]}, "/tracks/0"),
        ({"tracks": [{}]}, "/tracks/0/name"),
        ({"tracks": [{"name": "north"}]}, "/tracks/0/waves"),
        ({"tracks": [{"name": "north", "waves": []}]}, "/tracks/0/waves"),
        ({"tracks": [{"name": "rest", "units": ["a"]}]}, "/tracks/0/name"),
        ({"tracks": [{"name": "2nd", "units": ["a"]}]}, "/tracks/0/name"),
        ({"tracks": [{"name": "<b>", "units": ["a"]}]}, "/tracks/0/name"),
        ({"tracks": [{"name": "a", "units": ["a"]}, {"name": "a", "units": ["b"]}]}, "/tracks/1/name"),
        ({"tracks": [{"name": "a", "units": []}]}, "/tracks/0/units"),
        ({"tracks": [{"name": "a", "units": ["a"], "waves": [{}]}]}, "/tracks/0/waves/0"),
        ({"tracks": [{"name": "a", "waves": [{"count": 1}, {"count": 1, "name": "1"}]}]}, "/tracks/0/waves/1/name"),
        ({"tracks": [{"name": "a", "units": ["a"], "soakSeconds": 5}]}, "/tracks/0/soakSeconds"),
        ({"tracks": [{"name": "a", "units": ["a"], "windows": [{"from": "9"}]}]}, "/tracks/0/windows/0/to"),
        ({"tracks": [{"name": "a", "units": ["a"], "gates": [{"url": "file:///x"}]}]}, "/tracks/0/gates/0/url"),
        ({"tracks": [{"name": "a", "units": ["a"]}], "waves": []}, "/waves"),
        ({"tracks": [{"name": f"t{n}", "units": ["a"]} for n in range(11)]}, "/tracks"),
        ({"tracks": [{"name": f"t{n}", "waves": [{"count": 1}] * 26} for n in range(2)]}, "/tracks"),
        ({"tracks": [{"name": n, "units": ["a"], "gates": [{"url": "http://a/"}] * 6} for n in "ab"]}, "/tracks"),
        ({"wave": []}, "/wave"),
        ({"waves": [{}]}, "/waves/0"),
        ({"waves": ["a"]}, "/waves/0"),
        ({"waves": [{"percent": 0}]}, "/waves/0/percent"),
        ({"waves": [{"percent": 101}]}, "/waves/0/percent"),
        ({"waves": [{"count": 0}]}, "/waves/0/count"),
        ({"waves": [{"percent": 5, "count": 1}]}, "/waves/0"),
        ({"waves": [{"units": []}]}, "/waves/0/units"),
        ({"waves": [{"unitSelector": {}}]}, "/waves/0/unitSelector"),
        ({"waves": [{"count": 1, "soakSeconds": -1}]}, "/waves/0/soakSeconds"),
        ({"waves": [{"count": 1, "soakSeconds": 2**40}]}, "/waves/0/soakSeconds"),
        ({"waves": [{"count": 1, "approval": "yes"}]}, "/waves/0/approval"),
        ({"waves": [{"count": 1, "name": "rest"}]}, "/waves/0/name"),
        ({"waves": [{"count": 1, "name": "a/b"}]}, "/waves/0/name"),
        ({"waves": [{"count": 1, "name": "a"}, {"count": 1, "name": "a"}]}, "/waves/1/name"),
        ({"waves": [{"count": 1}] * 51}, "/waves"),
        ({"maxUnavailable": 0}, "/maxUnavailable"),
        ({"maxUnavailable": "0%"}, "/maxUnavailable"),
        ({"maxUnavailable": True}, "/maxUnavailable"),
        ({"maxUnavailable": "some"}, "/maxUnavailable"),
        ({"progressDeadlineSeconds": 0}, "/progressDeadlineSeconds"),
        ({"maxFailures": -1}, "/maxFailures"),
        ({"onFailure": "panic"}, "/onFailure"),
        ({"start": "later"}, "/start"),
        ({"windows": [{"from": "22:00"}]}, "/windows/0/to"),
        ({"windows": [{"from": "24:00", "to": "1:00"}]}, "/windows/0/from"),
        ({"windows": [{"from": "22:00", "to": "04:00", "days": ["Friday"]}]}, "/windows/0/days/0"),
        ({"windows": [{"from": "22:00", "to": "04:00", "days": []}]}, "/windows/0/days"),
        ({"timeZone": "Berlin"}, "/timeZone"),
        ({"gates": [{}]}, "/gates/0/url"),
        ({"gates": [{"url": "ftp://a"}]}, "/gates/0/url"),
        ({"gates": [{"url": "http://user:secret@a/"}]}, "/gates/0/url"),
        ({"gates": [{"url": "http://a/ b"}]}, "/gates/0/url"),
        ({"gates": [{"url": "http://a", "status": 20}]}, "/gates/0/status"),
        ({"gates": [{"url": "http://a"}] * 11}, "/gates"),
    ],
)
def test_what_is_wrong_is_named(rollout, pointer):
    with pytest.raises(Invalid) as caught:
        parse(a_manifest(rollout=rollout))
    assert "/spec/rollout" + pointer in [each.pointer for each in caught.value.problems]


def test_an_annotation_that_asks_for_nothing_known_is_refused():
    manifest = a_manifest(rollout={})
    for text, good in (("pause", True), ("approve 2", True), ("skip a,b", True), ("", True), ("stop", False)):
        manifest["metadata"]["annotations"] = {"sgportal.superedge.io/rollout": text}
        if good:
            parse(manifest)
        else:
            with pytest.raises(Invalid):
                parse(manifest)


FRIDAY = 4 * 24 * 60


@pytest.mark.parametrize(
    ("minute", "opens"),
    [
        (FRIDAY + 22 * 60, 0),
        (FRIDAY + 23 * 60, 0),
        (FRIDAY + 24 * 60, 0),
        (FRIDAY + 28 * 60 - 1, 0),
        (FRIDAY + 28 * 60, WEEK_MINUTES - 6 * 60),
        (FRIDAY + 21 * 60, 60),
        (FRIDAY, 22 * 60),
    ],
)
def test_a_window_over_midnight(minute, opens):
    assert strategy_of(GOOD).opens_in(minute) == opens


def test_a_window_that_goes_from_sunday_into_monday():
    found = strategy_of({"windows": [{"days": ["Sun"], "from": "22:00", "to": "04:00"}]})
    assert [found.opens_in(minute) for minute in (0, 239, 240)] == [0, 0, WEEK_MINUTES - 360]
    assert strategy_of({"windows": [{"from": "00:00", "to": "00:00"}]}).opens_in(5) == 0


@pytest.mark.parametrize(
    ("labels", "common", "own", "zone"),
    [
        ({}, {}, {}, "UTC"),
        ({"sgportal.superedge.io/time-zone": "America.New_York"}, {}, {}, "America/New_York"),
        ({"sgportal.superedge.io/time-zone": "America.New_York"}, {"timeZone": "Asia/Tokyo"}, {}, "Asia/Tokyo"),
        ({}, {"timeZone": "Asia/Tokyo"}, {"a": {"timeZone": "Europe/Paris"}}, "Europe/Paris"),
        ({"sgportal.superedge.io/time-zone": "Mars.Base"}, {}, {}, "UTC"),
    ],
)
def test_where_a_unit_is(labels, common, own, zone):
    unit = Unit("a", (NodeView("n", labels),))
    assert time_zone_of(unit, Variables(common, own), "UTC") == zone
