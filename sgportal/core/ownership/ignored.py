"""`spec.ignoreDifferences`: what a grid writes into its children once and then leaves to others."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kubernetes_fields import FIELDS
from ..names import FIELD_MANAGER, GRIDS_OWN_KEYS
from ..schema import check_fields, unknown_field
from ..text import Problem, Sentence, parts_of, pointer, say
from .field_paths import ANY, Entry, Field, Part, Pattern, list_keys, touches

_SHAPE = {"jsonPointers": ("[str]", False), "fieldPaths": ("[str]", False), "managers": ("[str]", False)}
MAX_ENTRIES = 100
MAX_PATH = 1024  # characters
MAX_MANAGER = 128  # characters; the API server takes no longer one (metav1 validation, ValidateFieldManager)
_TOKEN = re.compile(
    r"""\.?(?P<name>[A-Za-z_$][^.\[\]"'\s]*)"""
    r"""|\[(?P<any>\*)\]"""
    r"""|\[(?P<number>\d+)\]"""
    r"""|\[(?P<quoted>"(?:[^"\\]|\\.)*"|'[^']*')\]"""
    r"""|\[(?P<keys>[A-Za-z]+=(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\],"']+)(?:,[A-Za-z]+=(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\],"']+))*)\]"""
)
_PAIR = re.compile(r"""([A-Za-z]+)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\],"']+)""")
# What no grid leaves to others.
_KEPT: tuple[Field, ...] = (
    ("f:metadata", "f:ownerReferences"),
    *(("f:metadata", f"f:{part}", f"f:{name}") for part in ("labels", "annotations") for name in GRIDS_OWN_KEYS),
    ("f:spec", "f:selector"),
    ("f:spec", "f:template", "f:spec", "f:nodeSelector"),
)


@dataclass(frozen=True, slots=True)
class Ignored:
    """One entry: the fields that `paths` mean, where one of `managers` set them; no paths mean any field, no managers
    anybody."""

    paths: tuple[Pattern, ...] = ()
    managers: frozenset[str] = frozenset()


def ignored_of(entries: Sequence[Mapping[str, Any]] | None) -> tuple[Ignored, ...]:
    """The entries of a valid `spec.ignoreDifferences`."""
    return tuple(
        Ignored(
            (*map(_from_pointer, each.get("jsonPointers") or ()), *map(_from_path, each.get("fieldPaths") or ())),
            frozenset(each.get("managers") or ()),
        )
        for each in entries or ()
    )


def ignored_problems(entries: Any, template_type: str) -> Iterator[Problem]:
    """What is wrong with `spec.ignoreDifferences` of a grid whose children have a spec of `template_type` (a name in
    FIELDS)."""
    where = "/spec/ignoreDifferences"
    if len(entries) > MAX_ENTRIES:
        yield Problem(where, say("must have at most %(limit)s entries", limit=MAX_ENTRIES))
        return
    for index, each in enumerate(entries):
        yield from _entry_problems(each, where + pointer(index), template_type)


def _entry_problems(entry: Any, where: str, template_type: str) -> Iterator[Problem]:
    shape = list(check_fields(entry, _SHAPE, where))
    yield from shape
    if shape:
        return
    if not any(entry.get(name) for name in _SHAPE):
        yield Problem(
            where, say("must name fields (jsonPointers, fieldPaths), or managers whose fields are left alone")
        )
    for index, manager in enumerate(entry.get("managers") or ()):
        if problem := _manager_problem(manager):
            yield Problem(where + pointer("managers", index), problem)
    for name, read in (("jsonPointers", _from_pointer), ("fieldPaths", _from_path)):
        for index, text in enumerate(entry.get(name) or ()):
            if problem := _path_problem(text, read, template_type):
                yield Problem(where + pointer(name, index), problem)


def _manager_problem(manager: Any) -> Sentence | None:
    if not isinstance(manager, str) or not manager or len(manager) > MAX_MANAGER or not manager.isprintable():
        return say("must be the name of a field manager, as “kubectl get --show-managed-fields” shows it")
    if manager == FIELD_MANAGER:
        return say("is the portal itself; name another field manager")
    return None


class _Unreadable(ValueError):
    """A path that is none; `sentence` says why."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


_BAD_POINTER = say("must be a JSON pointer into the child, such as %(example)s", example="/spec/replicas")
_BAD_PATH = say(
    "must be a field of the child, such as %(example)s", example='spec.template.spec.containers[name="app"].image'
)


def _from_pointer(text: Any) -> Pattern:
    if not isinstance(text, str) or len(text) > MAX_PATH or not text.startswith("/") or re.search("~(?![01])", text):
        raise _Unreadable(_BAD_POINTER)
    return tuple(
        ANY if part == "*" else int(part) if re.fullmatch("0|[1-9][0-9]{0,5}", part) else part
        for part in parts_of(text)
    )


def _from_path(text: Any) -> Pattern:
    if not isinstance(text, str) or len(text) > MAX_PATH:
        raise _Unreadable(_BAD_PATH)
    found: list[Part] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise _Unreadable(_BAD_PATH)
        found.append(_part(token))
        place = token.end()
    if not found:
        raise _Unreadable(_BAD_PATH)
    return tuple(found)


def _part(token: re.Match[str]) -> Part:
    if token["name"]:
        return token["name"]
    if token["any"]:
        return ANY
    if token["number"]:
        return int(token["number"])
    if token["quoted"]:
        return str(_value(token["quoted"]))
    return Entry(tuple(sorted((name, _value(value)) for name, value in _PAIR.findall(token["keys"]))))


def _value(text: str) -> Any:
    """A value in brackets: JSON, or plain text in single quotes or none."""
    if text.startswith("'"):
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _path_problem(text: Any, read: Any, template_type: str) -> Sentence | None:
    try:
        pattern = read(text)
    except _Unreadable as unreadable:
        return unreadable.sentence
    if len(pattern) < 2 or pattern[0] not in ("metadata", "spec"):
        return say("must point into spec, metadata.labels or metadata.annotations")
    if any(touches(pattern, field) for field in _KEPT):
        return say(
            "is managed by the grid: where a child runs, who owns it and which pods it selects cannot be left to others"
        )
    return _unknown(pattern, template_type)


def _unknown(pattern: Pattern, template_type: str) -> Sentence | None:
    """Why a pattern leads nowhere, by what Kubernetes' fields are; None where it leads somewhere."""
    if pattern[0] == "metadata":
        single = len(pattern) == 3 and pattern[1] in ("labels", "annotations") and isinstance(pattern[2], str)
        return None if single else say("of metadata, only single labels and annotations can be named")
    type_name, counted = template_type, True
    field: Field = ("f:spec",)
    for part in pattern[1:]:
        if type_name == "any":
            return None
        if type_name.startswith("["):
            if problem := _list_problem(part, field, counted):
                return problem
            counted = counted and part is not ANY
            type_name, field = type_name[1:-1], (*field, "k:{}")
        elif type_name.startswith("{"):
            if not isinstance(part, str | int) and part is not ANY:
                return say("“%(part)s” selects entries of a list, but this is not a list", part=_shown(part))
            type_name, field = type_name[1:-1], (*field, f"f:{part}")
        elif not isinstance(part, str) or part not in FIELDS.get(type_name, {}):
            return _no_field(part, type_name)
        else:
            type_name, field = FIELDS[type_name][part][0], (*field, f"f:{part}")
    return None


def _list_problem(part: Part, field: Field, counted: bool) -> Sentence | None:
    keys = list_keys(field)
    name = field[-1].removeprefix("f:")
    if not keys:
        return say("“%(list)s” is one value for the API server: name the whole list", list=name)
    if isinstance(part, str):
        return say("“%(list)s” is a list: select entries by a number, [*], or [%(key)s=…]", list=name, key=keys[0])
    if isinstance(part, int) and not counted:
        return say("a number cannot follow “*”; select entries by [%(key)s=…]", key=keys[0])
    if isinstance(part, Entry) and not {key for key, _ in part.keys} <= set(keys):
        return say("entries of “%(list)s” are selected by %(keys)s", list=name, keys=", ".join(keys))
    return None


def _no_field(part: Part, type_name: str) -> Sentence:
    if isinstance(part, str) and type_name in FIELDS:
        return unknown_field(part, FIELDS[type_name], "").sentence
    return say("“%(part)s” does not exist: the field before it has no fields", part=_shown(part))


def _shown(part: Part) -> str:
    if isinstance(part, Entry):
        return ",".join(f"{name}={value}" for name, value in part.keys)
    return "*" if part is ANY else str(part)[:100]
