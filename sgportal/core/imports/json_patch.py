"""JSON Patch (RFC 6902) as far as OpenYurt takes it: add, remove and replace, on objects as JSON has them."""

from collections.abc import Mapping
from typing import Any

from ..text import Sentence, parts_of, say

OPERATIONS = ("add", "remove", "replace")


class NotApplicable(Exception):
    """An operation that cannot be carried out; `sentence` says why."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def patched(value: Any, operation: str, path: str, new: Any) -> Any:
    """A value with one operation carried out; it is not changed itself. Raises NotApplicable."""
    if not path.startswith("/"):
        raise NotApplicable(say("“%(path)s” is not a JSON pointer; it begins with “/”", path=path[:200]))
    return _patched(value, operation, parts_of(path), new, path)


def _patched(value: Any, operation: str, parts: list[str], new: Any, path: str) -> Any:
    name, rest = parts[0], parts[1:]
    if isinstance(value, Mapping):
        if name not in value and (rest or operation != "add"):
            raise _missing(path)
        if rest:
            return {**value, name: _patched(value[name], operation, rest, new, path)}
        kept = {key: each for key, each in value.items() if key != name or operation != "remove"}
        return kept if operation == "remove" else {**kept, name: new}
    if isinstance(value, list):
        return _in_list(value, operation, parts, new, path)
    raise _missing(path)


def _in_list(value: list[Any], operation: str, parts: list[str], new: Any, path: str) -> list[Any]:
    name, rest = parts[0], parts[1:]
    is_adding = operation == "add" and not rest
    if name == "-" and is_adding:
        return [*value, new]
    index = int(name) if name.isascii() and name.isdecimal() and len(name) < 10 else -1
    if not 0 <= index < len(value) + is_adding:
        raise _missing(path)
    if rest:
        return [*value[:index], _patched(value[index], operation, rest, new, path), *value[index + 1 :]]
    if operation == "add":
        return [*value[:index], new, *value[index:]]
    return [*value[:index], *([] if operation == "remove" else [new]), *value[index + 1 :]]


def _missing(path: str) -> NotApplicable:
    return NotApplicable(say("there is nothing at “%(path)s” in the template", path=path[:200]))
