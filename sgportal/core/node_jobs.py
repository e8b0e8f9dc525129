"""What is done to nodes step by step: labelling them, moving them between NodeUnits, cordoning and draining them."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from .text import NOTHING, Sentence

Action = Literal["label", "move", "cordon", "uncordon", "drain"]
ACTIONS = get_args(Action)
Step = Literal["cordon", "evict", "label", "uncordon"]
STEPS = get_args(Step)
Changes = Mapping[str, str | None]
# Evicted before it is labelled, since a kubelet leaves running what no longer fits the labels; cordoned before that, so
# that nothing comes meanwhile.
_STEPS: dict[Action, tuple[Step, ...]] = {
    "label": ("label",),
    "move": ("cordon", "evict", "label", "uncordon"),
    "cordon": ("cordon",),
    "uncordon": ("uncordon",),
    "drain": ("cordon", "evict"),
}
EXCLUSIVE: frozenset[Action] = frozenset(("move", "cordon", "uncordon", "drain"))  # no two at once on one node


def begun(action: Action, labels: Changes, unschedulable: bool, changes: Changes, uid: str = "") -> dict[str, Any]:
    """The record of a node that has such labels now, to which nothing was done yet: `before` are the labels it had,
    `after` those it is to have, `unschedulable` whether it was cordoned; `uid` ("": not known) says which node it is,
    since another may come to have its name."""
    return {
        "before": {key: labels.get(key) for key in changes},
        "after": dict(changes),
        "unschedulable": unschedulable,
        "step": _STEPS[action][0],
        "state": "pending",
        "detail": "",
        **({"uid": uid} if uid else {}),
    }


def steps_left(action: Action, record: Mapping[str, Any]) -> tuple[Step, ...]:
    """What is still to be done to a node, in order; a node that was cordoned before stays so after a move."""
    steps = _STEPS[action]
    left = steps[steps.index(record["step"]) :] if record.get("step") in steps else steps
    kept = action == "move" and record.get("unschedulable")
    return tuple(step for step in left if not (kept and step == "uncordon"))


def fail(record: dict[str, Any], why: Sentence) -> None:
    """Nothing more will be done to a node: `detail` says why in English, for processes of an earlier version, and `why`
    for a reader of any language."""
    record.update(state="failed", detail=str(why), why=why.to_json(), waiting=None)


def why_failed(record: Mapping[str, Any]) -> Sentence:
    """Why a node was not done, NOTHING where it was; as it stands, where an earlier version wrote it."""
    if record.get("why"):
        return Sentence.from_json(record["why"])
    return Sentence("%(text)s", (("text", record["detail"]),)) if record.get("detail") else NOTHING


def is_another(record: Mapping[str, Any], action: Action, uid: str) -> bool:
    """Whether the node that has this uid is not the one that a job is about, where that matters: a label is meant for
    whatever has the name; whoever drains or moves a node means the one that they saw."""
    return action in EXCLUSIVE and bool(record.get("uid")) and record["uid"] != uid


def touched(record: Mapping[str, Any], action: Action) -> bool:
    """Whether something was, or may have been, done to a node."""
    begins = record.get("step", _STEPS[action][0]) == _STEPS[action][0]
    return bool(record["state"] == "done" or (record["state"] == "pending" and not begins))


def undoing(action: Action, records: Mapping[str, Mapping[str, Any]]) -> tuple[Action, dict[str, dict[str, Any]]]:
    """What undoes a job: the action, and the record of each node to begin with. Nodes that a job under way has only
    cordoned so far are uncordoned by it, unless they were cordoned before."""
    back: dict[Action, Action] = {"cordon": "uncordon", "uncordon": "cordon", "drain": "uncordon"}
    found = {}
    opposite = back.get(action, action)
    for name, record in records.items():
        was = bool(record.get("unschedulable"))
        if not touched(record, action) or (action in back and was == (action != "uncordon")):
            continue
        changes = record["before"] if action in ("label", "move") else {}
        found[name] = begun(opposite, record.get("after") or {}, was, changes, record.get("uid", ""))
    return opposite, found
