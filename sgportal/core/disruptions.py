"""Which evictions a PodDisruptionBudget does not allow now (the eviction subresource of Kubernetes, policy/v1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .selector import matches, requirements
from .text import Sentence, say


@dataclass(frozen=True, slots=True)
class Evicted:
    """A pod that is to be evicted."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    ready: bool
    phase: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """That a pod would not be evicted now: the names of the `budgets` about it, how many disruptions the first of them
    allows in all, and why."""

    namespace: str
    pod: str
    budgets: tuple[str, ...]
    disruptions_allowed: int
    sentence: Sentence


_SEVERAL = say("more than one PodDisruptionBudget is about it, which Kubernetes does not evict under")
_UNSEEN = say("PodDisruptionBudget “%(budget)s” was changed, and Kubernetes has not worked out what it allows")
_NONE = say(
    "PodDisruptionBudget “%(budget)s” allows no disruption now: it wants %(wanted)s healthy pods, there are %(there)s"
)
_SPENT = say(
    "PodDisruptionBudget “%(budget)s” allows %(allowed)s disruptions now, and other pods of this list use them up"
)


def refusals(pods: Iterable[Evicted], budgets: Iterable[Mapping[str, Any]]) -> tuple[Refusal, ...]:
    """The pods, evicted in this order, whose eviction budgets would not allow."""
    known = list(budgets)
    left = {_key(each): int((each.get("status") or {}).get("disruptionsAllowed", 0)) for each in known}
    found = []
    for pod in pods:
        about = [each for each in known if _covers(each, pod)]
        if not about or pod.phase in ("Pending", "Succeeded", "Failed"):
            continue
        allowed = left[_key(about[0])]
        why = _SEVERAL if len(about) > 1 else _refused(about[0], pod, allowed)
        if why is None:
            left[_key(about[0])] -= 0 if _is_free(about[0], pod) else 1
            continue
        names = tuple(sorted(each["metadata"]["name"] for each in about))
        total = int((about[0].get("status") or {}).get("disruptionsAllowed", 0))
        found.append(Refusal(pod.namespace, pod.name, names, total, why))
    return tuple(found)


def _key(budget: Mapping[str, Any]) -> tuple[str, str]:
    return budget["metadata"]["namespace"], budget["metadata"]["name"]


def _covers(budget: Mapping[str, Any], pod: Evicted) -> bool:
    """Whether a budget is about a pod. One without selector is about none, one with an empty selector about all."""
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None or budget["metadata"]["namespace"] != pod.namespace:
        return False
    return matches(requirements(selector), pod.labels)


def _is_free(budget: Mapping[str, Any], pod: Evicted) -> bool:
    """Whether a pod's eviction is no disruption: it is not ready, and the budget is content without it, or does not
    ask."""
    status = budget.get("status") or {}
    if pod.ready:
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    wanted = status.get("desiredHealthy", 0)
    return bool(wanted > 0 and status.get("currentHealthy", 0) >= wanted)


def _refused(budget: Mapping[str, Any], pod: Evicted, left: int) -> Sentence | None:
    """Why the one budget about a pod does not allow its eviction."""
    status, name = budget.get("status") or {}, budget["metadata"]["name"]
    if _is_free(budget, pod):
        return None
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        return _UNSEEN.having(budget=name)
    if left > 0:
        return None
    total = status.get("disruptionsAllowed", 0)
    if total > 0:
        return _SPENT.having(budget=name, allowed=total)
    return _NONE.having(budget=name, wanted=status.get("desiredHealthy", 0), there=status.get("currentHealthy", 0))
