"""Changing a YAML text where its object changed and nowhere else, so that comments and the way it is written stay."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ...core.documents import read_document, write_document
from ...core.text import Invalid
from .codecs import Manifest


class _Elsewhere(Exception):
    """There is no small change of the text that says this; the whole is written anew."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """What replaces the text from `start` to `end`; `depth` orders what is put in one place: the deeper first."""

    start: int
    end: int
    depth: int
    text: str


def rewritten(text: str, before: Manifest, after: Manifest) -> str:
    """The text of `before` changed so that it says `after`; written anew where no smaller change of it does."""
    if after == before:
        return text
    wanted = write_document(after)
    try:
        root = yaml.compose(text, yaml.CSafeLoader)
        if root is None:
            return wanted
        edits = sorted(_Text(text).changes(root, before, after), key=lambda each: (-each.start, each.depth))
        changed = text
        for edit in edits:
            changed = changed[: edit.start] + edit.text + changed[edit.end :]
        return changed if write_document(read_document(changed.encode())) == wanted else wanted
    except (_Elsewhere, Invalid, yaml.YAMLError):
        return wanted


class _Text:
    """A text, and the edits of it that one object or another asks for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]

    def changes(self, node: yaml.Node, before: Any, after: Any, depth: int = 0) -> Iterator[_Edit]:
        """The edits below a node whose value changes."""
        if isinstance(node, yaml.MappingNode) and isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self._of_mapping(node, before, after, depth)
        elif _same_length(node, before, after):
            for child, old, new in zip(node.value, before, after, strict=True):
                if old != new or type(old) is not type(new):
                    yield from self.changes(child, old, new, depth + 1)
        else:
            yield self._replaced(node, after, depth)

    def _of_mapping(
        self, node: yaml.MappingNode, before: Mapping[str, Any], after: Mapping[str, Any], depth: int
    ) -> Iterator[_Edit]:
        gone, added = before.keys() - after.keys(), {key: after[key] for key in after if key not in before}
        pairs = {key.value: (key, value) for key, value in node.value}
        leads = not gone or not node.value or self._leads(node.value[0][0])
        if (
            pairs.keys() != before.keys()
            or not before
            or not after
            or not leads
            or (node.flow_style and (gone or added))
        ):
            yield self._replaced(node, after, depth)
            return
        for key, (key_node, value) in pairs.items():
            if key in gone:
                yield _Edit(self._line(key_node), self._line_end(self._end(value)), depth, "")
            elif before[key] != after[key] or type(before[key]) is not type(after[key]):
                yield from self._of_entry(node, key_node, value, before[key], after[key], depth)
        if added:
            yield self._inserted(node, added, depth)

    def _of_entry(
        self, node: yaml.MappingNode, key: yaml.Node, value: yaml.Node, old: Any, new: Any, depth: int
    ) -> Iterator[_Edit]:
        inside = (isinstance(old, Mapping) and isinstance(new, Mapping) and old and new) or _same_length(
            value, old, new
        )
        plain = isinstance(value, yaml.ScalarNode) and value.style not in ("|", ">") and not _is_deep(new)
        if inside or plain or node.flow_style:
            yield from self.changes(value, old, new, depth + 1)
            return
        ends = self._end(value)
        written = _indented({key.value: new}, key.start_mark.column)
        yield _Edit(self._at(key.start_mark), ends, depth, written + ("\n" if self._text[ends - 1] == "\n" else ""))

    def _replaced(self, node: yaml.Node, new: Any, depth: int) -> _Edit:
        start, ends = self._at(node.start_mark), self._end(node)
        if not isinstance(node, yaml.CollectionNode) or node.flow_style:
            written = json.dumps(new, ensure_ascii=False) if _is_deep(new) else _scalar(new)
        else:
            written = _indented(new, node.start_mark.column) + ("\n" if self._text[ends - 1] == "\n" else "")
        return _Edit(start, ends, depth, written)

    def _inserted(self, node: yaml.MappingNode, added: Mapping[str, Any], depth: int) -> _Edit:
        place = self._line_end(self._end(node))
        column = node.start_mark.column
        led = "" if self._text[place - 1] == "\n" else "\n"
        return _Edit(place, place, depth, led + " " * column + _indented(added, column) + "\n")

    def _leads(self, key: yaml.Node) -> bool:
        """Whether nothing stands before it in its line."""
        return not self._text[self._line(key) : self._at(key.start_mark)].strip()

    def _line(self, node: yaml.Node) -> int:
        return self._lines[node.start_mark.line]

    def _line_end(self, place: int) -> int:
        """Where the line after that of a place begins; the place itself where that is the begin of a line."""
        if place and self._text[place - 1] == "\n":
            return place
        found = self._text.find("\n", place)
        return len(self._text) if found < 0 else found + 1

    def _at(self, mark: Any) -> int:
        return int(self._lines[mark.line] + mark.column)

    def _end(self, node: yaml.Node) -> int:
        """Where what a node says ends: the marks of block collections reach over the comments that follow."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        return self._at(node.end_mark)


def _same_length(node: yaml.Node, before: Any, after: Any) -> bool:
    return (
        isinstance(node, yaml.SequenceNode)
        and isinstance(before, list)
        and isinstance(after, list)
        and len(node.value) == len(before) == len(after) > 0
    )


def _is_deep(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _indented(value: Any, column: int) -> str:
    return write_document(value).rstrip("\n").replace("\n", "\n" + " " * column)


def _scalar(value: Any) -> str:
    """A scalar as it is written behind a key, in one line."""
    written = write_document({"k": value}).rstrip("\n").removeprefix("k:").strip()
    if "\n" in written:
        raise _Elsewhere
    return written
