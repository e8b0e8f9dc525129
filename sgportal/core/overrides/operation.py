"""What people ask of a grid or a ServiceGroup once, by an annotation, where REST has a call of the same name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..names import OPERATION
from ..text import Invalid, Problem, Sentence, one_of, pointer, say

_WHERE = "/metadata/annotations" + pointer(OPERATION)
_ELSEWHERE = say("is done only where it is set in the cluster, with kubectl; here it asks for nothing")
_MOST_DIGITS = 9  # of the number of a revision
_MOST_SHOWN = 100  # characters of what somebody wrote


@dataclass(frozen=True, slots=True)
class Operation:
    """A verb and what stands behind it: the number of a `revision`, an `image` and the `container` that is to have it
    ("": the only one), `units`."""

    verb: str
    revision: int = 0
    image: str = ""
    container: str = ""
    units: tuple[str, ...] = ()


def operation_text(annotations: Mapping[str, Any] | None) -> str:
    """What the annotation says, "" for nothing."""
    return str((annotations or {}).get(OPERATION) or "")


def operation_of(text: str) -> Operation | None:
    """What a text asks for, None for nothing. A word that begins with “#” makes one text differ from the last. Raises
    Invalid."""
    words = [word for word in text.split() if not word.startswith("#")]
    if not words:
        return None
    verb, rest = words[0], words[1:]
    if verb not in _READ:
        raise _wrong(one_of(list(_READ)))
    return _READ[verb](rest)


def operation_problems(annotations: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the annotation."""
    try:
        operation_of(operation_text(annotations))
    except Invalid as invalid:
        yield from invalid.problems


def unasked(known: str | None, before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The text that counts as carried out of a grid that is saved in the portal, where `known` did: with `now` another
    than `before` (both metadata) it asks for nothing. There are calls of the same names, which hold what they do
    against the policy and the scope of a role, and note who it was."""
    asked = operation_text(now.get("annotations"))
    return known if asked == operation_text(before.get("annotations")) else asked


def not_asked(before: Mapping[str, Any] | None, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """That so what a manifest asks is not done, of a grid that had the metadata `before` (None: there is none yet)."""
    asked = operation_text(manifest["metadata"].get("annotations"))
    if asked and before is not None and asked != operation_text(before.get("annotations")):
        yield Problem(_WHERE, _ELSEWHERE)


def _restore(words: Sequence[str]) -> Operation:
    revision, rest = _revision(words, "restore 3")
    if rest:
        text = say(
            "“restore” is for all NodeUnits, and takes nothing but the number of a revision; for some of them write"
            " “pin %(number)s hamburg,lyon”",
            number=revision,
        )
        raise _wrong(text)
    return Operation("restore", revision)


def _pin(words: Sequence[str]) -> Operation:
    revision, rest = _revision(words, "pin 3 hamburg,lyon")
    return Operation("pin", revision, units=_units(rest, f"pin {revision} hamburg,lyon"))


def _unpin(words: Sequence[str]) -> Operation:
    return Operation("unpin", units=_units(words, "unpin hamburg,lyon"))


def _image(words: Sequence[str]) -> Operation:
    if not words:
        raise _wrong(_write("image web=shop:2"))
    container, equals, image = words[0].rpartition("=")
    if not image or (equals and not container):
        raise _wrong(_write("image web=shop:2"))
    return Operation("image", image=image, container=container, units=_split(words[1:]))


_READ: Mapping[str, Callable[[Sequence[str]], Operation]] = {
    "restore": _restore,
    "pin": _pin,
    "unpin": _unpin,
    "image": _image,
}


def _revision(words: Sequence[str], example: str) -> tuple[int, Sequence[str]]:
    if not words or not (words[0].isascii() and words[0].isdigit()) or len(words[0]) > _MOST_DIGITS:
        raise _wrong(_write(example))
    return int(words[0]), words[1:]


def _units(words: Sequence[str], example: str) -> tuple[str, ...]:
    found = _split(words)
    if not found:
        raise _wrong(_write(example))
    return found


def _split(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for word in words for name in word.split(",") if name))


def _write(example: str) -> Sentence:
    return say("write it as in “%(example)s”", example=example[:_MOST_SHOWN])


def _wrong(sentence: Sentence) -> Invalid:
    return Invalid(Problem(_WHERE, sentence))
