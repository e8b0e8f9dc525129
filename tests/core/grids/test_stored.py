"""A stored grid is parsed once for each text, and what is remembered is nobody else's."""

import copy

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.grids.stored import LONGEST, parse_stored
from sgportal.core.names import PAUSED
from sgportal.core.text import Invalid
from tests.api.builders import manifest


def test_the_same_text_is_parsed_once_and_another_anew():
    body = manifest("echo")
    assert parse_stored(body) == parse(body)
    assert parse_stored(copy.deepcopy(body)) is parse_stored(body)
    body["metadata"]["annotations"] = {PAUSED: "true"}  # which is no new generation
    assert parse_stored(body).requests.paused
    assert parse_stored(body) == parse(body)


def test_what_becomes_of_a_manifest_afterwards_is_not_remembered():
    body = manifest("echo")
    first = copy.deepcopy(body)
    parse_stored(body)
    body["spec"]["template"]["replicas"] = 77
    assert parse_stored(first) == parse(first)
    assert parse_stored(body) == parse(body)


def test_what_is_not_valid_is_refused_each_time():
    body = manifest("echo")
    body["spec"]["gridUniqKey"] = "-"
    for _ in range(2):
        with pytest.raises(Invalid):
            parse_stored(body)


def test_numbers_that_do_not_fit_are_parsed_as_ever():
    body = manifest("echo")
    body["spec"]["template"]["template"]["spec"]["priority"] = 2**70
    assert parse_stored(body) == parse(body)


def test_what_is_very_long_is_parsed_each_time():
    body = manifest("echo")
    body["spec"]["template"]["template"]["metadata"]["annotations"] = {"note": "x" * LONGEST}
    assert parse_stored(body) == parse(body)
    assert parse_stored(body) is not parse_stored(body)
