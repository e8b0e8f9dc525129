"""kube-proxy itself is asked what our mirror of its rule is asked: its own `CategorizeEndpoints`, compiled."""

import json
import random
import subprocess

import pytest

from tests.kube import binaries

from .test_proxy import CASES, we_say

QUESTIONS = 5000

pytestmark = pytest.mark.kubernetes


def kube_proxy_says(cases):
    """kube-proxy's answers, in order."""
    asked = "\n".join(json.dumps({"node": each["node"], "endpoints": each["endpoints"]}) for each in cases)
    said = subprocess.run([binaries.find("proxy-oracle")], input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_the_written_cases_are_what_kube_proxy_answers():
    assert kube_proxy_says(CASES) == [case["expected"] for case in CASES]


def any_case(chance):
    """A Service of few endpoints, nodes and zones, so that every branch is met often; "" is a zone as well."""
    names, zones = ("n1", "n2", "n3"), ("", "a", "b")
    hinted = chance.random() < 0.8  # most often all are hinted, or one answer only would come of it

    def hints(some):
        least = 1 if hinted and chance.random() < 0.95 else 0
        return sorted(chance.sample(some, chance.randint(least, 2)))

    def endpoint(number):
        ready = chance.random() < 0.7
        return {
            "address": f"10.0.0.{number}",
            "port": 80,
            "ready": ready,
            "serving": ready or chance.random() < 0.5,
            "terminating": not ready and chance.random() < 0.5,
            "forNodes": hints(names),
            "forZones": hints(zones),
        }

    node = {"name": chance.choice((*names, "n9")), "zone": chance.choice((*zones, "z"))}
    return {"node": node, "endpoints": [endpoint(number) for number in range(chance.randint(0, 5))]}


def test_kube_proxy_and_our_mirror_of_it_always_agree():
    chance = random.Random(20261123)
    cases = [any_case(chance) for _ in range(QUESTIONS)]
    theirs = kube_proxy_says(cases)
    differing = [(case, them) for case, them in zip(cases, theirs, strict=True) if we_say(case) != them]
    assert differing == []
    chosen = {(bool(them), len(them) < len(case["endpoints"])) for case, them in zip(cases, theirs, strict=True)}
    assert chosen == {(True, True), (True, False), (False, True), (False, False)}  # some, all, none of some, none
