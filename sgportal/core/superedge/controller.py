"""SuperEdge's own application-grid-controller beside ours: whether it runs, who may write then, what its definitions
lack. Two controllers for the same grids would undo each other's work, and SuperEdge's deletes what it does not expect.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..grids.grid import GridSpec, parse
from ..plans.plan import Step
from ..text import Invalid, Sentence, say

Mode = Literal["managing", "read-only", "handing-back"]
MANAGING: Mode = "managing"
READ_ONLY: Mode = "read-only"
HANDING_BACK: Mode = "handing-back"

# Its Deployment, its lock and its field manager all bear this name (SuperEdge: application-grid-controller).
CONTROLLER = "application-grid-controller"
# Where its manifests put it, and where its lock is by default.
NAMESPACES = ("edge-system", "kube-system")
# It writes this label into the user's own grid, from where it gets into child and pods. Foreign data: never stripped.
HASH_LABEL = "superedge.io/template-hash-key"
# The fields of a grid's spec in SuperEdge's own types (pkg/application-grid-controller/apis/superedge.io/v1).
_ITS_FIELDS = (
    "gridUniqKey",
    "template",
    "templatePool",
    "templates",
    "defaultTemplateName",
    "autoDeleteUnusedTemplate",
)
_ASK_FOR_NO_WRITE = ("ignoreDifferences",)
LOCK_SECONDS = 60.0  # a lock renewed within this time is held; SuperEdge renews every 2 s
WRITE_SECONDS = 180.0  # a write within this time is recent
_AFTERMATH_SECONDS = 5.0  # what it still had under way when it was stopped


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment of its name: how many replicas are wanted, and how many ready."""

    namespace: str
    wanted: int
    ready: int

    @property
    def runs(self) -> bool:
        """Whether it has pods, or will have. One that crashes and comes back runs as well: in between it writes."""
        return self.wanted > 0 or self.ready > 0

    def scale(self, replicas: int) -> str:
        """The command that scales it."""
        return f"kubectl --namespace {self.namespace} scale deployment {CONTROLLER} --replicas={replicas}"


@dataclass(frozen=True, slots=True)
class Lock:
    """A leader lock of its name: the `kind` that holds it (Lease, Endpoints, ConfigMap) and when it was last renewed,
    epoch seconds by the clock of its holder."""

    kind: str
    namespace: str
    renewed: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen of SuperEdge's controller. `renewed_before` is what `locks` said at the look before, by (kind,
    namespace); `wrote` is its latest known write and `idle_since` when its Deployment was first seen without replicas
    (both epoch seconds, None: never)."""

    workloads: Sequence[Workload] = ()
    locks: Sequence[Lock] = ()
    renewed_before: Mapping[tuple[str, str], float] | None = None
    wrote: float | None = None
    idle_since: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether SuperEdge's controller runs, by what, and the commands that stop it."""

    running: bool
    evidence: tuple[Sentence, ...] = ()
    cure: tuple[str, ...] = ()


def judge(facts: Facts, now: float) -> Verdict:
    """Whether SuperEdge's controller runs: by its Deployment, by a lock that is held, or by what it wrote lately."""
    evidence = [*_by_workloads(facts), *_by_locks(facts, now), *_by_writes(facts, now)]
    if not evidence:
        return Verdict(False)
    return Verdict(True, tuple(evidence), tuple(each.scale(0) for each in facts.workloads if each.runs))


def _by_workloads(facts: Facts) -> Iterator[Sentence]:
    for each in facts.workloads:
        if each.runs:
            yield say(
                "Deployment %(namespace)s/%(name)s: %(ready)s of %(wanted)s replicas are ready",
                namespace=each.namespace,
                name=CONTROLLER,
                wanted=each.wanted,
                ready=each.ready,
            )


def _by_locks(facts: Facts, now: float) -> Iterator[Sentence]:
    """A lock counts as held where it was renewed lately or, as clocks differ, since the look before. SuperEdge does not
    release it when it is stopped."""
    before = facts.renewed_before or {}
    for lock in facts.locks:
        if _is_past(lock.renewed, facts.idle_since):
            continue
        earlier = before.get((lock.kind, lock.namespace))
        if abs(now - lock.renewed) < LOCK_SECONDS or (earlier is not None and lock.renewed > earlier):
            yield say(
                "its leader lock %(kind)s %(namespace)s/%(name)s is being renewed",
                kind=lock.kind,
                namespace=lock.namespace,
                name=CONTROLLER,
            )


