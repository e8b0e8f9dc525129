"""Resource quotas (kubernetes.io/docs "Resource Quotas"): counts of objects, and what pods ask for and may use."""

from collections.abc import Iterator

from ..kinds.served import Kind
from ..objects.errors import ApiError
from ..objects.quantities import is_written_binary, parse, pod_amounts, qos_class, total, written
from ..objects.store import Store
from ..objects.values import Object

QUOTAS = "resourcequotas"
_SHORT = {"pods", "services", "configmaps", "secrets", "resourcequotas", "persistentvolumeclaims",
          "replicationcontrollers"}  # fmt: skip
_PLAIN = ("cpu", "memory", "ephemeral-storage")  # short for what pods request
_TO_SAY = ("cpu", "memory")  # what every container has to say where a quota covers it
_CHANGING = ("pods", "services", "persistentvolumeclaims")  # what uses more or less as it changes


def is_counted_anew(key: str, before: Object | None, body: Object) -> bool:
    """Whether a write changes what a quota has to count."""
    if before is None or key not in _CHANGING:
        return before is None
    return _is_over(before) != _is_over(body) or before.get("spec") != body.get("spec")


def used(store: Store, quota: Object) -> dict[str, str]:
    """How much there is of what a quota limits."""
    namespace, hard = quota["metadata"]["namespace"], (quota.get("spec") or {}).get("hard") or {}
    found: dict[str, str] = {}
    for name in hard:
        key = _key(name)
        if key:
            uses = (_usage(key, name, each) for each in store.each(key, namespace) if _in_scope(quota, key, each))
            found[name] = total(each for each in uses if each)
    return found


def check_quotas(store: Store, kind: Kind, body: Object, before: Object | None = None) -> None:
    """Raise 403 where storing an object of a kind is more than a quota of its namespace allows."""
    namespace = body["metadata"].get("namespace", "")
    if not namespace or (before and kind.key not in _CHANGING):
        return
    for quota in store.each(QUOTAS, namespace):
        if not _in_scope(quota, kind.key, body):
            continue
        name = quota["metadata"]["name"]
        if kind.key == "pods" and before is None and (unsaid := "; ".join(_unsaid(quota, body["spec"]))):
            raise _refused(kind, body, f"failed quota: {name}: must specify {unsaid}")
        over = list(_exceeded(store, quota, kind.key, body, before))
        if over:
            requested, have, limited = (
                ",".join(f"{each[0]}={each[place]}" for each in sorted(over)) for place in (1, 2, 3)
            )
            words = f"exceeded quota: {name}, requested: {requested}, used: {have}, limited: {limited}"
            raise _refused(kind, body, words)


def _refused(kind: Kind, body: Object, words: str) -> ApiError:
    name = body["metadata"]["name"]
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return ApiError(403, f'{kind.key} "{name}" is forbidden: {words}', details=details)


def _exceeded(
    store: Store, quota: Object, key: str, body: Object, before: Object | None
) -> Iterator[tuple[str, str, str, str]]:
    """What there would be too much of: its name, how much is requested, used, allowed."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    mine = {name: _usage(key, name, body) for name in hard if _key(name) == key}
    mine = {name: use for name, use in mine.items() if use and parse(use)}
    if not mine:
        return
    have = used(store, quota)
    for name, use in mine.items():
        more = parse(use) - parse(_usage(key, name, before) if before else "0")
        if more > 0 and parse(have[name]) + more > parse(hard[name]):
            binary = use[-1:] == "i"
            yield name, written(more, binary), have[name], written(parse(hard[name]), hard[name][-1:] == "i")


def _key(name: str) -> str:
    """The kind that a name in `hard` is about, as the store files it; "" for what nobody counts."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    if name.startswith("services."):
        return "services"
    if name == "requests.storage":
        return "persistentvolumeclaims"
    return "pods" if name in _PLAIN or name.startswith(("requests.", "limits.")) else name if name in _SHORT else ""


def _usage(key: str, name: str, body: Object) -> str:
    """How much of what `name` limits an object uses, as a quantity."""
    spec = body.get("spec") or {}
    if name.startswith("count/") or (name in _SHORT and key != "pods"):
        return "1"
    if key == "pods":
        return _pod_usage(name, body)
    if key == "persistentvolumeclaims":
        return str(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))
    balanced = spec.get("type") == "LoadBalancer"
    if name == "services.loadbalancers":
        return "1" if balanced else "0"
    ported = spec.get("type") == "NodePort" or (balanced and spec.get("allocateLoadBalancerNodePorts", True))
    return str(len(spec.get("ports") or ())) if ported else "0"


def _pod_usage(name: str, body: Object) -> str:
    if _is_over(body):
        return "0"
    if name == "pods":
        return "1"
    among, _, resource = (f"requests.{name}" if name in _PLAIN else name).partition(".")
    amount = pod_amounts(body["spec"], among).get(resource)
    return written(amount, is_written_binary(body["spec"], among, resource)) if amount else "0"


def _unsaid(quota: Object, spec: Object) -> Iterator[str]:
    """What a quota makes containers say that they do not, each with the containers."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    for name in sorted(hard):
        among, _, resource = (f"requests.{name}" if name in _TO_SAY else name).partition(".")
        if among not in ("requests", "limits") or resource not in _TO_SAY:
            continue
        silent = [
            each["name"] for each in containers if resource not in ((each.get("resources") or {}).get(among) or {})
        ]
        if silent:
            yield f"{name} for: {','.join(sorted(silent))}"


def _in_scope(quota: Object, key: str, body: Object) -> bool:
    """Whether a quota is about an object: its scopes all hold, which are about pods."""
    spec = quota.get("spec") or {}
    scopes = [*(spec.get("scopes") or ())]
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if not scopes and not selected:
        return True
    if key != "pods":
        return False
    return all(_holds(each, body) for each in scopes) and all(_chosen(each, body) for each in selected)


def _holds(scope: str, pod: Object) -> bool:
    bound = pod["spec"].get("activeDeadlineSeconds") is not None
    best = qos_class(pod["spec"]) == "BestEffort"
    answers = {"Terminating": bound, "NotTerminating": not bound, "BestEffort": best, "NotBestEffort": not best}
    return answers.get(scope, scope == "PriorityClass" and bool(pod["spec"].get("priorityClassName")))


def _chosen(expression: Object, pod: Object) -> bool:
    if expression.get("scopeName") != "PriorityClass":
        return _holds(str(expression.get("scopeName")), pod)
    name, values = pod["spec"].get("priorityClassName", ""), expression.get("values") or ()
    answers = {"In": name in values, "NotIn": name not in values, "Exists": bool(name), "DoesNotExist": not name}
    return answers.get(str(expression.get("operator")), False)


def _is_over(body: Object) -> bool:
    """Whether a pod has ended for good: it uses nothing any more."""
    return (body.get("status") or {}).get("phase") in ("Succeeded", "Failed")
