"""Traces: which request led to which work, and how long each part of it took, sent to an OpenTelemetry collector.

On where the standard variables name a collector (`setup`) and the extra `otel` is installed; otherwise nothing of
OpenTelemetry is imported, and every function here returns at once. Any floor may use it; it knows nothing of ours.
"""

from .setup import begin, end
from .spans import NOTHING, Span, brought, brought_by, carrier, headers, ids, is_on, span
from .statements import timed

__all__ = [
    "NOTHING",
    "Span",
    "begin",
    "brought",
    "brought_by",
    "carrier",
    "end",
    "headers",
    "ids",
    "is_on",
    "span",
    "timed",
]
