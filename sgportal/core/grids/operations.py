"""Changes of a grid that people know by a verb, as changes of its manifest: pause, resume, approve, restart, set image,
scale.

Each takes a manifest that is valid and gives a new one; `units` are NodeUnits by name, none for all of them.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from ..names import APPROVED_UNITS, OPERATION, PAUSED, PAUSED_UNITS, RESTARTED, RESTARTED_UNITS, ROLLOUT
from ..overrides.requests import restarted_units, units_in
from ..overrides.validation import MOST_REPLICAS
from ..text import Invalid, Problem, pointer, say
from .kinds import DEFAULT
from .reach import listed

Manifest = Mapping[str, Any]
Operation = Callable[[Manifest], dict[str, Any]]
_ASKED = frozenset((ROLLOUT, OPERATION))  # annotations that are carried out once for each text


def pause(manifest: Manifest, units: Collection[str]) -> dict[str, Any]:
    """Have nothing written for the grid, or for these units."""
    if not units:
        return _annotated(manifest, PAUSED, "true")
    known = units_in(_annotations(manifest), PAUSED_UNITS)
    return _annotated(manifest, PAUSED_UNITS, ",".join(dict.fromkeys([*known, *units])))


def resume(manifest: Manifest, units: Collection[str]) -> dict[str, Any]:
    """End a pause of the grid; or of these units, which go on only where the grid does."""
    if not units:
        return _annotated(manifest, PAUSED, "")
    left = [name for name in units_in(_annotations(manifest), PAUSED_UNITS) if name not in units]
    return _annotated(manifest, PAUSED_UNITS, ",".join(left))


def approve(manifest: Manifest, units: Collection[str]) -> dict[str, Any]:
    """Let these new units have their workload. Raises Invalid where none is named."""
    if not units:
        raise Invalid(Problem("/units", say("is required: the NodeUnits that are approved")))
    known = units_in(_annotations(manifest), APPROVED_UNITS)
    return _annotated(manifest, APPROVED_UNITS, ",".join(dict.fromkeys([*known, *units])))


def restart(manifest: Manifest, units: Collection[str], now: str) -> dict[str, Any]:
    """Have all pods, or those of these units, made anew by a rollout; `now` is the time in RFC 3339."""
    if not units:
        return _annotated(manifest, RESTARTED, now)
    known = restarted_units(_annotations(manifest))
    return _annotated(manifest, RESTARTED_UNITS, json.dumps(known | dict.fromkeys(units, now), sort_keys=True))


def set_image(manifest: Manifest, units: Collection[str], image: str, container: str) -> dict[str, Any]:
    """Give a container another image: in every template that has it, or by an override for these units. "" means the
    only container. Raises Invalid."""
    if units:
        return _overridden(
            manifest, units, {"image": image, **({"container": container} if container else {})}, "image"
        )
    spec = manifest["spec"]
    templates = [(name, each) for name, each in _templates(spec) if _has(each, container)]
    if not templates:
        raise Invalid(Problem("/container", say("no template has a container “%(name)s”", name=container)))
    changed = {name: _with_image(template, image, container) for name, template in templates}
    found = {**spec}
    if DEFAULT in changed:
        found["template"] = changed.pop(DEFAULT)
    if changed:
        found["templatePool"] = {**spec["templatePool"], **changed}
    return {**manifest, "spec": found}


def scale(manifest: Manifest, units: Collection[str], replicas: int) -> dict[str, Any]:
    """Set the number of replicas of each unit, as `kubectl scale` does; of all together where the grid divides a total;
    or by an override of these units. Raises Invalid."""
    spec = manifest["spec"]
    if not 0 <= replicas <= MOST_REPLICAS:
        raise Invalid(Problem("/replicas", say("must be between 0 and %(most)s", most=MOST_REPLICAS)))
    if units:
        return _overridden(manifest, units, {"replicas": replicas}, "replicas")
    if spec.get("totalReplicas") is not None:
        return {**manifest, "spec": {**spec, "totalReplicas": replicas}}
    if spec.get("template") is None:
        raise Invalid(Problem("/units", say("is required: the grid has no spec.template to scale")))
    return {**manifest, "spec": {**spec, "template": {**spec["template"], "replicas": replicas}}}


def with_canary(manifest: Manifest) -> dict[str, Any]:
    """Have changes reach one NodeUnit first, the others once somebody approves; a grid that has waves keeps them."""
    if manifest["spec"].get("rollout") is not None:
        return dict(manifest)
    rollout = {"waves": [{"name": "canary", "count": 1, "approval": True}], "maxUnavailable": "10%"}
    return {**manifest, "spec": {**manifest["spec"], "rollout": rollout}}


def overrides_by_name(spec: Mapping[str, Any], unit: str) -> list[Mapping[str, Any]]:
    """The overrides that name a unit; those that choose it by labels are others' as well. Of what has another shape,
    which kubectl may have written, there is none."""
    entries = (entry for entry in listed(spec.get("overrides")) if isinstance(entry, Mapping))
    return [entry for entry in entries if unit in listed(entry.get("units"))]


def remove_overrides(manifest: Manifest, units: Collection[str]) -> dict[str, Any]:
    """Take these units out of the overrides that name them. Raises Invalid where none is named."""
    if not units:
        raise Invalid(Problem("/units", say("is required: the NodeUnits that lose their overrides")))
    kept = []
    for entry in manifest["spec"].get("overrides") or ():
        left = [name for name in entry.get("units") or () if name not in units]
        if entry.get("units") is None or left:
            kept.append({**entry, "units": left} if left else entry)
    spec = {key: value for key, value in manifest["spec"].items() if key != "overrides"}
    return {**manifest, "spec": {**spec, **({"overrides": kept} if kept else {})}}


def replicas_now(spec: Mapping[str, Any]) -> Any:
    """The number that `scale` changes where no units are named, as it is written; None where it changes none."""
    if spec.get("totalReplicas") is not None:
        return spec["totalReplicas"]
    if spec.get("template") is None:
        return None
    return spec["template"].get("replicas", 1)  # what Kubernetes takes where nothing is said


def asking_as(manifest: Manifest, now: Mapping[str, str] | None) -> dict[str, Any]:
    """An earlier version of a grid or a ServiceGroup with what is asked of it by its annotations `now`, so that nothing
    that was done is asked once more."""
    before, now = _annotations(manifest), now or {}
    if _ASKED.isdisjoint((*before, *now)):
        return dict(manifest)
    kept = {key: value for key, value in before.items() if key not in _ASKED}
    annotations = {**kept, **{key: value for key, value in now.items() if key in _ASKED}}
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "annotations"}
    return {**manifest, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}


def members_asking_as(spec: Manifest, now: Iterable[Manifest]) -> dict[str, Any]:
    """The spec of an earlier version of a ServiceGroup, with what is asked of its members by annotations `now`."""
    asked = {(each["kind"], each["metadata"]["name"]): _annotations(each) for each in now}
    grids = [asking_as(each, asked.get((each["kind"], each["metadata"]["name"]))) for each in spec["grids"]]
    return {**spec, "grids": grids}


def _annotations(manifest: Manifest) -> dict[str, str]:
    return dict(manifest["metadata"].get("annotations") or {})


def _annotated(manifest: Manifest, name: str, value: str) -> dict[str, Any]:
    """The manifest with an annotation; without it where the value is empty."""
    kept = {key: each for key, each in _annotations(manifest).items() if key != name}
    annotations = {**kept, name: value} if value else kept
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def _overridden(manifest: Manifest, units: Collection[str], change: Mapping[str, Any], field: str) -> dict[str, Any]:
    """With one override for these units, in the place of what overrides of the same kind said of them."""
    entries = []
    for entry in manifest["spec"].get("overrides") or ():
        same = entry.keys() == {"units", *change} and entry.get("container") == change.get("container")
        left = [name for name in entry.get("units") or () if name not in units] if same else None
        if left is None:
            entries.append(entry)
        elif entry[field] == change[field]:  # they join those that have it already
            units = [*left, *units]
        elif left:
            entries.append({**entry, "units": left})
    return {**manifest, "spec": {**manifest["spec"], "overrides": [*entries, {"units": sorted(units), **change}]}}


def _templates(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if spec.get("template") is not None:
        yield DEFAULT, spec["template"]
    yield from (spec.get("templatePool") or {}).items()


def _has(template: Mapping[str, Any], container: str) -> bool:
    pod = template["template"]["spec"]
    if container:
        return any(each["name"] == container for name in _LISTS for each in pod.get(name) or ())
    if len(pod["containers"]) > 1:
        names = ", ".join(each["name"] for each in pod["containers"])
        raise Invalid(
            Problem("/container", say("is required: the template has several containers (%(names)s)", names=names))
        )
    return True


_LISTS = ("containers", "initContainers")


def _with_image(template: Mapping[str, Any], image: str, container: str) -> dict[str, Any]:
    pod = template["template"]["spec"]
    wanted = container or pod["containers"][0]["name"]
    lists = {
        name: [{**each, "image": image} if each["name"] == wanted else each for each in pod[name]]
        for name in _LISTS
        if pod.get(name)
    }
    return {**template, "template": {**template["template"], "spec": {**pod, **lists}}}


def unknown_units(units: Collection[str], known: Collection[str]) -> list[Problem]:
    """Those that are no NodeUnits of the grid."""
    return [
        Problem(pointer("units", index), say("“%(unit)s” is no NodeUnit of this grid", unit=name[:100]))
        for index, name in enumerate(units)
        if name not in known
    ]
