"""What a megabyte may cost: every reader's work is bounded, and what is refused is refused with the cure."""

import json
import time

import pytest

from sgportal.core.documents import MAX_VALUES, read_documents, read_json
from sgportal.core.grids.grid import parse
from sgportal.core.selector import MAX_REQUIREMENTS, MAX_TEXT, parse_selector
from sgportal.core.text import MOST_PROBLEMS, Invalid

from . import builders

BUDGET = 2.0  # seconds of processor time; each of these took 1.5 to 23
MEGABYTE = 1024 * 1024


def refused(call, *args):
    """The problems of a refusal, which costs little."""
    began = time.process_time()
    with pytest.raises(Invalid) as invalid:
        call(*args)
    assert time.process_time() - began < BUDGET
    return invalid.value.problems


@pytest.mark.parametrize(
    "text", ["," * 120_000, "a" * 120_000, "(" * 120_000, "a in (" * 20_000, ",(" * 60_000, "! " * 60_000]
)
def test_a_long_selector_is_refused_before_it_is_read(text):
    (problem,) = refused(parse_selector, text)
    assert problem.pointer == "/labelSelector"
    assert str(problem.sentence) == f"a selector may have {MAX_TEXT} characters, not {len(text)}"


def test_a_selector_of_many_requirements_is_refused_with_the_cure():
    (problem,) = refused(parse_selector, ",".join(f"k{n}" for n in range(MAX_REQUIREMENTS + 1)))
    assert "join values of one label: zone in (a,b)" in str(problem.sentence)
    assert len(parse_selector(",".join(f"k{n}" for n in range(MAX_REQUIREMENTS)))) == MAX_REQUIREMENTS


def test_a_set_may_have_as_many_values_as_fit():
    values = ",".join(f"site-{number:04}" for number in range(400))
    (found,) = parse_selector(f"zone in ({values})")
    assert len(found.values) == 400


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a in (x,y),b", ["a", "b"]),
        ("a notin (x , y) , !b , c=d", ["a", "b", "c"]),
        ("a,b,c", ["a", "b", "c"]),
        ("a in (x),b in (y),c", ["a", "b", "c"]),
    ],
)
def test_commas_in_parentheses_part_nothing(text, parts):
    assert [each.key for each in parse_selector(text)] == parts


@pytest.mark.parametrize("text", [",", "a,", ",a", "a,,b", "a in (x,(y),b", "a in x,y)", "a)(,b"])
def test_what_is_outside_the_grammar_is_still_refused(text):
    refused(parse_selector, text)


FLOW = b"a: [" + b"1," * ((MEGABYTE - 8) // 2) + b"1]"
BLOCK = b"a:\n" + b"- 1\n" * ((MEGABYTE - 8) // 4)
EMPTY = b"---\n" * (MEGABYTE // 4)
SMALL = b"---\na: 1\n" * (MEGABYTE // 9)
PAIRS = b"{" + b",".join(b"a%d: 1" % n for n in range(80_000)) + b"}"
JSON = json.dumps({"a": [1] * 340_000}).encode()
BODIES = {"flow": FLOW, "block": BLOCK, "empty": EMPTY, "small": SMALL, "pairs": PAIRS, "json": JSON}


@pytest.mark.parametrize(
    "body", [FLOW, BLOCK, EMPTY, SMALL, PAIRS, JSON], ids=["flow", "block", "empty", "small", "pairs", "json"]
)
def test_a_body_of_very_many_values_is_refused_with_the_cure(body):
    assert len(body) <= MEGABYTE
    (problem,) = refused(read_documents, body)
    assert str(problem.sentence) == f"the body has more than {MAX_VALUES} keys and values; send it in several parts"


def test_the_same_values_are_too_many_at_the_door_for_json():
    (problem,) = refused(read_json, JSON)
    assert "keys and values" in str(problem.sentence)


def test_a_megabyte_of_manifests_has_few_enough():
    one = json.dumps(builders.a_manifest(), indent=2)
    many = "[" + ",".join([one] * (MEGABYTE // (len(one) + 1) - 1)) + "]"
    assert read_documents(many.encode())


def test_of_very_many_unknown_fields_the_first_are_named():
    manifest = builders.a_manifest()
    manifest["spec"]["template"]["template"]["spec"] |= {f"imagePullPolicies{n}": n for n in range(20_000)}
    problems = refused(parse, manifest)
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[0].pointer.endswith("/imagePullPolicies0")
    assert str(problems[-1].sentence) == f"only the first {MOST_PROBLEMS} problems are listed"


def test_of_very_many_containers_each_with_a_fault_the_first_are_named():
    manifest = builders.a_manifest()
    pod = manifest["spec"]["template"]["template"]["spec"]
    pod["containers"] = [{"name": f"c{n}", "imagine": "x"} for n in range(20_000)]
    assert len(refused(parse, manifest)) == MOST_PROBLEMS + 1


def test_a_field_with_a_very_long_name_is_compared_by_its_beginning():
    manifest = builders.a_manifest()
    manifest["spec"]["t" * 900_000] = 1
    (problem,) = refused(parse, manifest)
    assert "unknown field" in str(problem.sentence)


def test_a_few_problems_are_all_named_and_nothing_is_added():
    manifest = builders.a_manifest()
    manifest["spec"] |= {"one": 1, "two": 2}
    assert [each.pointer for each in refused(parse, manifest)] == ["/spec/one", "/spec/two"]
