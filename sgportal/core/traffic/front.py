"""The plain Services beside a ServiceGrid's own, `spec.front`: for readers of EndpointSlices that know nothing of
closed loops (ingress controllers, meshes, monitors), and for clients that name a NodeUnit.

all: one Service of all pods. perUnit: one for each NodeUnit, of the pods that carry its label.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..names import FRONT, UNIT, front_name
from ..text import Problem, Sentence, one_of, say

Front = Literal["", "all", "perUnit"]
FRONTS = tuple(each for each in get_args(Front) if each)
# What a front takes over from the template. Not taken: what opens it to the outside, and what steers its traffic.
_TAKEN = ("ipFamilies", "ipFamilyPolicy", "publishNotReadyAddresses", "sessionAffinity", "sessionAffinityConfig")


@dataclass(frozen=True, slots=True)
class FrontService:
    """A plain Service: of a NodeUnit, or of all pods where that is ""."""

    unit: str
    name: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]


def front_problems(value: Any, template: Mapping[str, Any], where: str = "/spec/front") -> Iterator[Problem]:
    """What is wrong with `spec.front`, where `template` is the spec of the Service; null counts as absent."""
    if value is None:
        return
    if value not in FRONTS:
        yield Problem(where, one_of(FRONTS))
    elif reason := _needless(value, template):
        yield Problem(where, reason)


def _needless(front: str, template: Mapping[str, Any]) -> Sentence | None:
    if template.get("type") == "ExternalName":
        return say("a Service of type ExternalName has no pods to stand before")
    if front == "all" and template.get("clusterIP") == "None":
        return say("a headless Service has a selector and lists all pods itself; use “perUnit”, or leave this out")
    return None


def front_of(value: Any) -> Front:
    """A valid `spec.front`, "" where it is absent."""
    return value or ""


def fronted_units(front: Front, units: Collection[str]) -> list[str]:
    """The NodeUnits that have a front each; "" stands for the front of all pods."""
    return {"": [], "all": [""], "perUnit": sorted(units)}[front]


def front_service(front: Front, grid: str, template: Mapping[str, Any], unit: str) -> FrontService:
    """The plain Service of a grid of this name and `template`, for one of `fronted_units`."""
    of_unit = {UNIT: unit} if unit else {}
    spec = {name: template[name] for name in _TAKEN if template.get(name) is not None}
    spec["type"] = "ClusterIP"
    if template.get("clusterIP") == "None":
        spec["clusterIP"] = "None"
    spec["selector"] = {**template["selector"], **of_unit}
    if ports := template.get("ports"):
        spec["ports"] = [_inside(port) for port in ports]
    return FrontService(unit, front_name(grid, unit), {FRONT: front, **of_unit}, spec)


def _inside(port: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in port.items() if name != "nodePort"}


def misplaced_pods(
    selector: Mapping[str, str], unit_of: Mapping[str, str], pods: Iterable[tuple[Mapping[str, str], str]]
) -> Iterator[tuple[str, str, Sentence]]:
    """What is amiss with the pods behind fronts of one NodeUnit each, as (NodeUnit, CamelCase reason, sentence). `pods`
    are labels and nodes of those that run, `unit_of` the NodeUnit of each node."""
    unlabelled: Counter[str] = Counter()
    away: Counter[str] = Counter()
    for labels, node in pods:
        if all(labels.get(name) == value for name, value in selector.items()):
            unit, said = unit_of.get(node, ""), labels.get(UNIT)
            if said is None and unit:
                unlabelled[unit] += 1
            elif said and said != unit:
                away[said] += 1
    for unit, count in sorted(unlabelled.items()):
        yield (
            unit,
            "PodsWithoutUnitLabel",
            say(
                "%(count)s pods here lack the label “%(label)s”, which the pods of workloads made now have, so the "
                "Service of this NodeUnit does not list them",
                count=count,
                label=UNIT,
            ),
        )
    for unit, count in sorted(away.items()):
        yield (
            unit,
            "PodsElsewhere",
            say(
                "the Service of this NodeUnit lists %(count)s pods that carry its label and run on nodes outside it",
                count=count,
            ),
        )
