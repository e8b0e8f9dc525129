"""What every REST view shares: who may call, the query, the body, pages, dry runs, conditions."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from django.db.models import QuerySet
from django.utils.translation import get_language
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import actions
from ..access.scope import Awareness, OutOfScope, readable
from ..core.access.scope import NOTHING, ROLES, Scope
from ..core.documents import only
from ..core.schema import wrong_type
from ..core.text import Invalid, Problem, first_of, say
from ..models.scopes.current import narrow, reading, within
from ..queries.freshness import freshness, seen_once
from ..queries.revision import is_known, revision_tag, rows_tag
from .description.operations import read_query, takes_of
from .http.auth import needed_role, rights, role, speak
from .http.media_types import Negotiation
from .http.pages import Pages
from .http.problems import Refusal, unreadable
from .http.shapes import Asked
from .http.throttles import THROTTLES
from .http.warning_header import warning_header

Method = TypeVar("Method", bound=Callable[..., Any])
NOT_READ_YET = say("the first sync of the cluster is not complete; try again later")


class PortalView(APIView):
    """A view of the REST API. `query` holds the call's parameters, each known and checked."""

    content_negotiation_class = Negotiation
    throttle_classes = THROTTLES
    http_method_names: tuple[str, ...] = ("get", "head", "post", "put", "patch", "delete")
    query: dict[str, Any]
    scoped: Awareness = ""  # how much of a limited scope its reads keep (`access.scope`)
    scoped_writes: Awareness = ""  # the same of its writes
    reads_nodes = False  # the answer is made from the nodes last seen; before they were read once it would be wrong

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer, with queries that find nothing until it is known who asks."""
        with within(NOTHING, NOTHING):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who calls, then what they ask."""
        super().initial(request, *args, **kwargs)
        self.keep_to_scope(request)
        if any("\0" in str(each) for each in kwargs.values()):
            raise NotFound  # no database of ours holds such a name, and one of them would object
        speak(request)
        takes = takes_of(self, request.method or "")
        self.query = {} if takes is None else read_query(request.query_params, takes)
        if "plan" in self.query:
            name = (request.method or "").lower()
            setattr(self, name, as_agreed(self, getattr(self, name)))
        if self.reads_nodes and not seen_once("nodes"):
            raise Refusal(503, NOT_READ_YET, headers={"Retry-After": "1"})

    def keep_to_scope(self, request: Request) -> None:
        """Have queries find, and actions change, only what the caller's rights are for. Raises NotFound, Refusal."""
        held, needed = rights(request), needed_role(request, self)
        is_read = request.method in SAFE_METHODS
        try:
            writing = NOTHING if is_read else readable(held, self.scoped_writes, needed)
            reading = readable(held, self.scoped, needed if is_read else min(needed, "viewer", key=ROLES.index))
        except OutOfScope as out:
            if out.is_known or (not is_read and Scope.of(held, "viewer").is_all):
                raise Refusal(403, say("your role is limited to a scope, and this is not in it")) from None
            raise NotFound from None
        narrow(reading, writing)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every answer depends on language and type."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.setdefault("Cache-Control", "private, no-cache")
        return response

    @property
    def actor(self) -> actions.Actor:
        """Who acts."""
        return actions.Actor(self.request.user.get_username(), "rest", self.request.META.get("REMOTE_ADDR") or "")

    @property
    def dry_run(self) -> bool:
        """Whether only to show what would happen."""
        return bool(self.query.get("dryRun"))

    def documents(self) -> list[Any]:
        """What the body holds. Raises Refusal."""
        found = self.request.data  # an empty dict where there is no body
        return found if isinstance(found, list) else []

    def document(self) -> dict[str, Any]:
        """The one object of the body. Raises Refusal, Invalid."""
        try:
            document = only(self.documents() or [{}])
        except Invalid as several:
            raise unreadable(several) from None
        if not isinstance(document, dict):
            raise Invalid(wrong_type(document, "an object", ""))
        return document

    def fields(self, asked: type[Asked]) -> dict[str, Any]:
        """The one object of the body, which may have just the fields of `asked`. Raises Refusal, Invalid."""
        document = self.document()
        problems = first_of(asked.problems(document))
        if problems:
            raise Invalid(*problems)
        return document

    def warned(self, answer: Response, warnings: Iterable[Problem]) -> Response:
        """The answer with the warnings in a header, too."""
        if header := warning_header(warnings):
            answer.headers["Warning"] = header
        return answer

    def page(self, rows: "QuerySet[Any]", order: Sequence[str], shape: Callable[[Any], Any]) -> Response:
        """A page of rows."""
        return Response(self.pages().of_rows(rows, order, shape))

    def page_of(
        self, rows: Sequence[Any], key: Callable[[Any], Sequence[str]], shape: Callable[[Any], Any]
    ) -> Response:
        """A page of values in memory."""
        return Response(self.pages().of_sequence(rows, key, shape))

    def pages(self) -> Pages:
        """The pages of this list, from where the caller's cursor says."""
        return Pages(self.request.path, self.query["limit"], self.query["cursor"])

    def expected(self, etag: str) -> str:
        """The ETag of the intent the caller changes, which `If-Match` must name: 428 without it, 412 for another."""
        found = self.expected_if_given(etag)
        if found is None:
            raise Refusal(428, say("send the header “If-Match” with the ETag you read"))
        return found

    def expected_if_given(self, etag: str) -> str | None:
        """The same where the caller may leave it to chance; None without the header."""
        given = self.request.headers.get("If-Match", "").strip()
        if not given:
            return None
        if given != "*" and intent_tag(etag) not in {intent_tag(each.strip()) for each in given.split(",")}:
            raise actions.Stale(etag)
        return etag


