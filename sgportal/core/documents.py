"""From bytes to manifests: YAML and JSON with every trap closed (aliases, duplicate keys, depth, size).

Every door reads by these functions, so that the same bytes get the same answer.
"""

import codecs
import json
import math
import re
from typing import Any

import yaml

from . import yaml_scalars
from .text import Invalid, Problem, Sentence, say

MAX_BYTES = 1024 * 1024
TOO_LARGE = say("the body is larger than %(limit)s bytes", limit=MAX_BYTES)
MAX_DEPTH = 64
MAX_VALUES = 100_000  # keys and values: a megabyte of manifests has a third of that, one of "1,1,1," five times as many
# Byte order marks (YAML 1.2, 5.2; RFC 8259 lets a reader skip them). That of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32-LE"),
    (codecs.BOM_UTF32_BE, "UTF-32-BE"),
    (codecs.BOM_UTF16_LE, "UTF-16-LE"),
    (codecs.BOM_UTF16_BE, "UTF-16-BE"),
)
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what ends a line in YAML 1.1
_FOLDED = re.compile("[\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # YAML 1.1, 4.1
_INNER_MARK = re.compile("(^---.*\n|\n(?=\ufeff---))\ufeff", re.MULTILINE)  # of files, one behind the other
_ODD_INDENT = re.compile("^ *([\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff])", re.MULTILINE)
_COUNTED = (yaml.ScalarEvent, yaml.CollectionStartEvent, yaml.DocumentStartEvent)
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]')


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as Kubernetes reads it; keys are text and stand once."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise _invalid(
                    say("line %(line)s: keys must be text; put “%(key)s” in quotes", line=line, key=str(key)[:100])
                )
            if key in seen:
                raise _doubled(key, seen[key], line)
            seen[key] = line
        return super().construct_mapping(node, deep=deep)


yaml_scalars.use(_Loader)


class _Dumper(yaml.SafeDumper):
    """YAML that is read the same by Kubernetes, by us and by PyYAML."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Text, with line ends that YAML would fold written as escapes."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, '"' if _FOLDED.search(data) else None)


yaml_scalars.add_to(_Dumper)
_Dumper.add_representer(str, _Dumper.represent_str)


class _Doubled(ValueError):
    """A JSON object names something twice; where, json does not say."""


def _invalid(sentence: Sentence) -> Invalid:
    return Invalid(Problem("", sentence))


def _too_many() -> Invalid:
    return _invalid(say("the body has more than %(limit)s keys and values; send it in several parts", limit=MAX_VALUES))


def _doubled(key: str, first: int, line: int) -> Invalid:
    return _invalid(
        say(
            "line %(line)s: duplicate key “%(key)s”, first in line %(first)s; remove one of them",
            line=line,
            key=key[:100],
            first=first,
        )
    )


def read_documents(data: bytes) -> list[dict[str, Any]]:
    """The objects in a YAML (or JSON) stream of one or more documents; empty documents are skipped. What is JSON as a
    whole is read as such, as Kubernetes does it, and a list of objects then stands for its entries.

    Raises Invalid for more than 1 MiB, text that is not in a Unicode encoding or not YAML, aliases, duplicate or
    non-text keys, more than 64 levels or MAX_VALUES, or a document that is not an object.
    """
    text = text_of(data)
    documents = _json_documents(text)
    if documents is None:
        documents = _yaml_documents(text)
    _refuse_values(documents)
    if any(not isinstance(each, dict) for each in documents):
        raise _invalid(say("each document must be an object with apiVersion, kind, metadata and spec"))
    return documents


def read_json(data: bytes) -> Any:
    """The value of a JSON text (RFC 8259, which YAML reads otherwise: escapes, tabs, exponents).

    Raises Invalid for more than 1 MiB, text that is not in a Unicode encoding or not JSON, a name that stands twice in
    an object, more than 64 levels or MAX_VALUES, or a value that cannot be kept.
    """
    text = text_of(data)
    try:
        value = _json(text)
    except json.JSONDecodeError as error:
        sentence = say("the body is not JSON: line %(line)s, column %(column)s", line=error.lineno, column=error.colno)
        raise _invalid(sentence) from None
    except (ValueError, RecursionError):
        raise _invalid(say("the body is not JSON")) from None
    _refuse_values(value)
    return value


def text_of(data: bytes) -> str:
    """The text of a body: UTF-8, or what its byte order mark says. Raises Invalid for any other, and for too many."""
    if len(data) > MAX_BYTES:
        raise _invalid(TOO_LARGE)
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "UTF-8"))
    if not mark and b"\0" in data[:2]:
        raise _invalid(say("the body is UTF-16 or UTF-32 without a byte order mark; save it as UTF-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        raise _invalid(say("the body is not %(encoding)s text; save it as UTF-8", encoding=encoding)) from None
    return _INNER_MARK.sub(r"\1", text)


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except _Doubled:
        raise _doubled(*_first_double(text)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled
    return found


def _first_double(text: str) -> tuple[str, int, int]:
    """The first name that stands twice in an object of a JSON text that has one, with its two lines."""
    open_objects: list[dict[str, int] | None] = []  # name → line; None for a list
    name_next, line, counted = False, 1, 0
    for token in _JSON_TOKEN.finditer(text):
        mark, inner = token[0], open_objects[-1] if open_objects else None
        if mark in ("{", "["):
            open_objects.append({} if mark == "{" else None)
        elif mark in ("}", "]"):
            open_objects.pop()
        elif mark != "," and name_next and inner is not None:
            line += text.count("\n", counted, token.start())
            counted, name = token.start(), json.loads(mark)
            if name in inner:
                return name, inner[name], line
            inner[name] = line
        name_next = mark in ("{", ",")
    raise AssertionError("no name stands twice")


def _json_documents(text: str) -> list[Any] | None:
    """The documents of a text that is JSON as a whole; None for any other."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = _json(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else [value]


