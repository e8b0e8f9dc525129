"""What the API server has from a kubelet: logs, of which each container has one line; and of exec, attach and
port-forward what an API server says whose kubelets do not listen."""

from urllib.parse import urlencode

from ..objects.errors import ApiError
from ..objects.store import Store
from ..objects.values import Object
from ..requests.request import Request, Response

STREAMS = ("exec", "attach", "portforward")
_PORT = 10250
_ASKED = {"command": "command", "stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}  # by kubelets


def log(pod: Object, request: Request) -> Response:
    """The log of a container. Raises 400 where it is not said which, or it has not begun."""
    container = _container(pod, request.query.get("container", ""))
    status = pod.get("status") or {}
    states = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    found: Object = next((each for each in states if each["name"] == container), {})
    state, last = found.get("state") or {}, (found.get("lastState") or {}).get("terminated")
    if request.flag("previous"):
        state = {"terminated": last}
        if last is None:
            raise ApiError(400, f'previous terminated container "{container}" in pod "{_name(pod)}" not found')
    began = state.get("running") or state.get("terminated") or last
    if began is None:
        reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
        failing = "trying and failing to pull image" if "Image" in reason else f"waiting to start: {reason}"
        raise ApiError(400, f'container "{container}" in pod "{_name(pod)}" is {failing}')
    line = f"{began['startedAt']} {container} started on {pod['spec'].get('nodeName', '')}\n"
    silent = request.query.get("tailLines") == "0"
    stamp = f"{began['startedAt']} " if request.flag("timestamps") else ""
    return Response(200, b"" if silent else (stamp + line).encode(), "text/plain")


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
