"""What each call takes and answers, said once: it checks the query, and it becomes the OpenAPI description."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from ...core.schema import unknown_field, wrong_type
from ...core.text import REQUIRED, Invalid, Problem, one_of, pointer, say, up_to
from ..http.media_types import TYPES
from ..http.problems import CONTENT_TYPE, UNREADABLE, ProblemSerializer

Method = TypeVar("Method", bound=Callable[..., Any])
MERGED = ("application/merge-patch+json", *TYPES)
LONGEST = 2000  # characters of a parameter
READ = (400, 401, 403, 404, 406, 422, 503)  # what may be answered in the place of what was asked
WRITE = (409, 412, 413, 415, 428, 429)


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
            raise Invalid(Problem(where, one_of(self.choices)))
        if "\0" in text or len(text) > LONGEST:
            raise Invalid(Problem(where, UNREADABLE))
        if not self.most:
            return text
        if not (text.isascii() and text.isdecimal()):
            raise Invalid(wrong_type(text, "a whole number", where))
        if not 1 <= int(text[:9]) <= self.most:
            raise Invalid(Problem(where, up_to(self.most)))
        return int(text)


LIMIT = Parameter("limit", "How many items at most.", most=500, default=100)
CURSOR = Parameter("cursor", "Where to go on: `next` of the page before.")
PAGED = (LIMIT, CURSOR)
DRY_RUN = Parameter("dryRun", "Store nothing; answer what would happen.", choices=("All",))
PLAN = Parameter(
    "plan",
    "The `id` that a dry run of this very call answered: it is carried out only if it still comes to exactly that; "
    "otherwise 409, and nothing is stored.",
)
PLANNED = (DRY_RUN, PLAN)
SELECTOR = Parameter("labelSelector", "Kubernetes' label selector: `zone=a`, `zone in (a,b)`, `zone`, `!zone`.")


def operation(
    summary: str,
    *,
    answers: Mapping[int, Any],
    takes: tuple[Parameter, ...] = (),
    body: Any = None,
    refusals: tuple[int, ...] = (),
    headers: tuple[str, ...] = (),
    needs_match: bool = False,
    takes_match: bool = False,
) -> Callable[[Method], Method]:
    """Describe a view's method. `answers` maps a status to what is in its body: a serializer, a media type (of text),
    None; `body` is what is sent: a serializer or a JSON Schema. `refusals` are statuses besides the usual; `headers`
    are those of the answers; `needs_match` and `takes_match` say whether `If-Match` must or may be sent."""

    def describe(method: Method) -> Method:
        method.takes = takes  # type: ignore[attr-defined]
        usual = READ if method.__name__ == "get" else (*READ, *WRITE)
        refused = sorted({*usual, *refusals} - set(answers))
        return extend_schema(
            summary=summary,
            parameters=[
                *map(_query_parameter, takes),
                *([_if_match(needs_match)] if needs_match or takes_match else []),
                *(OpenApiParameter(each, str, OpenApiParameter.HEADER, response=list(answers)) for each in headers),
            ],
            request=dict.fromkeys(MERGED, body) if isinstance(body, dict) else body,
            responses=dict([*map(_answer, answers.items()), *map(_refusal, refused)]),
        )(method)

    return describe


def takes_of(view: object, method: str) -> tuple[Parameter, ...] | None:
    """The query parameters of a view's method; None where that is not described."""
    return getattr(getattr(view, "get" if method == "HEAD" else method.lower(), None), "takes", None)


@cache
def page(item: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """A page of a list of these."""
    following = serializers.CharField(allow_null=True, help_text="The cursor of the next page, null on the last.")
    name = item.__name__.removesuffix("Serializer")
    return inline_serializer(f"{name}Page", {"items": item(many=True), "next": following})


def either(*several: Any, name: str = "") -> PolymorphicProxySerializer:
    """One of these, under a name: without one that of all of them."""
    name = name or "Or".join(each.__name__.removesuffix("Serializer") for each in several)
    return PolymorphicProxySerializer(name, list(several), resource_type_field_name=None, many=False)


def _query_parameter(parameter: Parameter) -> OpenApiParameter:
    schema: dict[str, Any] = {"type": "string", "maxLength": LONGEST}
    if parameter.choices:
        schema = {"type": "string", "enum": list(parameter.choices)}
    if parameter.most:
        schema = {"type": "integer", "minimum": 1, "maximum": parameter.most, "default": parameter.default}
    return OpenApiParameter(
        parameter.name, schema, OpenApiParameter.QUERY, parameter.required, description=parameter.description
    )


def _if_match(needed: bool) -> OpenApiParameter:
    text = "The ETag of the object as you read it."
    schema = {"type": "string", "pattern": r"^[ -~]+$"}
    return OpenApiParameter("If-Match", schema, OpenApiParameter.HEADER, needed, description=text)


def _answer(answer: tuple[int, Any]) -> tuple[Any, OpenApiResponse]:
    status, body = answer
    told = HTTPStatus(status).phrase
    if isinstance(body, str):
        return (status, body), OpenApiResponse(OpenApiTypes.STR, told)
    return status, OpenApiResponse(body, told)


def _refusal(status: int) -> tuple[Any, OpenApiResponse]:
    told = "The call is refused; the problem says why."
    return (status, CONTENT_TYPE), OpenApiResponse(ProblemSerializer, told)


def read_query(query: QueryDict, takes: Iterable[Parameter]) -> dict[str, Any]:
    """The value of every parameter, given or by default. Raises Invalid for each unknown, doubled or wrong one."""
    known = {each.name: each for each in takes}
    values = {name: each.default for name, each in known.items()}
    problems = []
    for name, texts in query.lists():
        if name not in known:
            problems.append(_unknown(name, known))
        elif len(texts) > 1:
            problems.append(Problem(pointer(name), say("duplicate “%(name)s”", name=name)))
        else:
            try:
                values[name] = known[name].read(texts[0])
            except Invalid as invalid:
                problems += invalid.problems
    problems += [Problem(pointer(name), REQUIRED) for name, each in known.items() if each.required and not values[name]]
    if problems:
        raise Invalid(*problems)
    return values


def _unknown(name: str, known: Mapping[str, Parameter]) -> Problem:
    if known:
        return unknown_field(name, known, "")
    return Problem(pointer(name), say("query parameters are not supported here"))
