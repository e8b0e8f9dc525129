"""What a caller may rely on in an OpenAPI document, as plain lines: a line that goes is a promise broken.

A line names a place in a body (` items [] metadata name`), and its type, a value of its enumeration, or `always` where
it is never left out. A body that refers to a component is written out, so that components may be named and cut as one
likes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")
Document = dict[str, Any]
Lines = Mapping[str, frozenset[str]]


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Each operation with its name, such as `GET /api/v1/nodes`."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def promises(document: Document) -> Lines:
    """What is promised to a caller, by operation and by body: none of these may go."""
    found: dict[str, frozenset[str]] = {}
    for name, operation in operations(document):
        found[name] = frozenset(_heads(operation))
        holders = {f"{name} takes": operation.get("requestBody", {})}
        holders |= {f"{name} {status}": answer for status, answer in operation["responses"].items()}
        for place, holder in holders.items():
            for kind, content in holder.get("content", {}).items():
                found[f"{place} {kind}"] = frozenset(_lines(document, content["schema"]))
    return found


def demands(document: Document) -> Lines:
    """What is demanded of a caller, by operation and by body: none may be added."""
    found: dict[str, frozenset[str]] = {}
    for name, operation in operations(document):
        needed = [each for each in operation.get("parameters", ()) if each.get("required")]
        body = operation.get("requestBody", {})
        found[name] = frozenset(
            [f"{each['in']} {each['name']}" for each in needed] + ["body"] * body.get("required", 0)
        )
        for kind, content in body.get("content", {}).items():
            lines = _lines(document, content["schema"])
            always = {line.removesuffix(" always") for line in lines if line.endswith(" always")}
            found[f"{name} takes {kind}"] = frozenset(always)
    return found


def broken(before: tuple[Lines, Lines], after: tuple[Lines, Lines]) -> list[str]:
    """What a caller that fits the document `before` (its promises and demands) may find wrong with the one `after`."""
    found = [
        f"{place}: no {line!r} any more"
        for place, lines in before[0].items()
        for line in sorted(lines - after[0].get(place, frozenset()))
    ]
    found += [f"{place} is gone" for place in before[0].keys() - after[0].keys()]
    for place, lines in after[1].items():
        known = before[0].get(place, frozenset())
        if place in before[1]:
            new = sorted(lines - before[1][place])
            # A part that nobody could send before may ask what it likes.
            found += [f"{place}: needs {line!r} now" for line in new if _around(line) in {"", *known}]
    return found


def _around(line: str) -> str:
    """The place in a body that the place of a line is part of; "" for the body itself, and for what is in no body."""
    if not line.startswith(" "):
        return ""
    return line.removesuffix(" []").rpartition(" ")[0].removesuffix(" []")


def _heads(operation: Document) -> Iterator[str]:
    """The parameters of an operation, its answers and their headers."""
    for each in operation.get("parameters", ()):
        line = f"{each['in']} {each['name']}"
        yield line
        yield f"{line}: {each['schema']['type']}"
        yield from (f"{line} = {value}" for value in each["schema"].get("enum", ()))
    for status, answer in operation["responses"].items():
        yield status
        yield from (f"{status} header {header}" for header in answer.get("headers", ()))


def _lines(document: Document, schema: Document, place: str = "") -> Iterator[str]:
    """What a schema says of a place and of all places within."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for each in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _lines(document, each, place)
    kinds = schema.get("type", [])
    yield from (f"{place}: {kind}" for kind in ([kinds] if isinstance(kinds, str) else kinds))
    yield from (f"{place} = {value}" for value in schema.get("enum", [schema["const"]] if "const" in schema else ()))
    for name, inner in schema.get("properties", {}).items():
        yield f"{place} {name}"
        if name in schema.get("required", ()):
            yield f"{place} {name} always"
        yield from _lines(document, inner, f"{place} {name}")
    if "items" in schema:
        yield from _lines(document, schema["items"], f"{place} []")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _lines(document, schema["additionalProperties"], f"{place} {{}}")
