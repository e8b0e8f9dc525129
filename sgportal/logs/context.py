"""What a line of the log belongs to: the process, the request and who sent it, the piece of work a worker is at."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from django.http import HttpRequest
from django.utils.functional import LazyObject, empty

from .. import tracing
from .request_id import request_id

Given = ParamSpec("Given")
Result = TypeVar("Result")
NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default=NOTHING)
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_process: dict[str, str] = {}


def name_process(name: str) -> None:
    """Say which process of ours this is: web, worker, watch, keeper, or demo, which is all of them: it says so first,
    and keeps that name."""
    _process.setdefault("process", name)


def name_cluster(name: str) -> None:
    """Say which cluster the process is told to manage: its name, or how it is reached where it has none."""
    _process["cluster"] = name


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Within this every line carries these fields, too; one that is "" is left out."""
    before = _bound.set({**_bound.get(), **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _bound.reset(before)


@contextmanager
def within_request(request: HttpRequest) -> Iterator[None]:
    """Within this every line carries the id of a request, and who sent it as soon as that is known."""
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)


def request_of_this_work() -> str:
    """The id of the request that is answered, or that led to the work at hand; "" for neither."""
    request = _request.get()
    return request_id(request) if request is not None else _bound.get().get("requestId", "")


def carried(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """A function for other threads, where it is part of what is at hand now: its lines of the log carry the same
    fields, and it is within the same span and the same scope."""
    here = copy_context()

    def within(*args: Given.args, **named: Given.kwargs) -> Result:
        return here.copy().run(function, *args, **named)  # several threads cannot be in one context at a time

    return within


def fields() -> dict[str, str]:
    """What a line that is written now carries."""
    found = dict(_process)
    request = _request.get()
    if request is not None:
        found["requestId"] = request_id(request)
        if user := _user(request):
            found["user"] = user
    return {**found, **_bound.get(), **tracing.ids()}


def _user(request: HttpRequest) -> str:
    """Who sent a request, where that was already asked: a line of the log must not lead to a query."""
    user: Any = request.__dict__.get("user")
    if user is None or (isinstance(user, LazyObject) and user.__dict__.get("_wrapped") is empty):
        return ""
    return str(user.get_username())
