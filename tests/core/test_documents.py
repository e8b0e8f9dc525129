"""From bytes to manifests."""

import pytest

from sgportal.core.documents import MAX_BYTES, read_document, read_documents, write_document
from sgportal.core.text import Invalid

BOMB = b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"


def test_several_documents_are_read_and_empty_ones_skipped():
    assert read_documents(b"---\na: 1\n---\n\n---\nb: {c: [1, 2]}\n") == [{"a": 1}, {"b": {"c": [1, 2]}}]


def test_json_is_yaml_and_dates_stay_text():
    assert read_document(b'{"a": 1, "d": "2020-01-01"}') == read_document(b"a: 1\nd: 2020-01-01")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (BOMB, "line 2: YAML aliases are not accepted; write the value out"),
        (b"a: 1\na: 2", "line 2: the key “a” stands twice"),
        (b"a: {b: 1, b: 2}", "line 1: the key “b” stands twice"),
        (b"1: 2", "line 1: keys must be text; put “1” in quotes"),
        (b"yes: 2", "line 1: keys must be text; put “True” in quotes"),
        (b"a: [", "the body is not YAML: line 2, column 1"),
        (b"a: !!python/object:os.x {}", "the body is not YAML: line 1, column 4"),
        (b"- 1", "each document must be an object with apiVersion, kind, metadata and spec"),
        (b"\xff\xfe\xff", "the body is not UTF-8 text"),
        (b"[" * 70 + b"]" * 70, "the document is nested more than 64 levels deep"),
        (b" " * (MAX_BYTES + 1), "the body is larger than 1048576 bytes"),
    ],
)
def test_traps_are_refused_with_the_place_and_the_cure(data, sentence):
    with pytest.raises(Invalid) as caught:
        read_documents(data)
    assert [str(problem.sentence) for problem in caught.value.problems] == [sentence]


@pytest.mark.parametrize(("data", "count"), [(b"", 0), (b"a: 1\n---\nb: 2", 2)])
def test_exactly_one_document_where_one_is_expected(data, count):
    with pytest.raises(Invalid, match=f"exactly one document is expected here, not {count}"):
        read_document(data)


def test_what_is_written_reads_the_same():
    document = {"b": 1, "a": {"文": "<b>", "list": [1, "2", None]}}
    assert read_document(write_document(document).encode()) == document
