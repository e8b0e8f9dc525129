"""Sentences for people, kept untranslated so that each door can say them in its caller's language."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message and its parameters.

    `msgid` is the English text with `%(name)s` places, the key of the translation catalogue;
    `params` are the (name, value) pairs to fill in; a value may be a Sentence. `str()` gives the English sentence.
    """

    msgid: str
    params: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.render(str)

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.msgid)

    def having(self, **params: Any) -> "Sentence":
        """The sentence with these parameters."""
        return Sentence(self.msgid, tuple(params.items()))

    def render(self, translate: Callable[[str], str]) -> str:
        """The sentence with its msgid, and those of the sentences within it, translated."""
        if not self.params:
            return translate(self.msgid)
        return translate(self.msgid) % {
            name: value.render(translate) if isinstance(value, Sentence) else value for name, value in self.params
        }

    def to_json(self) -> dict[str, Any]:
        """The sentence as a JSON object, for a database row; `from_json` reads it back."""
        params = {
            name: _SENTENCE | value.to_json() if isinstance(value, Sentence) else value for name, value in self.params
        }
        return {"id": self.msgid, "params": params}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Sentence":
        """The sentence that `to_json` wrote."""
        return Sentence(value["id"], tuple((name, _value(each)) for name, each in value["params"].items()))


_SENTENCE: dict[str, Any] = {"kind": "sentence"}


def _value(value: Any) -> Any:
    return Sentence.from_json(value) if isinstance(value, Mapping) and value.get("kind") == "sentence" else value


def say(msgid: str, **params: Any) -> Sentence:
    """A sentence with its parameters. The translation catalogue collects the first argument of each call."""
    return Sentence(msgid, tuple(params.items()))


NOTHING = Sentence("")
REQUIRED = say("is required")


def must_be(wanted: str) -> Sentence:
    """The sentence about a value that may only be this."""
    return say("must be “%(wanted)s”", wanted=wanted)


def one_of(values: Iterable[str]) -> Sentence:
    """The sentence about a value that is none of these."""
    return say("must be one of %(kinds)s", kinds=", ".join(values))


def up_to(most: int) -> Sentence:
    """The sentence about a number that is not from 1 to this."""
    return say("must be between 1 and %(most)s", most=most)


class Place(str):
    """A JSON pointer that a sentence names."""

    __slots__ = ()


ProblemCode = Literal["", "UnknownField"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where (a JSON pointer, RFC 6901, "" for the whole) and what would be right. `code`
    is for what other rules ask about."""

    pointer: str
    sentence: Sentence
    code: ProblemCode = ""

    def within(self, prefix: str) -> "Problem":
        """The problem of an input that holds this one at `prefix`; places that the sentence names move as well."""
        params = tuple(
            (name, Place(prefix + value) if isinstance(value, Place) else value) for name, value in self.sentence.params
        )
        return Problem(prefix + self.pointer, self.sentence.having(**dict(params)), self.code)


MOST_PROBLEMS = 100  # told of one input; whoever mends these is told the next ones


def first_of(problems: Iterable[Problem]) -> list[Problem]:
    """The first MOST_PROBLEMS of these, with a sentence where there are more; the rest is not looked for."""
    found = list(islice(problems, MOST_PROBLEMS + 1))
    if len(found) > MOST_PROBLEMS:
        found[-1] = Problem("", say("only the first %(count)s problems are listed", count=MOST_PROBLEMS))
    return found


class Invalid(Exception):
    """An input that cannot be accepted; `problems` names every field at fault."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.sentence}" for p in problems))
        self.problems = problems


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) from its unescaped parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts_of(at: str) -> list[str]:
    """The unescaped parts of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in at.split("/")[1:]]
