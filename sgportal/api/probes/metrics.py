"""Numbers for Prometheus, counted from rows when they are asked for."""

from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings
from django.db.models import Count, Sum
from django.http import HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework import renderers
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request

from ...core.fleet.halt import REASONS
from ...core.fleet.held import KINDS
from ...core.grids.kinds import KINDS as GRID_KINDS
from ...core.health import WORKLOAD_STATES
from ...models import Grid, GridUnit, ManagedCluster, Node, ResourceSync, WorkKey
from ...models.scopes.current import everything
from ...queries.held import held_counts
from ...reconciler.process import heartbeat
from ...reconciler.process.lease import unattended_shards
from ...version import VERSION
from ..events.seats import Seat
from ..http.auth import RolePermission
from ..views import PortalView


class Portal(Collector):
    """What the portal knows of itself and of the cluster."""

    def collect(self) -> Iterator[Metric]:
        """Each number, by one query per family."""
        yield _gauge("sgportal_info", "The version.", ["version"], [((VERSION,), 1)])
        yield _cluster()
        yield _gauge("sgportal_streams", "Open event streams of this process.", [], [((), Seat.taken())])
        yield _grids()
        yield _units()
        yield _closure()
        yield from _decisions()
        yield from _others()
        yield from _processes()
        yield _shards()
        yield from _keepers()
        yield from _pods()
        nodes = Node.objects.values_list("ready").annotate(n=Count("pk")).order_by()
        yield _gauge("sgportal_nodes", "Nodes by readiness.", ["ready"], [((ready,), n) for ready, n in nodes])
        yield from _work()
        yield from _mirror()


