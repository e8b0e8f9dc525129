"""Containers: what a kubelet says of each, from what it said before and from what its program comes to.

Every state follows from the one before and from the clock, so that nothing is lost where the cluster is restarted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..objects.values import Object
from .programs import NEVER, End, end_of, is_image, is_unpullable

LONGEST = 300  # seconds between two starts of a container that ends again and again
FIRST = 10
INITIALIZING: Object = {"reason": "PodInitializing"}


@dataclass(frozen=True, slots=True)
class Pod:
    """What a container's state depends on besides its own: `name` is `<pod>_<namespace>(<uid>)`, `policy` when it is
    started again (Always, OnFailure, Never), `missing` says what a container's environment refers to in vain."""

    name: str
    policy: str
    at: datetime
    missing: Callable[[Object], str]


def stamp(at: datetime) -> str:
    """A time in RFC 3339, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def container(pod: Pod, spec: Object, before: Object, otherwise: End = NEVER) -> Object:
    """The status of a container that may run; `before` is the last one, `otherwise` the end of a program whose command
    does not tell."""
    state, last, count = _next(pod, spec, before, otherwise)
    running = "running" in state
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": before.get("imageID", ""),
        "ready": running and _is_probed_well(spec),
        "started": running,
        "restartCount": count,
        "state": state,
        "lastState": last,
    }


def waiting(spec: Object, state: Object) -> Object:
    """The status of a container whose turn has not come."""
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": {"waiting": state},
        "lastState": {},
    }


def _next(pod: Pod, spec: Object, before: Object, otherwise: End) -> tuple[Object, Object, int]:
    """State, last state and the number of restarts."""
    state, last, count = before.get("state") or {}, before.get("lastState") or {}, before.get("restartCount", 0)
    if trouble := _trouble(pod, spec):
        return {"waiting": trouble}, last, count
    end = end_of(spec, otherwise)
    if "running" in state:
        begun = _time(state["running"]["startedAt"])
        return _running(begun, end, pod.at), last, count
    if "terminated" in state:
        if not restarts(pod.policy, state["terminated"]["exitCode"]):
            return state, last, count
        last, state = state, {}
        if wait := _delay(count):
            return {"waiting": _back_off(spec, pod, wait)}, last, count
    elif (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        if pod.at < _due(last, count):
            return state, last, count
    else:
        return _running(pod.at, end, pod.at), last, count
    return _running(pod.at, end, pod.at), last, count + 1


def _running(begun: datetime, end: End, at: datetime) -> Object:
    """The state of a program that began then."""
    if end is NEVER or math.isinf(end.seconds) or at < begun + timedelta(seconds=end.seconds):
        return {"running": {"startedAt": stamp(begun)}}
    finished = begun + timedelta(seconds=end.seconds)
    ended = {"exitCode": end.code, "reason": end.word, "startedAt": stamp(begun), "finishedAt": stamp(finished)}
    return {"terminated": {**ended, **({"message": end.message} if end.message else {})}}


def restarts(policy: str, code: int) -> bool:
    """Whether a container that ended with this exit code is started again."""
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def _delay(count: int) -> int:
    """For how many seconds a container that was started again so often waits."""
    return 0 if not count else min(FIRST * 2 ** min(count - 1, 10), LONGEST)


def _due(last: Object, count: int) -> datetime:
    return _time(last["terminated"]["finishedAt"]) + timedelta(seconds=_delay(count))


def _words(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _back_off(spec: Object, pod: Pod, wait: int) -> Object:
    words = f"back-off {_words(wait)} restarting failed container={spec['name']} pod={pod.name}"
    return {"reason": "CrashLoopBackOff", "message": words}


def _trouble(pod: Pod, spec: Object) -> Object | None:
    """Why a container cannot even be made, None where it can."""
    image = spec["image"]
    if not is_image(image):
        words = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}"'
        return {"reason": "InvalidImageName", "message": f"{words}: invalid reference format"}
    if is_unpullable(image):
        return {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
    if missing := pod.missing(spec):
        return {"reason": "CreateContainerConfigError", "message": missing}
    return None


def _is_probed_well(spec: Object) -> bool:
    """Whether a readiness probe that runs a command succeeds; other probes do."""
    command = ((spec.get("readinessProbe") or {}).get("exec") or {}).get("command")
    return not command or end_of({"image": "", "command": command}).code == 0


def due_in(spec: Object, status: Object, at: datetime, otherwise: End = NEVER) -> float:
    """In how many seconds a container's state changes by itself; infinity for never."""
    state = status.get("state") or {}
    if "running" in state:
        end = end_of(spec, otherwise)
        since = _time(state["running"]["startedAt"])
        return math.inf if math.isinf(end.seconds) else (since + timedelta(seconds=end.seconds) - at).total_seconds()
    reason = (state.get("waiting") or {}).get("reason")
    if reason == "CrashLoopBackOff":
        return (_due(status["lastState"], status["restartCount"]) - at).total_seconds()
    return 2.0 if reason == "CreateContainerConfigError" else math.inf


def clock() -> datetime:
    """Now."""
    return datetime.now(UTC)
