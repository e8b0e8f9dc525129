"""The columns of lists about grids and pods as CSV."""

from ..page.export import Columns

GRIDS: Columns = {
    "kind": lambda grid: grid.kind,
    "namespace": lambda grid: grid.namespace,
    "name": lambda grid: grid.name,
    "gridUniqKey": lambda grid: grid.key,
    "state": lambda grid: grid.state,
    "units": lambda grid: grid.unit_count,
    "readyUnits": lambda grid: grid.ready_units,
    "podsDesired": lambda grid: grid.pods_desired,
    "podsReady": lambda grid: grid.pods_ready,
    "revision": lambda grid: grid.generation,
}
GROUPS: Columns = {
    "namespace": lambda group: group.namespace,
    "name": lambda group: group.name,
    "gridUniqKey": lambda group: group.key,
    "grids": lambda group: group.size,
    "readyGrids": lambda group: group.ready,
}
UNITS: Columns = {
    "unit": lambda cell: cell.name,
    "state": lambda cell: cell.state,
    "reason": lambda cell: cell.reason,
    "message": lambda cell: cell.sentence if cell.message else "",
    "workload": lambda cell: cell.child,
    "template": lambda cell: cell.template,
    "revision": lambda cell: cell.revision,
    "podsDesired": lambda cell: cell.desired,
    "podsReady": lambda cell: cell.ready,
}
PROOFS: Columns = {
    "node": lambda proof: proof.node,
    "unit": lambda proof: proof.unit,
    "state": lambda proof: proof.state,
    "reason": lambda proof: proof.reason,
    "message": lambda proof: proof.sentence,
    "endpoints": lambda proof: " ".join(map(str, proof.endpoints)),
}
PODS: Columns = {
    "namespace": lambda pod: pod.namespace,
    "name": lambda pod: pod.name,
    "ready": lambda pod: pod.ready,
    "phase": lambda pod: pod.phase,
    "reason": lambda pod: pod.reason,
    "message": lambda pod: pod.message,
    "node": lambda pod: pod.node,
    "ips": lambda pod: " ".join(pod.ips),
    "restarts": lambda pod: pod.restarts,
    "createdAt": lambda pod: pod.created_at and pod.created_at.isoformat(),
}
REVISIONS: Columns = {
    "revision": lambda revision: revision.number,
    "createdAt": lambda revision: revision.created_at.isoformat(),
    "author": lambda revision: revision.author,
    "changeCause": lambda revision: revision.change_cause,
}
ROLLOUT: Columns = {
    "unit": lambda unit: unit.name,
    "wave": lambda unit: unit.wave,
    "turn": lambda unit: unit.turn,
    "failure": lambda unit: unit.failure,
}
EVENTS: Columns = {
    "lastSeen": lambda event: event.last_at.isoformat(),
    "firstSeen": lambda event: event.first_at.isoformat(),
    "grid": lambda event: event.path,
    "unit": lambda event: event.unit,
    "type": lambda event: event.type,
    "reason": lambda event: event.reason,
    "message": lambda event: event.sentence,
    "count": lambda event: event.count,
}
