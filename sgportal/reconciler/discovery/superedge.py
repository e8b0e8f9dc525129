"""SuperEdge's own controller: looking whether it runs, and remembering what follows for us.

`look` asks the cluster and touches no row; `note` writes what was seen and stops our writes at once where that
controller runs. The rules are in `core.superedge`.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ...cluster import DEFINITIONS, Cluster, Refused
from ...core.superedge.controller import (
    CONTROLLER,
    MANAGING,
    NAMESPACES,
    READ_ONLY,
    Facts,
    Lock,
    Verdict,
    Workload,
    idle_since,
    judge,
    last_write,
    mode_after,
)
from ...core.superedge.crds import Definition, described
from ...models import AuditEvent, ManagementMode
from ..cache.enqueue import enqueue_all
from ..queue import change_log

log = logging.getLogger(__name__)
JOURNAL_KEY = "superedge"
_LEADER = "control-plane.alpha.kubernetes.io/leader"  # the annotation of a lock that is no Lease (client-go)


@dataclass(frozen=True, slots=True)
class ControllerObservation:
    """What one look saw: the cluster's version, the definitions of the grids, and of SuperEdge's controller its
    Deployments and its leader locks."""

    version: str
    definitions: tuple[Definition, ...]
    workloads: tuple[Workload, ...]
    locks: tuple[Lock, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether that controller runs, by this look alone."""
        return judge(Facts(self.workloads, self.locks), timezone.now().timestamp())


def look(cluster: Cluster) -> ControllerObservation:
    """Look once; about a dozen requests. What we are not allowed to see is no evidence. Raises ClusterError."""
    deployments = cluster.list("Deployment", field_selector=f"metadata.name={CONTROLLER}").items
    workloads = tuple(_workload(each) for each in deployments)
    namespaces = sorted({*NAMESPACES, *(each.namespace for each in workloads)})
    places = [(kind, namespace) for kind in ("Lease", "Endpoints", "ConfigMap") for namespace in namespaces]
    locks = tuple(lock for kind, namespace in places if (lock := _lock(cluster, kind, namespace)))
    definitions = tuple(_definition(cluster, each) for each in DEFINITIONS)
    version = cluster.version()
    cluster.confirm()  # else what is said of another cluster would change who writes to this one
    return ControllerObservation(version, definitions, workloads, locks)


def _workload(body: Mapping[str, Any]) -> Workload:
    ready = (body.get("status") or {}).get("readyReplicas") or 0
    return Workload(body["metadata"]["namespace"], body["spec"].get("replicas", 1), ready)


def _lock(cluster: Cluster, kind: str, namespace: str) -> Lock | None:
    try:
        body = cluster.get(kind, namespace, CONTROLLER)
    except Refused as error:
        log.debug("%s %s/%s cannot be looked at: %s", kind, namespace, CONTROLLER, error)
        return None
    renewed = _renewed(kind, body) if body else None
    return Lock(kind, namespace, renewed.timestamp()) if renewed else None


def _renewed(kind: str, body: Mapping[str, Any]) -> datetime | None:
    if kind == "Lease":
        record = body.get("spec") or {}
    else:
        text = (body["metadata"].get("annotations") or {}).get(_LEADER) or "{}"
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:  # somebody else's annotation of that name: no lock
            return None
    held = isinstance(record, dict) and record.get("holderIdentity")
    return _time(str(record.get("renewTime") or "")) if held else None


def _definition(cluster: Cluster, ours: Mapping[str, Any]) -> Definition:
    kind, name = ours["spec"]["names"]["kind"], ours["metadata"]["name"]
    return described(kind, name, cluster.get("CustomResourceDefinition", "", name))


def latest_write(bodies: Iterable[Mapping[str, Any] | None]) -> float | None:
    """When SuperEdge's controller last wrote to one of these objects, epoch seconds; None where it never did."""
    latest = max((last_write(body["metadata"]) for body in bodies if body), default="")
    when = _time(latest)
    return when.timestamp() if when else None


def _time(text: str) -> datetime | None:
    try:
        found = parse_datetime(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None


def note(sight: ControllerObservation, wrote: float | None = None) -> Verdict:
    """Remember what was seen, `wrote` being a write of that controller's we came across (epoch seconds), and stop our
    writes where it runs. Within a transaction, or on its own."""
    row, now = ManagementMode.now(), timezone.now()
    facts = _facts(row, sight, wrote, now.timestamp())
    verdict = judge(facts, now.timestamp())
    seen = {
        "running": verdict.running,
        "evidence": [each.to_json() for each in verdict.evidence],
        "cure": list(verdict.cure),
        "version": sight.version,
        "definitions": [_definition_json(each) for each in sight.definitions],
    }
    told = any(getattr(row, name) != value for name, value in seen.items())
    ManagementMode.change(**seen, facts=_facts_json(facts, sight), looked_at=now)
    mode, forced = mode_after(row.mode, row.forced, verdict.running)  # type: ignore[arg-type]
    if mode != row.mode:
        decide(READ_ONLY, "")
    elif forced != row.forced:
        ManagementMode.change(forced=forced)
    if told:
        change_log.record("cluster", [JOURNAL_KEY])
    return verdict


def _facts(row: ManagementMode, sight: ControllerObservation, wrote: float | None, now: float) -> Facts:
    known = row.facts
    before = {(kind, namespace): renewed for kind, namespace, renewed in known.get("locks", [])}
    latest = max((each for each in (wrote, known.get("wrote")) if each is not None), default=None)
    return Facts(
        sight.workloads, sight.locks, before, latest, idle_since(sight.workloads, known.get("idle_since"), now)
    )


def _facts_json(facts: Facts, sight: ControllerObservation) -> dict[str, Any]:
    return {
        "locks": [[lock.kind, lock.namespace, lock.renewed] for lock in sight.locks],
        "workloads": [[each.namespace, each.wanted, each.ready] for each in sight.workloads],
        "wrote": facts.wrote,
        "idle_since": facts.idle_since,
    }


def _definition_json(each: Definition) -> dict[str, Any]:
    findings = [finding.to_json() for finding in each.findings]
    return {
        "kind": each.kind,
        "name": each.name,
        "maker": each.maker,
        "status": each.has_status,
        "findings": findings,
    }


def workloads_of(row: ManagementMode) -> list[Workload]:
    """The Deployments of SuperEdge's controller as of the last look."""
    return [Workload(*each) for each in row.facts.get("workloads", [])]


def decide(mode: str, by: str, forced: bool = False) -> None:
    """Set who writes from now on: `by` is a user's name, "" for the portal itself. Where it is we, all grids are
    woken."""
    before = ManagementMode.now()
    ManagementMode.change(mode=mode, since=timezone.now(), decided_by=by, forced=forced)
    if not by:
        state = {"before": {"mode": before.mode}, "after": {"mode": mode}}
        AuditEvent.objects.create(actor="sgportal", door="cluster", verb="stop", path="cluster", **state)
        log.warning("SuperEdge's controller runs: nothing more is written to the cluster")
    change_log.record("cluster", [JOURNAL_KEY])
    if mode == MANAGING:
        enqueue_all()
