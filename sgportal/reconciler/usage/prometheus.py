"""Asking a Prometheus what pods and nodes use: a few queries every SGPORTAL_USAGE_SECONDS, of pods only for the
namespaces that have grids."""

from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from ...core.text import Sentence, say
from ...core.usage.measure import NodeSample, PodSample
from ...core.usage.prometheus import NAMESPACES, Sample, node_queries, nodes_of, pod_queries, pods_of, samples_of
from ...models import Grid
from ..process.promql import NoAnswer, instant_query

SECONDS = 20.0  # for each query
MOST_BYTES = 32 * 1024 * 1024  # of an answer: two hundred thousand pods
NO_TOKEN = say("the token for Prometheus cannot be read (SGPORTAL_PROMETHEUS_TOKEN_FILE)")
REFUSED = say("Prometheus refuses the portal: see SGPORTAL_PROMETHEUS_TOKEN_FILE")
NO_METRICS = say(
    "Prometheus has no figures of pods in namespaces with grids: it does not scrape the kubelets' cAdvisor "
    "(container_cpu_usage_seconds_total, container_memory_working_set_bytes)"
)
_SILENT = say("Prometheus does not answer (SGPORTAL_PROMETHEUS_URL): %(message)s")
_WRONG = say("what answers at SGPORTAL_PROMETHEUS_URL is no Prometheus, or in trouble: %(message)s")


class Unmeasured(Exception):
    """Why nothing could be measured: `sentence`."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def measured() -> tuple[list[NodeSample], list[PodSample]]:
    """What nodes and pods use. Raises Unmeasured."""
    headers = _headers()
    namespaces = sorted(set(Grid.objects.order_by().values_list("namespace", flat=True)))
    nodes = list(nodes_of(*(_ask(query, headers) for query in node_queries())))
    pods: list[PodSample] = []
    for begin in range(0, len(namespaces), NAMESPACES):
        queries = pod_queries(namespaces[begin : begin + NAMESPACES])
        pods += pods_of(*(_ask(query, headers) for query in queries))
    if not pods and not nodes:
        raise Unmeasured(NO_METRICS)
    return nodes, pods


def _headers() -> Mapping[str, str]:
    """Those that say who asks; a token is read each time, for it may be renewed."""
    if not settings.SGPORTAL_PROMETHEUS_TOKEN_FILE:
        return {}
    try:
        token = Path(settings.SGPORTAL_PROMETHEUS_TOKEN_FILE).read_text().strip()
        token.encode("ascii")
    except (OSError, ValueError) as error:
        raise Unmeasured(NO_TOKEN) from error
    return {"Authorization": f"Bearer {token}"}


def _ask(query: str, headers: Mapping[str, str]) -> list[Sample]:
    try:
        status, body = instant_query(settings.SGPORTAL_PROMETHEUS_URL, query, SECONDS, MOST_BYTES, headers)
        if status in (401, 403):
            raise Unmeasured(REFUSED)
        if status != 200:
            raise Unmeasured(_WRONG.having(message=f"HTTP {status}"))
        return samples_of(body)
    except NoAnswer as error:
        raise Unmeasured(_SILENT.having(message=str(error)[:200])) from error
    except ValueError as error:
        raise Unmeasured(_WRONG.having(message=str(error)[:200])) from error
