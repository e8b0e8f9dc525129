"""The difference between two texts, line by line, for people."""

from dataclasses import dataclass
from difflib import unified_diff


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: `kind` is added, removed, same or place (where the lines that follow stand)."""

    kind: str
    text: str


_KINDS = {"+": "added", "-": "removed", " ": "same", "@": "place"}


def lines(before: str, after: str) -> list[Line]:
    """What must be taken away and added to come from one text to the other, with three lines around each change."""
    found = list(unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[2:]
    return [Line(_KINDS[each[0]], each if each[0] == "@" else each[1:]) for each in found]