def _by_writes(facts: Facts, now: float) -> Iterator[Sentence]:
    if facts.wrote is None or now - facts.wrote > WRITE_SECONDS:
        return
    if not _is_past(facts.wrote, facts.idle_since):
        yield say("it wrote to grids or their children within the last %(seconds)s seconds", seconds=int(WRITE_SECONDS))


def _is_past(when: float, idle: float | None) -> bool:
    """Whether it was before its Deployment was scaled to nothing, and so proves nothing about now."""
    return idle is not None and when <= idle + _AFTERMATH_SECONDS


def idle_since(workloads: Sequence[Workload], before: float | None, now: float) -> float | None:
    """Since when its Deployment has had no replicas, as far as we have looked; None while it has, or where there is
    none to tell by."""
    if not workloads or any(each.runs for each in workloads):
        return None
    return before if before is not None else now


def mode_after(mode: Mode, forced: bool, running: bool) -> tuple[Mode, bool]:
    """Who writes once it is known whether SuperEdge's controller runs, and whether that is still against its presence.

    Where it runs we stop writing at once, unless a person forced the take-over. That it no longer runs changes
    nothing by itself: a person takes over.
    """
    if mode == MANAGING and running and not forced:
        return READ_ONLY, False
    return mode, forced and running


def last_write(metadata: Mapping[str, Any]) -> str:
    """When SuperEdge's controller last wrote to an object (RFC 3339, so that the greater text is the later time), ""
    where it never did, by `metadata.managedFields`."""
    return max((str(entry.get("time") or "") for entry in its_entries(metadata)), default="")


def its_entries(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of `metadata.managedFields` that are its."""
    return [entry for entry in metadata.get("managedFields") or () if entry.get("manager") == CONTROLLER]


def without_its_entries(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """`metadata.managedFields` without its entries, except for those of subresources."""
    its = [entry for entry in its_entries(metadata) if not entry.get("subresource")]
    return [entry for entry in metadata.get("managedFields") or () if entry not in its]


def restarting(steps: Iterable[Step]) -> list[Step]:
    """The steps that would end pods which run now: a change of the pod template, fewer replicas, a deletion."""
    return [step for step in steps if step.kind != "Service" and (step.verb == "delete" or _restarts(step))]


def _restarts(step: Step) -> bool:
    return step.verb in ("update", "adopt") and any(
        change.path.startswith("/spec/template") or (change.path == "/spec/replicas" and change.new < (change.old or 0))
        for change in step.changes
    )


def known_to_it(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What of a grid's spec SuperEdge's controller goes by, and what asks for no write."""
    return {name: value for name, value in spec.items() if name in (*_ITS_FIELDS, *_ASK_FOR_NO_WRITE)}


def handed_back(source: Mapping[str, Any]) -> GridSpec | None:
    """A grid as SuperEdge's controller goes by it; None where it is invalid to us and was left as it was."""
    try:
        parse(source)
        return parse({**source, "spec": known_to_it(source["spec"])})
    except Invalid:
        return None


def harmless(steps: Iterable[Step]) -> list[Step]:
    """The steps by which children are left as SuperEdge would make them: none creates, deletes or restarts."""
    return [step for step in steps if step.verb in ("update", "adopt") and not restarting([step])]


def lacks_hash(spec: Mapping[str, Any]) -> bool:
    """Whether SuperEdge's controller would still write its label into a grid, and so restart its pods once."""
    templates = [spec.get("template"), *(spec.get("templatePool") or {}).values()]
    return any(HASH_LABEL not in _pod_labels(each) for each in templates if isinstance(each, Mapping))


def _pod_labels(template: Mapping[str, Any]) -> Collection[str]:
    metadata = (template.get("template") or {}).get("metadata") or {}
    return metadata.get("labels") or {}