def _gauge(name: str, text: str, labels: list[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _cluster() -> Metric:
    """By which other numbers are joined with the cluster's name: a label of each would be another series whenever it
    changes."""
    told = (settings.SGPORTAL_CLUSTER_NAME, ManagedCluster.now().uid)
    return _gauge("sgportal_cluster_info", "The cluster that the portal manages.", ["name", "uid"], [(told, 1)])


def _grids() -> Metric:
    rows = Grid.objects.values_list("kind", "state").annotate(n=Count("pk")).order_by()
    return _by_state("sgportal_grids", "Grids by kind and state.", rows)


def _units() -> Metric:
    rows = GridUnit.objects.exclude(name="").values_list("grid__kind", "state").annotate(n=Count("pk")).order_by()
    return _by_state("sgportal_grid_units", "What the grids have in NodeUnits, by kind of grid and state.", rows)


def _by_state(name: str, text: str, rows: Iterable[tuple[str, str, int]]) -> Metric:
    """Every state of every kind, 0 where there is none, so that an alert finds the number that it asks for."""
    counts: dict[tuple[str, str], int] = {(kind, state): 0 for kind in GRID_KINDS for state in WORKLOAD_STATES}
    counts |= {(kind, state): number for kind, state, number in rows}
    return _gauge(name, text, ["kind", "state"], counts.items())


def _closure() -> Metric:
    rows = Grid.objects.filter(kind="ServiceGrid").values_list("namespace", "name", "status__nodes")
    values = [((space, name, state), n) for space, name, nodes in rows for state, n in (nodes or {}).items()]
    text = "Nodes by what they reach of a ServiceGrid's Service."
    return _gauge("sgportal_closure_nodes", text, ["namespace", "servicegrid", "state"], values)


def _decisions() -> Iterator[Metric]:
    reason = ManagedCluster.now().halt
    text = "1 while nothing is written to the cluster until a person decides, by reason."
    yield _gauge("sgportal_halted", text, ["reason"], [((each,), float(each == reason)) for each in REASONS])
    counts = held_counts()
    waiting = [((kind,), float(counts.get(kind, 0))) for kind in KINDS]
    yield _gauge(
        "sgportal_decisions_waiting",
        "Grids and workloads for which a person has to decide, by kind.",
        ["kind"],
        waiting,
    )


def _others() -> Iterator[Metric]:
    """What others write for closed Services, and read of them."""
    columns = ("namespace", "name", "status__foreignSlices", "readers__count")
    rows = list(Grid.objects.filter(kind="ServiceGrid").values_list(*columns))
    labels = ["namespace", "servicegrid"]
    text = "EndpointSlices that count to a closed Service and that the portal did not write."
    slices = [((space, name), count or 0) for space, name, count, _ in rows]
    yield _gauge("sgportal_closure_foreign_slices", text, labels, slices)
    text = "Ingresses, routes and monitors that have something read a closed Service's EndpointSlices past kube-proxy."
    yield _gauge("sgportal_closure_other_readers", text, labels, [((each[0], each[1]), each[3] or 0) for each in rows])


def _processes() -> Iterator[Metric]:
    """Which processes live; a kind of which none lives is 0, to be alarmed at."""
    living = [((kind,), n) for kind, n in heartbeat.count().items()]
    yield _gauge("sgportal_processes", "Living processes by kind.", ["kind"], living)
    states = [((state,), n) for state, n in heartbeat.broker()["states"].items()]
    yield _gauge("sgportal_workers_broker", "Living workers by what they find of the broker.", ["state"], states)


def _shards() -> Metric:
    """Of what is divided, or may be, the shards for which nobody acts."""
    text = "Shards, or the whole, that no process acts for, by kind of process."
    return _gauge(
        "sgportal_shards_unattended", text, ["kind"], [((kind,), n) for kind, n in unattended_shards().items()]
    )


def _keepers() -> Iterator[Metric]:
    """What each living keeper had counted at its last sign of life; those that wait for their turn count nothing."""
    rows = heartbeat.living().filter(kind="keeper").values_list("name", "figures")
    label = ["process"]
    kept = GaugeMetricFamily("sgportal_keeper_services", "Services whose EndpointSlices it keeps.", labels=label)
    written = CounterMetricFamily("sgportal_keeper_slices_written", "EndpointSlices it wrote.", labels=label)
    failed = CounterMetricFamily("sgportal_keeper_failures", "Jobs it has to try again.", labels=label)
    delays = HistogramMetricFamily(
        "sgportal_keeper_delay_seconds", "From the news to the written EndpointSlices of a Service.", labels=label
    )
    for name, figures in rows.exclude(figures={}):
        kept.add_metric([name], figures["kept"])
        written.add_metric([name], figures["written"])
        failed.add_metric([name], figures["failed"])
        delays.add_metric([name], figures["delays"], figures["seconds"])
    yield from (kept, written, failed, delays)


def _pods() -> Iterator[Metric]:
    rows = list(GridUnit.objects.values_list("grid__key").annotate(Sum("desired"), Sum("ready")).order_by())
    wanted = [((key,), desired) for key, desired, _ in rows]
    yield _gauge("sgportal_pods_desired", "Pods wanted, by NodeGroup.", ["group"], wanted)
    yield _gauge("sgportal_pods_ready", "Pods ready, by NodeGroup.", ["group"], [((key,), n) for key, _, n in rows])


def _work() -> Iterator[Metric]:
    due, failing = WorkKey.objects.due().count(), WorkKey.objects.filter(failures__gt=0).count()
    yield _gauge("sgportal_work_due", "Keys with something to do now.", [], [((), due)])
    oldest = WorkKey.objects.oldest_seconds()
    yield _gauge("sgportal_work_oldest_seconds", "How long the oldest of these keys has waited.", [], [((), oldest)])
    yield _gauge("sgportal_work_failing", "Keys whose last try failed.", [], [((), failing)])


def _mirror() -> Iterator[Metric]:
    now = timezone.now()
    rows = list(ResourceSync.objects.filter(served=True))
    divided = any(" " in row.resource for row in rows)
    labels = ["resource", *(["shard"] if divided else [])]
    named = [(row.resource.partition(" ")[:: 2 if divided else 3], row) for row in rows]
    ages = [(names, (now - row.heard_at).total_seconds()) for names, row in named if row.heard_at]
    yield _gauge("sgportal_mirror_age_seconds", "Since the cluster was last heard.", labels, ages)
    failing = [(names, float(row.failing_since is not None)) for names, row in named]
    yield _gauge("sgportal_mirror_failing", "1 while the cluster cannot be reached.", labels, failing)


class TextRenderer(renderers.BaseRenderer):
    """`text/plain`; it only takes part in content negotiation."""

    media_type = "text/plain"
    format = "text"


class Metrics(PortalView):
    """Prometheus metrics: with a token of any role, or for everybody with SGPORTAL_METRICS_OPEN."""

    renderer_classes = (TextRenderer,)

    def get_permissions(self) -> list[BasePermission]:
        """Who may read."""
        return [AllowAny() if settings.SGPORTAL_METRICS_OPEN else RolePermission()]

    def keep_to_scope(self, request: Request) -> None:
        """They are of the whole cluster: not for callers whose role is limited to a scope."""
        if not settings.SGPORTAL_METRICS_OPEN:
            super().keep_to_scope(request)

    def get(self, _request: Request) -> HttpResponse:
        """The numbers in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(Portal())
        with everything():
            text = generate_latest(registry)
        return HttpResponse(text, "text/plain; version=0.0.4; charset=utf-8")
