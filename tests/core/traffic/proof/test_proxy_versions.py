"""The rule of every kube-proxy from 1.30 on, beside what that version's own code answered (tests/kube/worlds/record.py
wrote it down): which hints count, on which nodes, and which of two listings of one address holds."""

import json

import pytest

from sgportal.core.traffic.proof.proxy import PortName, listings
from sgportal.core.traffic.proof.worlds import port_of
from sgportal.core.traffic.rules import IGNORES_HINTS, Rule, rule_of
from sgportal.core.traffic.service import asks_for_zones

from ...builders import DATA

CASES = json.loads((DATA / "kube-proxy-versions.json").read_text())
VERSIONS = list(CASES[0]["answers"])


def we_say(case, version):
    """(possible endpoints, whether all slices agree)."""
    rule = rule_of(version, asks_for_zones({"service.kubernetes.io/topology-mode": case["hints"]}))
    port = port_of(listings(case["slices"], PortName("http")).values())
    found = port.of(case["node"]["name"], case["node"]["zone"], rule)
    return {str(each) for each in found.backends}, port.agreed is not None


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_answers_as_its_rule_says(version):
    exact = 0
    for case in CASES:
        heard = [set(each) for each in case["answers"][version]]
        possible, agreed = we_say(case, version)
        assert possible >= set().union(*heard), case
        if agreed:
            assert heard == [possible], case
        exact += possible == set().union(*heard)
    assert exact > 0.9 * len(CASES)


def test_the_versions_do_differ():
    """Else the cases would not tell one rule from another."""
    rules = {(rule_of(each), rule_of(each, annotated=True)) for each in VERSIONS}
    answers = {tuple(json.dumps(case["answers"][each]) for case in CASES) for each in VERSIONS}
    assert len(answers) >= len(rules) - 1 == 4


@pytest.mark.parametrize(
    ("version", "annotated", "expected"),
    [
        ("v1.37.2", False, Rule(True, "all", running_first=True)),
        ("v1.34.1-eks-7", False, Rule(True, "all")),
        ("v1.33.0", True, Rule(False, "all")),
        ("v1.30.1", True, Rule(False, "labelled")),
        ("v1.30.1", False, IGNORES_HINTS),
        ("v1.23.17", True, IGNORES_HINTS),
        ("v1.18.20", False, None),
        ("", False, None),
        ("latest", False, None),
    ],
)
def test_a_rule_by_version(version, annotated, expected):
    assert rule_of(version, annotated) == expected
