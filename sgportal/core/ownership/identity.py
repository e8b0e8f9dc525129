"""Whose an object is: by uid, never by its name or a label alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..names import GRID_SELECTOR, OWNER_UID
from ..text import Sentence, say

Body = Mapping[str, Any]
_DEPLOYMENTS_OWN = "deployment.kubernetes.io/"  # annotations of Kubernetes' own controller


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom the children belong to. `uid` identifies the grid; `reference` says whether the cluster holds it as an
    object of that uid, so that an ownerReference may point to it (a dangling one would make the cluster's garbage
    collector delete the child). `row_uid` marks children made while the cluster did not hold the grid."""

    uid: str
    reference: bool
    row_uid: str = ""


def controller_of(live: Body) -> Body | None:
    """The owner reference that controls an object, or None."""
    return next((ref for ref in live["metadata"].get("ownerReferences") or () if ref.get("controller")), None)


def marked_for(live: Body) -> str:
    """The uid of the grid that made an object without being in the cluster itself, "" for none."""
    return str((live["metadata"].get("annotations") or {}).get(OWNER_UID) or "")


def is_ours(live: Body, owner: Owner) -> bool:
    """Whether a live object belongs to this very grid."""
    controller = controller_of(live)
    if controller:
        return bool(controller.get("uid") == owner.uid)
    return marked_for(live) in {owner.uid, owner.row_uid} - {""}


def is_orphan_of(live: Body, grid: str) -> bool:
    """Whether an object belongs to nobody and carries the label of the grid of this name: left by a deletion with
    orphan propagation."""
    label = (live["metadata"].get("labels") or {}).get(GRID_SELECTOR)
    return label == grid and not controller_of(live) and not marked_for(live)


def same_owner(body: Body, live: Body) -> bool:
    """Whether a live object belongs to whom `body`, which was to be created, would belong to."""
    wanted, found = controller_of(body), controller_of(live)
    if wanted or found:
        return bool(wanted and found and wanted.get("uid") == found.get("uid"))
    return bool(marked_for(body)) and marked_for(body) == marked_for(live)


def as_judged(seen: Body, live: Body) -> bool:
    """Whether an object is still what was decided about: itself, whose it is and what is asked of it. Its status and
    what Kubernetes' own controllers note on it may have changed."""
    return _judged(seen) == _judged(live)


def _judged(body: Body) -> tuple[Any, ...]:
    metadata = body["metadata"]
    annotations = metadata.get("annotations") or {}
    noted = {key: value for key, value in annotations.items() if not key.startswith(_DEPLOYMENTS_OWN)}
    names = ("uid", "ownerReferences", "labels", "deletionTimestamp")
    return (*(metadata.get(name) or None for name in names), noted, body.get("spec"))


def conflict(kind: str, live: Body) -> Sentence:
    """Who has the name of a child."""
    name = live["metadata"]["name"]
    if controller := controller_of(live):
        owner = f"{controller.get('kind')} {controller.get('name')}"
        return say("a %(kind)s “%(name)s” already exists and belongs to %(owner)s", kind=kind, name=name, owner=owner)
    if uid := marked_for(live):
        return say(
            "a %(kind)s “%(name)s” already exists and belongs to a grid of another portal (uid %(uid)s); removing its "
            "annotation “%(annotation)s” hands it over",
            kind=kind,
            name=name,
            uid=uid,
            annotation=OWNER_UID,
        )
    return say("a %(kind)s “%(name)s” already exists and is not this grid's", kind=kind, name=name)
