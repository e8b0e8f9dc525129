"""A grid of what was one template for several pools or groups, from what each of them is to run in the end."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..grids.kinds import KINDS
from ..overrides.merging import merged
from ..overrides.override import strip_directives
from ..plans.per_unit.layers import without_nulls
from ..schema import check
from ..text import REQUIRED, Invalid, first_of, one_of, say
from .bundle import Bundle
from .differences import NotExpressible, override_entries
from .json_patch import OPERATIONS, NotApplicable, patched
from .source import Source

GRID_OF = {"Deployment": "DeploymentGrid", "StatefulSet": "StatefulSetGrid"}
OVERRIDES = "spec.overrides"
_VARIABLES = ("{{nodepool-name}}", "{{nodepool}}")  # of the patches of YurtAppSets; of YurtAppOverriders
_UNIT_NAME = "{{unit.name}}"
MOST_CHANGES = 20_000  # of all units of one object: each is laid over a whole template, and checked


class PerUnit:
    """What the child of each NodeUnit is to be so far (`wanted`), begun with one template for all."""

    def __init__(self, child_kind: str, template: Mapping[str, Any], units: Iterable[str]) -> None:
        self.kind = KINDS[GRID_OF[child_kind]]
        self.template = template
        self.wanted: dict[str, dict[str, Any]] = {unit: dict(template) for unit in units}
        self._changes = 0

    def replicas(self, units: Iterable[str], number: int | None, source: Source, at: str) -> None:
        """Another number of replicas."""
        if number is not None:
            source.carry(at, OVERRIDES)
            for unit in self._its(units, source, at):
                self.wanted[unit] = {**self.wanted[unit], "replicas": number}

    def image(
        self, units: Iterable[str], name: str, image: str, source: Source, at: str, fields: Sequence[str]
    ) -> None:
        """Another image for the containers of a name; `fields` are those at the pointer that say so."""
        for field in fields:
            source.carry(f"{at}/{field}", OVERRIDES)
        made = {unit: with_image(self.wanted[unit], name, image) for unit in self._its(units, source, at)}
        self.wanted |= {unit: spec for unit, spec in made.items() if spec is not None}
        if None in made.values():
            text = say("the template has no container “%(name)s”", name=name[:100])
            source.note("lost", at, text, say("name one that it has"))

    def merge(self, unit: str, patch: Any, source: Source, at: str) -> None:
        """A patch at a pointer laid over, as Kubernetes does it (strategic merge patch). Raises Invalid."""
        checked = check(strip_directives(patch), self.kind.template_type, source.where + at)
        if problems := first_of(each for each in checked if each.sentence != REQUIRED):
            raise Invalid(*problems)
        found = without_nulls(merged(self.wanted[unit], patch, self.kind.template_type))
        source.check_value(found, self.kind.template_type, at)
        self.wanted[unit] = found

    def json_patch(self, units: Iterable[str], patch: Any, source: Source, at: str) -> None:
        """One operation of a JSON Patch. Raises Invalid."""
        source.check({"path": "str", "operation": "str", "value": "any"}, at, ("path", "operation"))
        operation, path = patch["operation"], patch["path"]
        if operation not in OPERATIONS:
            raise source.refuse(at + "/operation", one_of(OPERATIONS))
        if path == "/spec" or not path.startswith("/spec/"):
            text = say("“%(path)s” is not within the spec of the workload", path=path[:200])
            source.note("lost", at, text, say("children have the labels of their grid, and no other metadata"))
            return
        for field in ("path", "operation", "value"):
            source.carry(f"{at}/{field}", OVERRIDES)
        value = _with_unit_names(patch.get("value"))
        for unit in self._its(units, source, at):
            try:
                found = without_nulls(patched(self.wanted[unit], operation, path.removeprefix("/spec"), value))
                source.check_value(found, self.kind.template_type, at)
            except NotApplicable as why:
                source.note("blocked", at, why.sentence, say("mend the patch, or take it out"))
                return
            except Invalid as invalid:
                text = say(
                    "makes an invalid child: %(field)s %(why)s", field=path[:200], why=invalid.problems[0].sentence
                )
                source.note("blocked", at, text, say("mend the patch, or take it out"))
                return
            self.wanted[unit] = found

    def _its(self, units: Iterable[str], source: Source, at: str) -> list[str]:
        """Those of these units that it is for; others are said to be left out."""
        listed = list(dict.fromkeys(units))
        self._changes += len(listed)
        if self._changes > MOST_CHANGES:
            raise source.refuse(at, say("more than %(limit)s changes for single NodeUnits", limit=MOST_CHANGES))
        others = [each for each in listed if each not in self.wanted]
        if others or not listed:
            text = say("it is for %(units)s, where this does not run", units=", ".join(others) or "–")
            source.note("lost", at, text, say("add these to its pools, or leave it"))
        return [each for each in listed if each in self.wanted]

    def make(
        self, bundle: Bundle, source: Source, name: str, key: str, at: str, metadata: Mapping[str, Any]
    ) -> str | None:
        """The path of the grid, of which `at` is the template, with the labels and annotations that are given; None
        where it cannot be made, which is said."""
        spec: dict[str, Any] = {"gridUniqKey": key, "template": dict(self.template)}
        spec["placement"] = {"include": {"units": list(self.wanted)}}
        wanted = {unit: {**each, "selector": self.template["selector"]} for unit, each in self.wanted.items()}
        if any(each["selector"] != self.template["selector"] for each in self.wanted.values()):
            text = say("all children of a grid have one selector; that of the template holds")
            source.note("lost", at + "/selector", text, say("make a grid of its own where it has to differ"))
        try:
            entries = override_entries(self.template, wanted, self.kind.template_type)
        except NotExpressible as why:
            text = say("what “%(unit)s” is to run cannot be said by overrides of one template", unit=why.unit)
            source.note("blocked", at, text, say("make a grid of its own of it"))
            return None
        if entries:
            spec["overrides"] = entries
        path = bundle.grid(source, self.kind.kind, name, metadata, spec, at)
        if path:
            source.carry(at, f"{path}#/spec/template")
        return path


def _with_unit_names(value: Any) -> Any:
    """A value with the variable of ours in the place of OpenYurt's."""
    text = json.dumps(value)
    for each in _VARIABLES:
        text = text.replace(each, _UNIT_NAME)
    return json.loads(text)


