"""What each call takes and answers, said once: it checks the query, and it becomes the OpenAPI description."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.http import QueryDict

from ...core.schema import unknown_field, wrong_type
from ...core.text import Invalid, Problem, pointer, say

Method = TypeVar("Method", bound=Callable[..., Any])
Fields = Mapping[str, tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter. `choices` are its only values; `most` makes it a whole number from 1 to that."""

    name: str
    description: str
    choices: tuple[str, ...] = ()
    most: int = 0
    required: bool = False
    default: Any = ""

    def read(self, text: str) -> Any:
        """The value of a text. Raises Invalid."""
        where = pointer(self.name)
        if self.choices and text not in self.choices:
            raise Invalid(Problem(where, say("must be one of %(kinds)s", kinds=", ".join(self.choices))))
        if "\0" in text or len(text) > 2000:
            raise Invalid(Problem(where, say("the request cannot be read")))
        if not self.most:
            return text
        if not (text.isascii() and text.isdecimal()):
            raise Invalid(wrong_type(text, "a whole number", where))
        if not 1 <= int(text[:9]) <= self.most:
            raise Invalid(Problem(where, say("must be between 1 and %(most)s", most=self.most)))
        return int(text)


LIMIT = Parameter("limit", "How many items at most.", most=500, default=100)
CURSOR = Parameter("cursor", "Where to go on: `next` of the page before.")
PAGED = (LIMIT, CURSOR)
DRY_RUN = Parameter("dryRun", "Store nothing; answer what would happen.", choices=("All",))
SELECTOR = Parameter("labelSelector", "Kubernetes' label selector: `zone=a`, `zone in (a,b)`, `zone`, `!zone`.")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address. `answers` maps a status to the name of what is in its body (`schemas.BODIES` or
    a list `[name]`, "" for no body); `body` names what is sent; `refusals` are statuses besides the usual."""

    summary: str
    takes: tuple[Parameter, ...] = ()
    body: str = ""
    answers: Mapping[int, str] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    needs_match: bool = False
    takes_match: bool = False


def operation(summary: str, **described: Any) -> Callable[[Method], Method]:
    """Describe a view's method; the arguments are the fields of `Operation`."""

    def describe(method: Method) -> Method:
        method.operation = Operation(summary, **described)  # type: ignore[attr-defined]
        return method

    return describe


def read_query(query: QueryDict, takes: Iterable[Parameter]) -> dict[str, Any]:
    """The value of every parameter, given or by default. Raises Invalid for each unknown, doubled or wrong one."""
    known = {each.name: each for each in takes}
    values = {name: each.default for name, each in known.items()}
    problems = []
    for name, texts in query.lists():
        if name not in known:
            problems.append(_unknown(name, known))
        elif len(texts) > 1:
            problems.append(Problem(pointer(name), say("“%(name)s” stands twice", name=name)))
        else:
            try:
                values[name] = known[name].read(texts[0])
            except Invalid as invalid:
                problems += invalid.problems
    problems += [
        Problem(pointer(name), say("is required")) for name, each in known.items() if each.required and not values[name]
    ]
    if problems:
        raise Invalid(*problems)
    return values


def _unknown(name: str, known: Mapping[str, Parameter]) -> Problem:
    if known:
        return unknown_field(name, known, "")
    return Problem(pointer(name), say("this address takes no query parameters"))


def operation_of(view: object, method: str) -> Operation | None:
    """The description of a view's method, where it has one."""
    name = "get" if method == "HEAD" else method.lower()
    return getattr(getattr(view, name, None), "operation", None)
