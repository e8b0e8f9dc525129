"""The status on a custom resource stays small, however many units there are and whatever they say."""

import json

import pytest

from sgportal.core.plans.desired import Finding
from sgportal.core.status.manifest import MOST_UNITS, manifest_status
from sgportal.core.status.parts import Condition, UnitStatus, Whole
from sgportal.core.status.status import status_of
from sgportal.core.text import say

KB_64 = 64 * 1024
AVAILABLE = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "fine. " * 20}
COUNTS = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), 1)


def a_unit(number: int, state="Ready", message="all pods are ready", **more) -> UnitStatus:
    name = f"unit-{number:05}"
    fields = {"template": "default", "child": f"g-{name}", "child_status": COUNTS, **more}
    return UnitStatus(name, state, "AllReady", say(message), **fields)


def published(units, whole=None):
    return manifest_status(status_of(units, whole or Whole()), 1, {}, "2026-01-01T00:00:00Z")


def bytes_of(body) -> int:
    return max(len(json.dumps(body, ensure_ascii=escaped).encode()) for escaped in (True, False))


def condition(body, kind):
    return next(each for each in body["conditions"] if each["type"] == kind)


def test_up_to_200_units_all_is_there_as_before():
    body = published([a_unit(n) for n in range(MOST_UNITS)])
    assert (len(body["units"]), len(body["states"]), body["totalUnits"]) == (200, 200, 200)
    assert body["states"]["unit-00007"] == COUNTS
    assert "truncated" not in body
    assert "omittedUnits" not in body


def test_beyond_that_the_healthy_ones_are_counted_and_the_unhealthy_ones_listed():
    units = [a_unit(n) for n in range(4990)] + [a_unit(n, "Degraded", "it fails") for n in range(4990, 5000)]
    body = published(units)
    assert [each["name"] for each in body["units"]] == [f"unit-{n:05}" for n in range(4990, 5000)]
    assert body["units"][0]["message"] == "it fails"
    assert set(body["states"]) == {f"unit-{n:05}" for n in range(4990, 5000)}
    assert (body["readyUnits"], body["totalUnits"]) == (4990, 5000)
    assert (body["truncated"], body["omittedUnits"]) == (True, 4990)
    assert body["unitsByState"] == {"Ready": 4990, "Degraded": 10}
    assert condition(body, "Ready")["message"] == "10 of 5000 units, first unit-04990: it fails"


def test_the_worst_come_first_where_not_all_unhealthy_ones_find_room():
    units = [a_unit(n, "Degraded" if n % 2 else "Blocked", "m" * 250) for n in range(1000)]
    body = published(units)
    assert {each["state"] for each in body["units"]} == {"Blocked"}
    assert 100 < len(body["units"]) < 500
    assert body["omittedUnits"] == 1000 - len(body["units"])


HOSTILE = [sign * 9000 for sign in ("x", "界", "<&>", "\x01", '"\\', "😀", "%(count)s")]


@pytest.mark.parametrize("message", HOSTILE, ids=["long", "wide", "html", "control", "quotes", "astral", "places"])
@pytest.mark.parametrize("count", [1, MOST_UNITS, 5000])
def test_it_is_never_above_64_kb_whatever_is_said(message, count):
    name = ("u" * 58 + "{:05}").format
    sentence = say("%(text)s", text=message)
    units = [
        UnitStatus(
            name(n),
            "Blocked",
            "R" * 100,
            sentence,
            template="t" * 253,
            child="c" * 253,
            notes=(("Note", sentence),) * 9,
            contested=sentence,
            child_status={**COUNTS, "conditions": [{**AVAILABLE, "message": message}]},
        )
        for n in range(count)
    ]
    whole = Whole(
        finding=Finding("", "InvalidSpec", sentence),
        loop=tuple(Condition(kind, "False", "R" * 100, sentence) for kind in ("Closed", "Refusing", "ForeignSlices")),
        claims=(Condition("NamespaceClosed", "True", "R" * 100, sentence),),
        unused_templates=tuple(message[:253] for _ in range(5000)),
        shown={"closure": "hints", "nodes": dict.fromkeys("abcdef", 10_000), "foreignSlices": 5},
    )
    own = UnitStatus("", "Degraded", "R" * 100, sentence, notes=(("Note", sentence),) * 50, contested=sentence)
    for body in (published([own, *units], whole), published([own], whole)):
        assert bytes_of(body) <= KB_64
        assert body["truncated"] is True
        assert body["omittedUnits"] == body["totalUnits"] - len(body["units"])
        json.loads(json.dumps(body))


def test_200_units_whose_children_say_much_are_all_listed_with_less_of_each():
    body = published([a_unit(n, child_status={**COUNTS, "conditions": [AVAILABLE] * 3}) for n in range(MOST_UNITS)])
    assert (len(body["units"]), body["omittedUnits"], body["truncated"]) == (200, 0, True)
    assert body["states"]["unit-00000"] == COUNTS
    assert bytes_of(body) <= KB_64