def cannot_run_twice(template: Mapping[str, Any]) -> bool:
    """Whether pods of a template would be in the way of others of it on the same node."""
    pod = (template.get("template") or {}).get("spec") or {}
    ports = (port for each in pod.get("containers") or () for port in each.get("ports") or ())
    claims = any("persistentVolumeClaim" in each for each in pod.get("volumes") or ())
    return bool(pod.get("hostNetwork")) or claims or any(port.get("hostPort") for port in ports)


def containers(spec: Mapping[str, Any], field: str = "containers") -> list[Mapping[str, Any]]:
    """The containers of a workload's spec in a field of its pods."""
    return list(((spec.get("template") or {}).get("spec") or {}).get(field) or ())


def with_containers(
    spec: Mapping[str, Any], made: Iterable[Mapping[str, Any]], field: str = "containers"
) -> dict[str, Any]:
    """A workload's spec with other containers in a field of its pods."""
    template = spec.get("template") or {}
    pod = {**(template.get("spec") or {}), field: [dict(each) for each in made]}
    return {**spec, "template": {**template, "spec": pod}}


def with_image(spec: Mapping[str, Any], name: str, image: str) -> dict[str, Any] | None:
    """A workload's spec with another image for the container, or init container, of a name; None without one."""
    found = dict(spec)
    is_there = False
    for field in ("containers", "initContainers"):
        before = containers(spec, field)
        if any(each.get("name") == name for each in before):
            is_there = True
            made = ({**each, "image": image} if each.get("name") == name else each for each in before)
            found = with_containers(found, made, field)
    return found if is_there else None
