"""When spans are made and where they go: the standard variables of OpenTelemetry's SDK say so, and no setting of ours.

Whoever forks begins in the child: the thread that sends does not survive a fork, and a span must not be sent twice.
"""

import atexit
import importlib.util
import logging
import os
import threading
from typing import Any

from . import spans

log = logging.getLogger(__name__)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
NEEDED = "opentelemetry.exporter.otlp.proto.http"
END_SECONDS = 2.0  # for what is still to be sent when a process ends; a collector that is away must not hold it up
_begun: dict[int, Any] = {}  # the provider of this process, by its number: that of a parent is none of ours


def begin(process: str, cluster: str = "") -> None:
    """Send spans from now on, as `sgportal-<process>`, where a collector is named; once for each process, however often
    it is called. What cannot be used is said in the log, and the process works on without."""
    if os.getpid() in _begun or not _is_wanted():
        return
    _begun.clear()
    asked = next((os.environ[each] for each in PROTOCOLS if os.environ.get(each)), SPOKEN)
    if asked != SPOKEN:
        log.error("traces are sent as %s, not as %s: no trace is sent", SPOKEN, asked)
        return
    if not _is_installed():
        log.error("a collector is named, but OpenTelemetry is not installed: pip install 'sgportal[otel]'")
        return
    _begun[os.getpid()] = provider = _provider(process, cluster)
    spans.use(provider.get_tracer("sgportal"))
    atexit.register(end)
    log.info("traces are sent")


def end() -> None:
    """Make no more spans, and send what is left, within a moment."""
    spans.use(None)
    if provider := _begun.pop(os.getpid(), None):
        last = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        last.start()
        last.join(END_SECONDS)


def _is_wanted() -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(os.environ.get(each) for each in ENDPOINTS)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(NEEDED) is not None
    except ModuleNotFoundError:  # one of the packages that it is in
        return False


def _provider(process: str, cluster: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from ..version import VERSION

    told: dict[str, Any] = {"service.version": VERSION, "process.pid": os.getpid()}
    if "OTEL_SERVICE_NAME" not in os.environ and "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        told["service.name"] = f"sgportal-{process}"
    if cluster:
        told["k8s.cluster.name"] = cluster
    provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
