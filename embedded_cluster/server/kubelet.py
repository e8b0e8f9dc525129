"""What the API server has from a kubelet: logs (`nodes.output`), and commands (`nodes.commands`) for who asks by a
WebSocket; of attach and port-forward what an API server says whose kubelets do not listen."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from urllib.parse import urlencode

import orjson

from ..nodes import commands
from ..nodes.containers import clock
from ..nodes.output import Line, lines
from ..objects.errors import ApiError
from ..objects.store import Store
from ..objects.values import Object
from ..requests.request import Request, Response

STREAMS = ("exec", "attach", "portforward")
LOOK_SECONDS = 0.25  # between two looks whether a container that is followed has written more
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_PORT = 10250
_NAMES = {1: "stdout", 2: "stderr"}
_ERROR = 3  # the stream of the Status at the end
_KILLED = 137
_ASKED = {"command": "command", "stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}  # by kubelets


def log(store: Store, pod: Object, request: Request) -> Response:
    """The log of a container; with `follow`, as it is written, until the container ends. Raises 400 where it is not
    said which, or it has not begun."""
    container = _container(pod, request.query.get("container", ""))
    state = _begun(pod, container, request.flag("previous"))
    first = _chosen(pod, container, state, request)
    most = request.number("limitBytes") or None
    if not request.flag("follow") or request.flag("previous"):
        return Response(200, b"".join(_bytes(first, request))[:most], "text/plain")
    return Response(200, b"", "text/plain", stream=_followed(store, pod, container, first, request))


def _begun(pod: Object, container: str, previous: bool) -> Object:
    """The state that tells since when a container, or the one before it, runs or ran."""
    status = pod.get("status") or {}
    states = [each for key in _STATUSES for each in status.get(key) or ()]
    found: Object = next((each for each in states if each["name"] == container), {})
    state, last = found.get("state") or {}, (found.get("lastState") or {}).get("terminated")
    if previous:
        if last is None:
            raise ApiError(400, f'previous terminated container "{container}" in pod "{_name(pod)}" not found')
        return {"terminated": last}
    if "running" in state or "terminated" in state:
        return dict(state)
    if last is None:
        reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
        failing = "trying and failing to pull image" if "Image" in reason else f"waiting to start: {reason}"
        raise ApiError(400, f'container "{container}" in pod "{_name(pod)}" is {failing}')
    return {"terminated": last}


def _written(pod: Object, container: str, state: Object) -> list[Line]:
    spec = pod["spec"]
    among = [each for key in _CONTAINERS for each in spec.get(key) or () if each["name"] == container]
    return lines(among[0], spec.get("nodeName", ""), state, clock())


def _chosen(pod: Object, container: str, state: Object, request: Request) -> list[Line]:
    """The lines that a request asks for of those that are written."""
    found = _written(pod, container, state)
    if seconds := request.number("sinceSeconds"):
        found = [each for each in found if each.at >= clock() - timedelta(seconds=seconds)]
    if "tailLines" in request.query:
        found = found[-request.number("tailLines") :] if request.number("tailLines") else []
    return found


def _bytes(found: Iterable[Line], request: Request) -> Iterator[bytes]:
    for each in found:
        yield (f"{each.at:%Y-%m-%dT%H:%M:%S.%fZ} " if request.flag("timestamps") else "").encode()
        yield each.text.encode() + b"\n"


async def _followed(
    store: Store, pod: Object, container: str, first: list[Line], request: Request
) -> AsyncIterator[bytes]:
    left, metadata = request.number("limitBytes") or math.inf, pod["metadata"]
    began, found = _begun(pod, container, previous=False), first
    known = max((each.number for each in _written(pod, container, began)), default=-1)
    while True:
        data = b"".join(_bytes(found, request))
        if data:
            yield data if len(data) <= left else data[: int(left)]
            left -= len(data)
        if left <= 0 or "terminated" in began:
            return
        await asyncio.sleep(LOOK_SECONDS)
        live = store.get("pods", metadata["namespace"], metadata["name"])
        if live is None or live["metadata"]["uid"] != metadata["uid"]:
            return
        now = _begun(live, container, previous=False)
        if _since(now) != _since(began):  # another has begun: the log of this one has ended
            now = {"terminated": _last(live, container)}
        found = [each for each in _written(live, container, now) if each.number > known]
        began, known = now, max((each.number for each in found), default=known)


def _since(state: Object) -> str:
    return str((state.get("running") or state.get("terminated") or {}).get("startedAt"))


def _last(pod: Object, container: str) -> Object:
    states = [each for key in _STATUSES for each in pod["status"].get(key) or () if each["name"] == container]
    return dict((states[0].get("lastState") or {}).get("terminated") or {})


def run(store: Store, pod: Object, request: Request) -> Response:
    """A command in a container, as it goes on, until it or the container ends. Raises 400 where it is not said which,
    500 where it does not run."""
    container = _container(pod, request.query.get("container", ""))
    if not request.words:
        raise ApiError(400, "you must specify at least one command for the container")
    if "running" not in _state(pod, container):
        raise ApiError(500, f'unable to upgrade connection: container not found ("{container}")')
    return Response(101, frames=_commanded(store, pod, container, request))


def _state(pod: Object, container: str) -> Object:
    states = [each for key in _STATUSES for each in (pod.get("status") or {}).get(key) or ()]
    return next((dict(each.get("state") or {}) for each in states if each["name"] == container), {})


async def _commanded(store: Store, pod: Object, container: str, request: Request) -> AsyncIterator[tuple[int, bytes]]:
    spec = next(each for key in _CONTAINERS for each in pod["spec"].get(key) or () if each["name"] == container)
    said = commands.answer(request.words, pod, spec, clock())
    if said is None:
        missing = f'exec: "{request.words[0]}": executable file not found in $PATH'
        words = f"error executing command in container: failed to exec in container: {missing}"
        causes = [{"reason": "", "message": words, "field": ""}]
        yield _ERROR, orjson.dumps(ApiError(500, f"Internal error occurred: {words}", causes=causes).status())
        return
    for each in said:
        if isinstance(each, commands.Exit):
            yield _ERROR, orjson.dumps(_ended(each.code))
            return
        if request.flag("tty"):  # a terminal has one output
            yield 1, each.text.replace("\n", "\r\n").encode()
        elif request.flag(_NAMES[each.stream]) and each.text:
            yield each.stream, each.text.encode()
        if not await _alive(store, pod, each.after):
            yield _ERROR, orjson.dumps(_ended(_KILLED))
            return


async def _alive(store: Store, pod: Object, seconds: float) -> bool:
    """Wait for so long, or until the pod is gone; whether it is still there."""
    until, metadata = time.monotonic() + seconds, pod["metadata"]
    while True:
        live = store.get("pods", metadata["namespace"], metadata["name"])
        if live is None or live["metadata"]["uid"] != metadata["uid"]:
            return False
        if (left := until - time.monotonic()) <= 0:
            return True
        await asyncio.sleep(min(left, LOOK_SECONDS))


def _ended(code: int) -> Object:
    """The Status at the end of a command."""
    if not code:
        return {"metadata": {}, "status": "Success"}
    causes = [{"reason": "ExitCode", "message": str(code)}]
    words = f"command terminated with non-zero exit code: exit status {code}"
    failed = {"metadata": {}, "status": "Failure", "message": words, "reason": "NonZeroExitCode"}
    return {**failed, "details": {"causes": causes}}


def spdy(pod: Object, request: Request) -> ApiError:
    """The refusal of a command for who does not ask by a WebSocket. Raises 400 for a container that is none."""
    _container(pod, request.query.get("container", ""))
    words = (
        "the embedded cluster runs commands for who asks by a WebSocket, as kubectl does since 1.31, and not by SPDY"
    )
    return ApiError(501, words)


def unreachable(store: Store, pod: Object, subresource: str, request: Request) -> ApiError:
    """The refusal of a stream to a container: nobody listens on its node. Raises 400 for a container that is none."""
    spec = pod["spec"]
    node = store.get("nodes", "", spec.get("nodeName", ""))
    if node is None:
        return ApiError(400, f"pod {_name(pod)} does not have a host assigned")
    addresses = (node.get("status") or {}).get("addresses") or ()
    host = next((str(each["address"]) for each in addresses if each["type"] == "InternalIP"), spec["nodeName"])
    refused = f"dial tcp {host}:{_PORT}: connect: connection refused"
    if subresource == "portforward":
        return ApiError(500, f"error dialing backend: {refused}", "InternalError")
    container = _container(pod, request.query.get("container", ""))
    asked = urlencode(sorted((_ASKED[key], _plain(value)) for key, value in request.query.items() if key in _ASKED))
    place = f"https://{host}:{_PORT}/{subresource}/{pod['metadata']['namespace']}/{_name(pod)}/{container}?{asked}"
    words = f'Internal error occurred: error sending request: Post "{place}": {refused}'
    return ApiError(500, words, causes=[{"reason": "", "message": words, "field": ""}])


def _plain(value: str) -> str:
    return "1" if value == "true" else value


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _container(pod: Object, asked: str) -> str:
    """The container that is meant: the one that is named, or the only one."""
    spec = pod["spec"]
    names = [each["name"] for each in spec["containers"]]
    more = [each["name"] for key in ("initContainers", "ephemeralContainers") for each in spec.get(key) or ()]
    if asked in (*names, *more):
        return asked
    if asked:
        raise ApiError(400, f"container {asked} is not valid for pod {_name(pod)}")
    if len(names) > 1:
        raise ApiError(
            400, f"a container name must be specified for pod {_name(pod)}, choose one of: [{' '.join(names)}]"
        )
    return str(names[0])
