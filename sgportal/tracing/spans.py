"""A span, what it follows from, and what carries that to where the work goes on.

Of an error a span has the class and never the text, which may quote a secret; of an address no query.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from . import statements

Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
Value = str | int | float | bool | list[str]
_TRACEPARENT = "traceparent"  # W3C Trace Context
_MOST = 100  # characters of what came as one: it has 55
_tracer: Any = None
_within: ContextVar[Any] = ContextVar("span", default=None)  # the span at hand
_brought: ContextVar[str] = ContextVar("brought", default="")


class Span:
    """What is being timed; nothing where no trace is made."""

    def __init__(self, of: Any = None) -> None:
        self._of = of

    def note(self, **attributes: Value) -> None:
        """Add attributes; "__" in a name stands for a dot."""
        if self._of is not None:
            self._of.set_attributes({name.replace("__", "."): value for name, value in attributes.items()})

    def rename(self, name: str) -> None:
        """Give it another name, as soon as a better one is known."""
        if self._of is not None:
            self._of.update_name(name)

    def fail(self, kind: str) -> None:
        """Say that it went wrong, by the class of an error or a status."""
        if self._of is not None:
            from opentelemetry.trace import StatusCode

            self._of.set_status(StatusCode.ERROR)
            self._of.set_attribute("error.type", kind)


NOTHING = Span()


def use(tracer: Any) -> None:
    """Make spans by this tracer of OpenTelemetry's from now on; None: none."""
    global _tracer
    _tracer = tracer


def is_on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


@contextmanager
def span(
    name: str, kind: Kind = "INTERNAL", *, parent: str = "", link: str = "", root: bool = False, **attributes: Value
) -> Iterator[Span]:
    """Time what happens within. `parent` and `link` are what `carrier` gave elsewhere: what this is part of, and what
    it was begun for together with other things. Without `parent` it is part of the span at hand, and where there is
    none it begins a trace if it is `root` and is no span otherwise. "__" in the name of an attribute is a dot."""
    if _tracer is None or not (root or _within.get() is not None):
        yield NOTHING
        return
    from opentelemetry import trace

    links = [trace.Link(found)] if (found := _context_of(link)) else []
    context = trace.set_span_in_context(trace.NonRecordingSpan(of)) if (of := _context_of(parent)) else None
    named = {each.replace("__", "."): value for each, value in attributes.items()}
    made = _tracer.start_span(name, context, trace.SpanKind[kind], named, links)
    before, shown = _within.set(made), Span(made)
    use = trace.use_span(made, end_on_exit=True, record_exception=False, set_status_on_exception=False)
    with use, statements.counted() as sql:
        try:
            yield shown
        except BaseException as error:
            shown.fail(type(error).__name__)
            raise
        finally:
            if sql.count:
                shown.note(sgportal__sql__statements=sql.count, sgportal__sql__seconds=round(sql.seconds, 6))
            _within.reset(before)


def carrier() -> str:
    """What names the span at hand elsewhere, as W3C's `traceparent`; "" where there is none."""
    if _tracer is None or _within.get() is None:
        return ""
    said = _within.get().get_span_context()
    return f"00-{said.trace_id:032x}-{said.span_id:016x}-{said.trace_flags:02x}"


@contextmanager
def brought_by(text: str) -> Iterator[None]:
    """Within this, work was brought by a message with this `carrier`, which came from outside."""
    before = _brought.set(text)
    try:
        yield
    finally:
        _brought.reset(before)


def brought() -> str:
    """The `carrier` of the message that brought the work at hand; "" for none."""
    return _brought.get()


def headers() -> dict[str, str]:
    """The headers of a request that is part of the span at hand."""
    return {_TRACEPARENT: said} if (said := carrier()) else {}


def ids() -> Mapping[str, str]:
    """Which trace and which span a line of the log belongs to, as its fields."""
    if _tracer is None or _within.get() is None:
        return {}
    said = _within.get().get_span_context()
    return {"traceId": f"{said.trace_id:032x}", "spanId": f"{said.span_id:016x}"}


def _context_of(text: str) -> Any:
    """The span that a `traceparent` names; None for what is none: it came from outside."""
    if not text or len(text) > _MOST:
        return None
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found = trace.get_current_span(TraceContextTextMapPropagator().extract({_TRACEPARENT: text}, context.Context()))
    said = found.get_span_context()
    return said if said.is_valid else None
