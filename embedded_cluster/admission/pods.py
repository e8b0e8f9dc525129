"""What admission plugins do to a new pod: LimitRanger, ServiceAccount and Priority (kubernetes.io/docs "Admission
Control"); then the quotas have their say."""

from collections.abc import Iterator
from decimal import Decimal

from ..kinds.served import Kind
from ..objects.errors import ApiError
from ..objects.quantities import Amounts, parse, pod_amounts, qos_class, written
from ..objects.store import Store
from ..objects.values import Object
from .quota import check_quotas

LIMIT_RANGES = "limitranges"
PODS = Kind("", "v1", "Pod", "pods")
_NOTE = "kubernetes.io/limit-ranger"


def admit_pod(store: Store, body: Object, generated: str = "") -> None:
    """Fill in what a namespace's LimitRanges give a new pod, in place. Raises 403 for what a plugin refuses;
    `generated` is the prefix of a generated name: the first plugins see no more of it."""
    spec, namespace = body["spec"], body["metadata"]["namespace"]
    asked = generated or body["metadata"]["name"]
    account, priority = spec.get("serviceAccountName"), spec.get("priorityClassName")
    if account and store.get("serviceaccounts", namespace, account) is None:
        missing = f'serviceaccount "{account}" not found'
        raise _refused(asked, f"error looking up service account {namespace}/{account}: {missing}")
    if priority and store.get("priorityclasses.scheduling.k8s.io", "", priority) is None:
        raise _refused(asked, f"no PriorityClass with name {priority} was found")
    _request_what_is_limited(spec)
    ranges = sorted(store.each(LIMIT_RANGES, namespace), key=lambda each: str(each["metadata"]["name"]))
    for each in ranges:
        _fill(body, each)
    wrong = [words for each in ranges for words in _beyond(spec, each)]
    if wrong:
        raise _refused(body["metadata"]["name"], wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")
    body["status"] = {**(body.get("status") or {}), "qosClass": qos_class(spec)}


def check_pod(store: Store, body: Object) -> None:
    """Raise 403 where a new pod is more than a quota allows."""
    check_quotas(store, PODS, body)


def _refused(name: str, words: str) -> ApiError:
    return ApiError(403, f'pods "{name}" is forbidden: {words}', details={"name": name, "kind": "pods"})


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _request_what_is_limited(spec: Object) -> None:
    """A container that has a limit and requests nothing requests its limit."""
    for each in _containers(spec):
        resources = each.get("resources") or {}
        if resources.get("limits"):
            each["resources"] = {**resources, "requests": {**resources["limits"], **(resources.get("requests") or {})}}


def _limits(limit_range: Object, kind: str) -> Iterator[Object]:
    return (each for each in (limit_range.get("spec") or {}).get("limits") or () if each.get("type") == kind)


def _fill(body: Object, limit_range: Object) -> None:
    """Give containers the requests and limits that they do not say themselves, and write down which."""
    told: list[str] = []
    for limit in _limits(limit_range, "Container"):
        for among, kind in (("containers", "container"), ("initContainers", "init container")):
            for container in body["spec"].get(among) or ():
                told += _filled(container, limit, kind)
    if told:
        note = {_NOTE: f"LimitRanger plugin set: {'; '.join(told)}"}
        body["metadata"]["annotations"] = {**(body["metadata"].get("annotations") or {}), **note}


def _filled(container: Object, limit: Object, kind: str) -> Iterator[str]:
    """Fill in one container's resources; what was filled in, in the plugin's words."""
    resources = dict(container.get("resources") or {})
    for part, given in (("requests", "defaultRequest"), ("limits", "default")):
        said = resources.get(part) or {}
        lacking = {name: value for name, value in (limit.get(given) or {}).items() if name not in said}
        if lacking:
            resources[part] = {**lacking, **said}
            yield f"{', '.join(sorted(lacking))} {part[:-1]} for {kind} {container['name']}"
    container["resources"] = resources


def _beyond(spec: Object, limit_range: Object) -> Iterator[str]:
    """What of a pod is outside a LimitRange, in the plugin's words."""
    for limit in _limits(limit_range, "Container"):
        for container in _containers(spec):
            resources = container.get("resources") or {}
            asked, most = (
                {name: parse(value) for name, value in (resources.get(part) or {}).items()}
                for part in ("requests", "limits")
            )
            yield from _outside(limit, "Container", asked, most)
    for limit in _limits(limit_range, "Pod"):
        yield from _outside(limit, "Pod", pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))


def _outside(limit: Object, kind: str, asked: Amounts, most: Amounts) -> Iterator[str]:
    for name, text in (limit.get("min") or {}).items():
        least, start = parse(text), f"minimum {name} usage per {kind} is {text}"
        if name not in asked:
            yield f"{start}.  No request is specified"
        elif asked[name] < least:
            yield f"{start}, but request is {_same(asked[name], text)}"
        elif name in most and most[name] < least:
            yield f"{start}, but limit is {_same(most[name], text)}"
    for name, text in (limit.get("max") or {}).items():
        largest, start = parse(text), f"maximum {name} usage per {kind} is {text}"
        if name not in most:
            yield f"{start}.  No limit is specified"
        elif most[name] > largest:
            yield f"{start}, but limit is {_same(most[name], text)}"
        elif name in asked and asked[name] > largest:
            yield f"{start}, but request is {_same(asked[name], text)}"
    for name, text in (limit.get("maxLimitRequestRatio") or {}).items():
        request, bound = asked.get(name, Decimal(0)), most.get(name, Decimal(0))
        start = f"{name} max limit to request ratio per {kind} is {text}, but"
        if not request or not bound:
            yield (
                f"{start} no request is specified or request is 0" if not request else f"{start} no limit is specified"
            )
        elif bound / request > parse(text):
            yield f"{start} provided ratio is {float(bound / request):f}"


def _same(amount: Decimal, like: str) -> str:
    return written(amount, like[-1:] == "i")
