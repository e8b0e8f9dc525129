"""What one request may cost: limits with a 4xx that names the cure."""

import json
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sgportal.actions.grids import MOST_MANIFESTS
from sgportal.core.selector import MAX_REQUIREMENTS
from sgportal.core.text import MOST_PROBLEMS
from sgportal.models import Grid

from .. import builders

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["nodes", "deploymentgrids"])
def test_a_selector_as_large_as_it_may_be_is_answered_and_a_larger_one_refused(api, path):
    builders.node("n1", zone="a")
    asked = [",".join(f"k{n}!=v" for n in range(count)) for count in (MAX_REQUIREMENTS, MAX_REQUIREMENTS + 1)]
    assert api.get(f"{path}?labelSelector={asked[0]}").status_code == 200
    answer = api.get(f"{path}?labelSelector={asked[1]}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/labelSelector"


@pytest.mark.parametrize("path", ["nodes", "deploymentgrids"])
def test_a_hundred_thousand_commas_hold_up_nobody(api, path):
    began = time.process_time()
    answer = api.get(f"{path}?labelSelector={',' * 120_000}")
    assert answer.status_code == 422
    assert time.process_time() - began < 2


def test_a_bundle_of_too_many_manifests_is_refused_before_anything_is_asked(api):
    bundle = [builders.manifest(f"g{n}") for n in range(MOST_MANIFESTS + 1)]
    began = time.process_time()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = api.post("apply?dryRun=All", bundle)
    assert answer.status_code == 422
    assert "send them in several requests" in answer.json()["errors"][0]["detail"]
    assert time.process_time() - began < 3
    assert len(asked) < 20
    assert not Grid.objects.exists()


def test_of_many_manifests_with_faults_the_first_are_named(api):
    bundle = [builders.manifest(f"g{n}", nonsense=1) for n in range(MOST_MANIFESTS)]
    answer = api.post("apply", bundle)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MOST_PROBLEMS + 1


def test_a_list_of_half_a_million_numbers_is_refused_at_once(api):
    began = time.process_time()
    answer = api.yaml("POST", "apply", b"a: [" + b"1," * 500_000 + b"1]")
    assert answer.status_code == 400
    assert "send it in several parts" in answer.json()["errors"][0]["detail"]
    assert time.process_time() - began < 3


def test_twenty_thousand_unknown_fields_are_refused_at_once(api):
    body = builders.manifest(**{f"imaginary{n}": n for n in range(20_000)})
    began = time.process_time()
    answer = api.post("deploymentgrids", json.dumps(body))
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MOST_PROBLEMS + 1
    assert time.process_time() - began < 2
