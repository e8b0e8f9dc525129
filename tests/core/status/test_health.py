"""One scale for nodes, workloads and loops; one rule for what is unhealthy."""

from typing import get_args

import pytest

from sgportal.core.health import STATES, State, is_settled, is_unhealthy, of_all, severity, worst


def test_every_state_has_a_place():
    assert set(STATES) == set(get_args(State))
    assert [severity(each) for each in STATES] == list(range(len(STATES)))
    with pytest.raises(KeyError, match="Splendid"):
        severity("Splendid")


def test_the_worst_of_several():
    assert worst(["Ready", "Degraded", "Progressing"]) == "Degraded"
    assert worst(["Degraded", "NotReady"]) == "NotReady"
    assert worst([]) == "Ready"


@pytest.mark.parametrize("state", STATES)
def test_what_is_unhealthy_is_never_settled(state):
    healthy = {"Paused", "Progressing", "OnDelete", "Partitioned", "Ready"}
    assert is_unhealthy(state) == (state not in healthy)
    assert is_settled(state) == (state in {"OnDelete", "Partitioned", "Ready"})


def test_what_is_unhealthy_stands_above_what_is_not():
    flags = [is_unhealthy(each) for each in STATES]
    assert flags == sorted(flags, reverse=True)


@pytest.mark.parametrize(
    ("units", "whole"),
    [
        (["Offline"] + ["Ready"] * 10, "Degraded"),
        (["Offline", "UnitGone"], "Degraded"),
        (["Offline", "Offline"], "Offline"),
        (["UnitGone"], "UnitGone"),
        (["Offline", "Blocked"], "Blocked"),
        (["Ready", "Partitioned"], "Partitioned"),
        (["Ready", "Progressing", "Paused"], "Paused"),
        ([], "Ready"),
    ],
)
def test_a_whole_is_not_called_what_only_some_parts_are(units, whole):
    assert of_all(units) == whole
