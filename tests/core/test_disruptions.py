"""Which evictions a PodDisruptionBudget does not allow now."""

from typing import Any

import pytest

from sgportal.core.disruptions import Evicted, refusals


def budget(name: str = "b", allowed: int = 0, selector: Any = None, policy: str = "", **status: int) -> dict[str, Any]:
    """A budget over `app=web` that wants two healthy pods and has two, unless something else is said."""
    spec = {"selector": {"matchLabels": {"app": "web"}} if selector is None else selector}
    if policy:
        spec["unhealthyPodEvictionPolicy"] = policy
    told = {"disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2, "observedGeneration": 1, **status}
    return {"metadata": {"name": name, "namespace": "n", "generation": 1}, "spec": spec, "status": told}


def pod(name: str = "p", namespace: str = "n", ready: bool = True, phase: str = "Running", **labels: str) -> Evicted:
    return Evicted(namespace, name, labels or {"app": "web"}, ready, phase)


@pytest.mark.parametrize(
    ("pods", "budgets", "refused"),
    [
        ([pod()], [], []),
        ([pod()], [budget()], ["p"]),
        ([pod()], [budget(allowed=1)], []),
        ([pod("p"), pod("q")], [budget(allowed=1)], ["q"]),
        ([pod(app="db")], [budget()], []),
        ([pod(namespace="m")], [budget()], []),
        ([pod(app="db")], [budget(selector={})], ["p"]),
        ([pod()], [budget(selector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]})], []),
        ([pod()], [budget("a", allowed=5), budget("b", allowed=5)], ["p"]),
        ([pod(phase="Pending", ready=False)], [budget()], []),
        ([pod(ready=False)], [budget()], []),
        ([pod(ready=False)], [budget(currentHealthy=1)], ["p"]),
        ([pod(ready=False)], [budget(currentHealthy=1, policy="AlwaysAllow")], []),
        ([pod()], [budget(allowed=1, observedGeneration=0)], ["p"]),
        ([pod("p", ready=False), pod("q")], [budget(allowed=1)], []),
    ],
)
def test_what_kubernetes_would_refuse(pods: list[Evicted], budgets: list[dict[str, Any]], refused: list[str]) -> None:
    assert [each.pod for each in refusals(pods, budgets)] == refused


def test_no_selector_is_about_no_pod() -> None:
    nothing = budget()
    del nothing["spec"]["selector"]
    assert refusals([pod()], [nothing]) == ()


def test_a_refusal_names_the_budgets_and_what_is_allowed() -> None:
    found = refusals([pod("p"), pod("q")], [budget("web", allowed=1)])
    assert [(each.pod, each.budgets, each.disruptions_allowed) for each in found] == [("q", ("web",), 1)]
    (several,) = refusals([pod()], [budget("b"), budget("a")])
    assert several.budgets == ("a", "b")
