"""The disruption controller: what a budget allows just now."""

from collections.abc import Iterator

from ..admission import budgets
from ..admission.budgets import covers, ready, status_of
from ..objects.notes import now_unless
from ..objects.store import Change, Store
from ..objects.values import Object
from .children import set_status

KEY = budgets.KEY


def budget(store: Store, body: Object) -> None:
    """One step of a budget: its status."""
    fresh = status_of(store, body)
    reason = ("SufficientPods", "True") if fresh["disruptionsAllowed"] else ("InsufficientPods", "False")
    condition = {"type": "DisruptionAllowed", "status": reason[1], "reason": reason[0], "message": ""}
    kept = {**condition, "observedGeneration": fresh["observedGeneration"]}
    set_status(store, KEY, body, {**fresh, "conditions": [now_unless(kept, body)]})


def concerned(store: Store, change: Change) -> Iterator[Object]:
    """The budgets about a pod that has come, gone, or changed its health."""
    if change.before and ready(change.before) == ready(change.body) and change.type == "MODIFIED":
        return
    yield from (each for each in store.each(KEY, change.place[0]) if covers(each, change.body))
