"""How a live child compares with what is wanted of it, as far as that is the same for all children that are alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..ownership.ignored import Ignored
from ..ownership.share import share
from .desired import Finding
from .diff import Comparison, compared, differences
from .others import notes_about

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """`immutable`: the first wanted field that the API server would refuse to change, "" for none. Without one, `found`
    is what differs, and `notes` what there is to know, of no unit, where nothing is contested."""

    immutable: str
    found: Comparison
    notes: tuple[Finding, ...]


def compared_child(ignored: Sequence[Ignored], wanted: Body, live: Body) -> Compared:
    """Compare a live child with the body that is wanted, but for what is `ignored`."""
    if immutable := next(_immutable(wanted, live), ""):
        return Compared(immutable, Comparison((), ()), ())
    shared = share(wanted, live, ignored)
    found = compared(wanted, live, shared)
    return Compared("", found, tuple(notes_about("", wanted, live, shared, found, ())))


def _immutable(wanted: Body, live: Body) -> Iterator[str]:
    """The fields that the API server would refuse to change."""
    want, have = wanted["spec"], live.get("spec") or {}
    if wanted["kind"] == "Service":
        cluster_ip = want.get("clusterIP")
        changed = have.get("clusterIP") and cluster_ip is not None and cluster_ip != have["clusterIP"]
        to_normal = cluster_ip is None and have.get("clusterIP") == "None" and want.get("type") != "ExternalName"
        if changed or to_normal:
            yield "spec.clusterIP"
        return
    frozen = (
        ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
        if wanted["kind"] == "StatefulSet"
        else ("selector",)
    )
    for name in frozen:
        selector_grew = name == "selector" and _selector(want) != _selector(have)
        if selector_grew or (
            name in want and differences({"metadata": {}, "spec": {name: want[name]}}, {"metadata": {}, "spec": have})
        ):
            yield f"spec.{name}"


def _selector(spec: Body) -> tuple[Any, Any]:
    selector = spec.get("selector") or {}
    return selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
