"""What a person asked for on the cluster as a whole, done by a worker: handing the grids back to SuperEdge, and putting
our definitions in the place of SuperEdge's. Both may be cut short and begun again."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

from django.utils import timezone

from ..cluster import Cluster, ClusterError, Throttled, Unreachable, upgrade_crds
from ..core.names import MANAGED_BY, SLICE_MANAGER
from ..core.plans.plan import plan
from ..core.superedge.controller import MANAGING, READ_ONLY, handed_back, harmless, lacks_hash
from ..core.text import Sentence, say
from ..core.timestamps import rfc3339
from ..core.traffic.closure import UNKNOWN
from ..models import Grid, ManagementMode
from ..queries.takeover import grids_handed_back
from .discovery import superedge
from .grids.observation.observation import observe
from .grids.writes.apply import apply_steps, raise_first
from .process import connection
from .process.connection import map_parallel
from .queue import change_log, workqueue

log = logging.getLogger(__name__)
KIND = "cluster"  # of the work keys
HAND_BACK = "hand-back"
DEFINITIONS = "definitions"
NAMED = 5


def ask(name: str, by: str) -> None:
    """Have a task done: HAND_BACK or DEFINITIONS, for a user."""
    ManagementMode.change(
        task={"name": name, "state": "pending", "by": by, "at": rfc3339(timezone.now()), "lines": [], "commands": []}
    )
    workqueue.enqueue([f"{KIND}/{name}"], urgent=True)
    change_log.record("cluster", [superedge.JOURNAL_KEY])


def run(name: str) -> None:
    """Do a task that was asked for and is not done. Raises Unreachable or Throttled, to be tried again."""
    task = ManagementMode.now().task
    if task.get("name") != name or task.get("state") != "pending":
        return
    try:
        lines, commands = _hand_back(task["by"]) if name == HAND_BACK else _upgrade(), []
        if name == HAND_BACK:
            commands = _commands()
        state = "done"
    except (Unreachable, Throttled):
        raise
    except ClusterError as error:
        log.warning("%s: %s", name, error)
        state, lines, commands = "failed", [say("the cluster refuses: %(message)s", message=str(error))], []
        if name == HAND_BACK:
            superedge.decide(MANAGING, task["by"])
    said = [each.to_json() for each in lines]
    ManagementMode.change(
        task={**task, "state": state, "at": rfc3339(timezone.now()), "lines": said, "commands": commands}
    )
    change_log.record("cluster", [superedge.JOURNAL_KEY])


def _hand_back(by: str) -> list[Sentence]:
    """Leave every child as SuperEdge would make it, then write no more; what a person should know. Our EndpointSlices
    go only once each Service has its selector back, from which Kubernetes makes its own."""
    cluster = connection.handing_back()
    grids = grids_handed_back()
    for grid in grids:
        _restore(grid, cluster)
    chosen = cluster.list("EndpointSlice", label_selector=f"{MANAGED_BY}={SLICE_MANAGER}", metadata_only=True).items
    places = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in chosen]
    map_parallel(lambda place: cluster.delete("EndpointSlice", *place), places)
    superedge.decide(READ_ONLY, by)
    return _advice(grids)


def _restore(grid: Grid, cluster: Cluster) -> None:
    """Make a grid's children what SuperEdge would by the fields it knows; it closes by an annotation."""
    spec = handed_back(grid.source())
    if spec is None:
        return
    seen = replace(observe(grid, spec, None, cluster), can=UNKNOWN)
    raise_first(apply_steps(harmless(plan(spec, seen.world()).steps), cluster, threading.Event()))


def _advice(grids: Sequence[Grid]) -> list[Sentence]:
    found = [say("writes to the cluster are stopped; start SuperEdge's controller when you are ready")]
    rolling = [grid.path for grid in grids if grid.kind != "ServiceGrid" and lacks_hash(grid.spec)]
    if rolling:
        found.append(
            say(
                "SuperEdge writes its own label into each grid that has none, which restarts the pods of these once: "
                "%(grids)s",
                grids=_listed(rolling),
            )
        )
    closing = [grid.path for grid in grids if "closure" in grid.spec]
    if closing:
        found.append(
            say("SuperEdge does not support spec.closure and its CRDs drop it: %(grids)s", grids=_listed(closing))
        )
    found.append(say("it also replaces the portal's CRDs with its own within a minute of its start"))
    return found


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" … (+{rest})" if rest > 0 else "")


def _commands() -> list[str]:
    """How to start SuperEdge's controller again, where we know its Deployment."""
    return [each.scale(max(1, each.wanted)) for each in superedge.workloads_of(ManagementMode.now())]


def _upgrade() -> list[Sentence]:
    """Put our definitions there, with every grid kept; what a person should know."""
    cluster = connection.cluster()
    verdict = superedge.note(superedge.look(connection.reading()))
    if verdict.running:
        return [say("SuperEdge's controller runs again and would undo it within a minute; nothing was changed")]
    lost = [f"{kind} {place}" for kind, places in upgrade_crds(cluster).items() for place in places]
    superedge.note(superedge.look(connection.reading()))
    workqueue.enqueue([grid.path for grid in Grid.objects.only("kind", "namespace", "name")], urgent=True)
    if lost:
        return [say("these grids were deleted in the meantime: %(grids)s", grids=_listed(lost))]
    return [say("the portal's CRDs are installed; all grids are kept")]
