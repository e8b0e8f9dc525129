"""The columns of pods (pkg/printers/internalversion, printPod)."""

from typing import Any

from ..objects.values import Object
from .columns import NONE, age, age_of


def pod(body: Object) -> list[Any]:
    """Ready, Status, Restarts, Age, and what is shown with `-o wide`."""
    status, spec = body.get("status") or {}, body["spec"]
    sidecars = {each["name"] for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}
    first, states = status.get("initContainerStatuses") or [], status.get("containerStatuses") or []
    begun = _is_initialized(status) or not (initial := _initial_word(first, spec, sidecars))
    counted = [each for each in first if each["name"] in sidecars or not begun]
    ready = [each for each in states if begun and each.get("ready") and "running" in (each.get("state") or {})]
    ready += [each for each in first if each["name"] in sidecars and each.get("started") and each.get("ready")]
    word = _word(status, states, bool(ready)) if begun else initial
    if body["metadata"].get("deletionTimestamp") and status.get("phase") not in ("Succeeded", "Failed"):
        word = "Terminating"
    wide = [status.get("podIP") or NONE, spec.get("nodeName") or NONE, NONE, NONE]
    total = len(spec["containers"]) + len(sidecars)
    restarts = _restarts([*counted, *states] if begun else counted)
    return [f"{len(ready)}/{total}", word, restarts, age_of(body), *wide]


def _is_initialized(status: Object) -> bool:
    conditions = status.get("conditions") or ()
    return any(each["type"] == "Initialized" and each["status"] == "True" for each in conditions)


def _ended(ended: Object) -> str:
    return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}")


def _initial_word(first: list[Object], spec: Object, sidecars: set[str]) -> str:
    """What the first container that has not done its part before the others is at, "" where all have."""
    for number, each in enumerate(first):
        state = each.get("state") or {}
        ended, waits = state.get("terminated"), (state.get("waiting") or {}).get("reason")
        if (ended and not ended.get("exitCode")) or (each["name"] in sidecars and each.get("started")):
            continue
        if ended:
            return f"Init:{_ended(ended)}"
        if waits and waits != "PodInitializing":
            return f"Init:{waits}"
        return f"Init:{number}/{len(spec['initContainers'])}"
    return ""


def _word(status: Object, states: list[Object], running: bool) -> str:
    """Why the first container waits or has ended, or else the pod's phase."""
    word = str(status.get("reason") or status.get("phase", ""))
    for each in reversed(states):
        state = each.get("state") or {}
        waits = (state.get("waiting") or {}).get("reason")
        word = waits or (_ended(state["terminated"]) if "terminated" in state else word)
    if word == "Completed" and running:
        conditions = status.get("conditions") or ()
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return "Running" if ready else "NotReady"
    return word


def _restarts(states: list[Object]) -> str:
    count = sum(each.get("restartCount", 0) for each in states)
    ends = ((each.get("lastState") or {}).get("terminated") or {} for each in states)
    last = max((each["finishedAt"] for each in ends if each.get("finishedAt")), default="")
    return f"{count} ({age(last)} ago)" if count and last else str(count)
