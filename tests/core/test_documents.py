"""From bytes to manifests."""

import time

import pytest

from sgportal.core.documents import MAX_BYTES, read_document, read_documents, read_json, write_document
from sgportal.core.text import Invalid


def test_several_documents_are_read_and_empty_ones_skipped():
    assert read_documents(b"---\na: 1\n---\n\n---\nb: {c: [1, 2]}\n") == [{"a": 1}, {"b": {"c": [1, 2]}}]


def test_json_is_yaml_and_dates_stay_text():
    assert read_document(b'{"a": 1, "d": "2020-01-01"}') == read_document(b"a: 1\nd: 2020-01-01")


TEXT = '{"kind": "文", "list": [1, "a\\u00e9", 1e3]}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_byte_order_mark_says_the_encoding_to_both_readers(encoding):
    mark = {"utf-16-be": b"\xfe\xff", "utf-32-be": b"\0\0\xfe\xff"}.get(encoding, b"")
    data = mark + TEXT.encode(encoding)
    assert read_documents(data) == [read_json(data)] == [{"kind": "文", "list": [1, "aé", 1000.0]}]
    assert read_documents(mark + "a: 文".encode(encoding)) == [{"a": "文"}]


@pytest.mark.parametrize(("char", "code"), [("\u00a0", "U+00A0"), ("\u3000", "U+3000"), ("\u2003", "U+2003")])
def test_a_line_that_is_indented_with_something_else_is_named(char, code):
    """As text copied from a page, or typed with a Chinese input method, has it."""
    text = f"a:\n  b: 1\n {char}c: 2\n"
    with pytest.raises(Invalid) as refused:
        read_documents(text.encode())
    assert (
        str(refused.value.problems[0].sentence)
        == f"line 3: it begins with {code}; YAML is indented with spaces (U+0020)"
    )
    assert read_documents(f"a: {char}1 b\n".encode())


def test_files_with_marks_may_stand_one_behind_the_other():
    assert read_documents("a: 1\n---\n\ufeffb: 2\n--- # x\r\n\ufeffc: 3\n".encode()) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert read_documents("a: |\n  ---\n  \ufeffb\n".encode()) == [{"a": "---\n\ufeffb\n"}]
    assert read_documents("\ufeffa: 1\n\ufeff---\nb: 2\n".encode()) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    "data", [b"a: 1\r\nb: [2]\r\n", b"a: 1\rb: [2]", "a: 1\x85b: [2]".encode(), b'{"a": 1,\r\n\t"b": [2]}']
)
def test_every_way_to_end_a_line_is_read(data):
    assert read_document(data) == {"a": 1, "b": [2]}


def test_json_may_be_indented_with_tabs_and_a_list_stands_for_its_entries():
    assert read_documents(b'[\n\t{"a": 1},\n\t{"b": 2}\n]') == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b"a: &a [x,x]\n\nb: &b [*a,*a]\n",
            "line 3: aliases are not accepted; in the place of “*a” write out what stands at “&a” in line 1",
        ),
        (b"a: *b", "line 1: there is no anchor “&b” before the alias “*b”"),
        (b"a: 1\nb: 2\na: 2", "line 3: duplicate key “a”, first in line 1; remove one of them"),
        (b"a: {b: 1,\n b: 2}", "line 2: duplicate key “b”, first in line 1; remove one of them"),
        (b"a: 1\n---\nb: 1\nb: 2", "line 4: duplicate key “b”, first in line 3; remove one of them"),
        (
            b'{"a": [{"b": "}\\", \\"b"}],\n "c": {"a": 1},\n "\\u0061": 2}',
            "line 3: duplicate key “a”, first in line 1; remove one of them",
        ),
        (b"1: 2", "line 1: keys must be text; put “1” in quotes"),
        (b"yes: 2", "line 1: keys must be text; put “True” in quotes"),
        (b"a: [", "the body is not YAML: line 2, column 1"),
        (b"a:\n\tb: 1", "line 2, column 1: a tab; YAML is indented with spaces"),
        (b"a:\r\n  b: 1\r\n  \tc: 2", "line 3, column 3: a tab; YAML is indented with spaces"),
        ("文: 1\x85a:\x85\tb: 1".encode(), "line 3, column 1: a tab; YAML is indented with spaces"),
        (b"a: 1\nb: \x07", "line 2: YAML does not take the character U+0007"),
        (b"a: !!python/object:os.x {}", "the body is not YAML: line 1, column 4"),
        (b"- 1", "each document must be an object with apiVersion, kind, metadata and spec"),
        (b"[1]", "each document must be an object with apiVersion, kind, metadata and spec"),
        (b"a: \xff", "the body is not UTF-8 text; save it as UTF-8"),
        (b"\xff\xfea", "the body is not UTF-16-LE text; save it as UTF-8"),
        (
            "a: 1".encode("utf-16-be"),
            "the body is UTF-16 or UTF-32 without a byte order mark; save it as UTF-8",
        ),
        (b"[" * 70 + b"]" * 70, "the document is nested more than 64 levels deep"),
        (b"[" * 100_000, "the document is nested more than 64 levels deep"),
        (b" " * (MAX_BYTES + 1), "the body is larger than 1048576 bytes"),
    ],
)
def test_traps_are_refused_with_the_place_and_the_cure(data, sentence):
    with pytest.raises(Invalid) as caught:
        read_documents(data)
    assert [str(problem.sentence) for problem in caught.value.problems] == [sentence]


def test_what_both_readers_refuse_they_refuse_in_the_same_words():
    doubled = b'{"a": 1,\n "b": {"c": 1,\n "c": 2}}'
    for data in (doubled, b"\xff", b'{"a": "\\u0000"}', b'{"a": ' + b"9" * 30 + b"}"):
        with pytest.raises(Invalid) as first:
            read_json(data)
        with pytest.raises(Invalid) as second:
            read_documents(data)
        assert first.value.problems == second.value.problems


def test_the_two_lines_of_a_double_are_found_in_time_that_grows_with_the_text():
    names = b",\n".join(b'"k%d":1' % number for number in range(60_000))
    started = time.process_time()
    with pytest.raises(Invalid, match="line 60000: duplicate key “k7”, first in line 8"):
        read_documents(b"{" + names + b',"k7":2}')
    assert time.process_time() - started < 5


@pytest.mark.parametrize(("data", "count"), [(b"", 0), (b"a: 1\n---\nb: 2", 2)])
def test_exactly_one_document_where_one_is_expected(data, count):
    with pytest.raises(Invalid, match=f"exactly one document is expected, not {count}"):
        read_document(data)


def test_what_is_written_reads_the_same():
    document = {"b": 1, "a": {"文": "<b>", "list": [1, "2", None]}}
    assert read_document(write_document(document).encode()) == document
