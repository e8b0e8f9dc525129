"""The header `Warning` (RFC 7234, 5.5: code 299), which the Kubernetes API server sends and kubectl shows."""

from collections.abc import Iterable

from ...core.text import Problem

_LONGEST = 300  # characters of one warning
_MOST = 2000  # of all: a proxy refuses an answer whose headers are too long
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "…": "..."})


def warning_header(problems: Iterable[Problem]) -> str:
    """The header's value, in English and in ASCII, "" for no warnings. The body has those that are left out here."""
    found: list[str] = []
    for each in dict.fromkeys(problems):
        value = f'299 sgportal "{_quoted(f"{each.pointer} {each.sentence}")}"'
        if sum(map(len, found)) + len(value) > _MOST:
            break
        found.append(value)
    return ", ".join(found)


def _quoted(text: str) -> str:
    """What may stand between quotes in a header: one line of ASCII without control characters."""
    shown = "".join(each if each.isprintable() else " " for each in text.translate(_PLAIN))
    ascii_only = " ".join(shown.split()).encode("ascii", "backslashreplace").decode()[:_LONGEST]
    return ascii_only.replace("\\", "\\\\").replace('"', '\\"')