def _yaml_documents(text: str) -> list[Any]:
    if found := _UNPRINTABLE.search(text):
        line = len(_BREAK.findall(text, 0, found.start())) + 1
        code = f"U+{ord(found[0]):04X}"
        raise _invalid(say("line %(line)s: YAML does not take the character %(code)s", line=line, code=code))
    try:
        _refuse_traps(text)
        return [each for each in yaml.load_all(text, _Loader) if each is not None]
    except yaml.YAMLError as error:
        raise _invalid(_syntax(error, text)) from None
    except (ValueError, RecursionError):
        raise _invalid(say("the body is not YAML")) from None


def _refuse_values(value: Any) -> None:
    """Raise Invalid for what no database or cluster can keep, and for more levels than are accepted."""
    level, depth, count = [value], -1, 0
    while level:
        depth += 1
        count += len(level)
        if count > MAX_VALUES:
            raise _too_many()
        if depth > MAX_DEPTH:
            raise _invalid(say("the document is nested more than %(limit)s levels deep", limit=MAX_DEPTH))
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.keys()
                inner += each.values()
            elif isinstance(each, list):
                inner += each
            elif not _can_be_kept(each):
                raise _invalid(say("%(value)s cannot be stored", value=ascii(each)[:60]))
        level = inner


def _can_be_kept(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _refuse_traps(text: str) -> None:
    """Raise Invalid for what lets a small text become a large object, before anything is built from it."""
    depth = count = 0
    anchors: dict[str, int] = {}
    event: Any
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _invalid(_alias(event, anchors))
        if (name := getattr(event, "anchor", None)) is not None:
            anchors[name] = event.start_mark.line + 1
        count += isinstance(event, _COUNTED)
        if count > MAX_VALUES:
            raise _too_many()
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _invalid(say("the document is nested more than %(limit)s levels deep", limit=MAX_DEPTH))


def _alias(event: Any, anchors: dict[str, int]) -> Sentence:
    name, line = str(event.anchor), event.start_mark.line + 1
    if name not in anchors:
        return say("line %(line)s: there is no anchor “&%(name)s” before the alias “*%(name)s”", line=line, name=name)
    return say(
        "line %(line)s: aliases are not accepted; in the place of “*%(name)s” write out what stands at “&%(name)s” in "
        "line %(first)s",
        line=line,
        name=name,
        first=anchors[name],
    )


def _syntax(error: yaml.YAMLError, text: str) -> Sentence:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return say("the body is not YAML")
    place = {"line": mark.line + 1, "column": mark.column + 1}
    if "".join(_BREAK.split(text)[mark.line : mark.line + 1])[mark.column : mark.column + 1] == "\t":
        return say("line %(line)s, column %(column)s: a tab; YAML is indented with spaces", **place)
    first = max(mark.line - 1, 0)  # a line may be read as going on in the next
    for line, written in enumerate(_BREAK.split(text)[first : mark.line + 1], first + 1):
        if odd := _ODD_INDENT.match(written):
            code = f"U+{ord(odd[1]):04X}"
            return say(
                "line %(line)s: it begins with %(code)s; YAML is indented with spaces (U+0020)", line=line, code=code
            )
    return say("the body is not YAML: line %(line)s, column %(column)s", **place)


def read_document(data: bytes) -> dict[str, Any]:
    """The only object of a YAML or JSON stream. Raises Invalid as `read_documents` does, and unless there is one."""
    return only(read_documents(data))


def only(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The only one of these documents. Raises Invalid where there is none or another."""
    if len(documents) != 1:
        raise _invalid(say("exactly one document is expected, not %(count)s", count=len(documents)))
    return documents[0]


def write_document(document: dict[str, Any]) -> str:
    """The YAML text of an object, keys in the order given."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
