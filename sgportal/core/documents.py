"""From bytes to manifests: YAML and JSON with every trap closed (aliases, duplicate keys, depth, size)."""

import json
import math
from typing import Any

import yaml

from .text import Invalid, Problem, say

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as Kubernetes reads it; keys are text and stand once, dates stay text."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise Invalid(
                    Problem(
                        "",
                        say("line %(line)s: keys must be text; put “%(key)s” in quotes", line=line, key=str(key)[:100]),
                    )
                )
            if key in seen:
                raise Invalid(
                    Problem("", say("line %(line)s: the key “%(key)s” stands twice", line=line, key=key[:100]))
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != _TIMESTAMP]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}


def read_documents(data: bytes) -> list[dict[str, Any]]:
    """The objects in a YAML (or JSON, its subset) stream of one or more documents; empty documents are skipped.

    Raises Invalid for more than 1 MiB, text that is not UTF-8 or not YAML, aliases, duplicate or non-text keys,
    more than 64 levels, or a document that is not an object.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(Problem("", say("the body is larger than %(limit)s bytes", limit=MAX_BYTES)))
    try:
        text = data.decode()
        _refuse_traps(text)
        documents = [each for each in yaml.load_all(text, _Loader) if each is not None]
    except UnicodeDecodeError:
        raise Invalid(Problem("", say("the body is not UTF-8 text"))) from None
    except yaml.YAMLError as error:
        raise Invalid(Problem("", _syntax(error))) from None
    except (ValueError, RecursionError):
        raise Invalid(Problem("", say("the body is not YAML"))) from None
    if any(not isinstance(each, dict) for each in documents):
        raise Invalid(Problem("", say("each document must be an object with apiVersion, kind, metadata and spec")))
    _refuse_values(documents)
    return documents


def read_json(data: bytes) -> Any:
    """The value of a JSON text (RFC 8259, which YAML reads otherwise: escapes, tabs, exponents).

    Raises Invalid for more than 1 MiB, text that is not UTF-8 or not JSON, a name that stands twice in an object,
    more than 64 levels, or a value that cannot be kept.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(Problem("", say("the body is larger than %(limit)s bytes", limit=MAX_BYTES)))
    try:
        value = json.loads(data.decode(), object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise Invalid(Problem("", say("the body is not UTF-8 text"))) from None
    except json.JSONDecodeError as error:
        sentence = say("the body is not JSON: line %(line)s, column %(column)s", line=error.lineno, column=error.colno)
        raise Invalid(Problem("", sentence)) from None
    except (ValueError, RecursionError):
        raise Invalid(Problem("", say("the body is not JSON"))) from None
    _refuse_values(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Invalid(Problem("", say("the name “%(key)s” stands twice in an object", key=key[:100])))
        found[key] = value
    return found


def _refuse_values(value: Any) -> None:
    """Raise Invalid for what no database or cluster can keep, and for more levels than are accepted."""
    level, depth = [value], -1
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Invalid(Problem("", say("the document is nested more than %(limit)s levels deep", limit=MAX_DEPTH)))
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.keys()
                inner += each.values()
            elif isinstance(each, list):
                inner += each
            elif not _can_be_kept(each):
                raise Invalid(Problem("", say("%(value)s cannot be kept", value=ascii(each)[:60])))
        level = inner


def _can_be_kept(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _refuse_traps(text: str) -> None:
    """Raise Invalid for what lets a small text become a large object, before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise Invalid(
                Problem("", say("line %(line)s: YAML aliases are not accepted; write the value out", line=line))
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise Invalid(Problem("", say("the document is nested more than %(limit)s levels deep", limit=MAX_DEPTH)))


def _syntax(error: yaml.YAMLError) -> Any:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return say("the body is not YAML")
    return say("the body is not YAML: line %(line)s, column %(column)s", line=mark.line + 1, column=mark.column + 1)


def read_document(data: bytes) -> dict[str, Any]:
    """The only object of a YAML or JSON stream. Raises Invalid as `read_documents` does, and unless there is one."""
    return only(read_documents(data))


def only(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The only one of these documents. Raises Invalid where there is none or another."""
    if len(documents) != 1:
        raise Invalid(Problem("", say("exactly one document is expected here, not %(count)s", count=len(documents))))
    return documents[0]


def write_document(document: dict[str, Any]) -> str:
    """The YAML text of an object, keys in the order given."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