def as_agreed(view: PortalView, method: Method) -> Method:
    """Carry out a write only if it comes to the plan that the caller agreed to, where one is named."""

    @wraps(method)
    def answered(*args: Any, **kwargs: Any) -> Response:
        agreed, dry_run = view.query["plan"], view.query["dryRun"]
        if not agreed:
            return cast(Response, method(*args, **kwargs))
        view.query["dryRun"] = "All"
        planned: Response = method(*args, **kwargs)
        if planned.data["id"] != agreed:
            raise actions.PlanChanged
        if dry_run:
            return planned
        view.query["dryRun"] = ""
        with actions.as_planned(_ids_in(planned.data)):
            return cast(Response, method(*args, **kwargs))

    return cast(Method, answered)


def _ids_in(planned: dict[str, Any]) -> dict[str, str]:
    """The id of each grid's plan in the answer of a dry run, by its path, and that of the whole."""
    plans = planned.get("grids") or planned.get("items") or [planned]
    return {actions.WHOLE: planned["id"], **{each["path"]: each["id"] for each in plans if "path" in each}}


def unless_unchanged(method: Method) -> Method:
    """Answer 304 where the caller names what a call would answer. It is for calls that tell only of what the change log
    tells of."""
    return _unless(lambda _view, _named, reader: revision_tag(freshness(), *reader), method)


def unless_rows_unchanged(tables: Callable[..., "Sequence[QuerySet[Any]]"]) -> Callable[[Method], Method]:
    """The same for calls that tell only of the rows of `tables`, each newest first, which are given the names in the
    address. To a caller whose scope is limited the change log counts, too: the scope may change with it."""

    def tag(view: "PortalView", named: dict[str, Any], reader: tuple[Any, ...]) -> str:
        stands = () if reading().is_all else (revision_tag(freshness()),)
        return rows_tag(tables(view, **named), *stands, *reader)

    return lambda method: _unless(tag, method)


def _unless(tag_of: Callable[[PortalView, dict[str, Any], tuple[Any, ...]], str], method: Method) -> Method:
    @wraps(method)
    def answered(view: PortalView, request: Request, **named: Any) -> Response:
        who = request.user.pk, role(request), reading(), get_language(), request.accepted_renderer.media_type
        tag = tag_of(view, named, (request.get_full_path(), *who))
        given = request.headers.get("If-None-Match", "")
        # “*” means any answer, and whether there is one to give of what the address names is not known here.
        known = is_known(tag, given) and not (named and given.strip() == "*")
        answer: Response = Response(None, 304) if known else method(view, request, **named)
        answer.headers["ETag"] = tag
        return answer

    return cast(Method, answered)


def intent_tag(etag: str) -> str:
    """The part of an ETag that stands for the intent. What we send in answers has the representation behind it, so
    that a cache sees a change of status; a writer only needs the intent to be the one it read."""
    return etag.strip('"').partition("-")[0]
