"""What each child of a grid of workloads consists of, layer by layer: its template, the overrides for its unit, its
share of `totalReplicas`, its variables, and what ties it to its unit. Units for which the same is written share it.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...grids.differences import child_problems
from ...grids.grid import GridSpec
from ...grids.kinds import DEFAULT
from ...names import RESTARTED, UNIT
from ...overrides.form import NOWHERE, Form, Tree, form_of
from ...overrides.override import Override, Unfit, clash_among, laid_over
from ...overrides.tracing import Traced, traced, untraced
from ...overrides.variables import Missing, substituted
from ...text import Problem, Sentence, pointer, say
from ...units import Unit


class NotPossible(Exception):
    """Why a unit can have no child now: a CamelCase `reason` and the `sentence`."""

    def __init__(self, reason: str, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.reason = reason
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Made:
    """The spec of a unit's child, the name of its template, and where there are texts with variables in it. `make` is
    the same for specs of a grid, alike labelled, that differ in nothing but these and what ties them to their unit."""

    spec: dict[str, Any]
    template: str
    varying: Tree
    make: tuple[Hashable, ...]


@dataclass(slots=True)
class Layers:
    """The children's specs of a grid. `known` are its units, as far as more than their names is known. With `trace` the
    values of a spec know where in the manifest they are written (`overrides.tracing`)."""

    spec: GridSpec
    known: Mapping[str, Unit]
    trace: bool = False
    _shares: Mapping[str, int] | None = None
    _patched: dict[tuple[Any, ...], tuple[dict[str, Any], Form | None]] = field(init=False)

    def __post_init__(self) -> None:
        self._patched = {} if self.trace else self.spec.made.setdefault(Layers, {})

    def of(self, unit: str, labelled: bool) -> dict[str, Any]:
        """The spec of a unit's child, with the label of the unit on its pods where it is `labelled`. What it is made of
        is shared, so nobody changes it. Raises NotPossible."""
        return self.made(unit, labelled).spec

    def made(self, unit: str, labelled: bool) -> Made:
        """That spec, and what is known of it. Raises NotPossible."""
        facts = self.known.get(unit) or Unit(unit, ())
        overrides = [each for each in self.spec.overrides if each.choice.takes(facts)]
        template = self.spec.template_name(unit)
        mark = (template, *(each.index for each in overrides))
        found, form = self._overridden(mark, overrides, unit)
        share = self._share(unit, overrides)
        if share is not None:
            found = {**found, "replicas": self._value(share, "/spec/totalReplicas")}
        if form:
            found = self._resolved(found, form, facts)
        asked = self.spec.requests.restart_of(unit)
        found = self._restarted(found, *asked)
        varying = form.tree if form else NOWHERE
        return Made(self._tied(found, unit, labelled), template, varying, (mark, share, asked[0]))

    def _value(self, value: Any, origin: str = "") -> Any:
        return Traced(value, origin) if self.trace else value

    def _overridden(
        self, mark: tuple[Any, ...], overrides: list[Override], unit: str
    ) -> tuple[dict[str, Any], Form | None]:
        """The template of a unit with its overrides, made once for all units with the same, and its form."""
        if mark not in self._patched:
            template, type_name = self._template(unit), self.spec.kind.template_type
            try:
                if clash := clash_among(overrides, template, type_name):
                    text = say("%(where)s %(why)s", where=clash.second.where, why=clash.sentence(unit))
                    raise NotPossible("OverrideConflict", text)
                found = laid_over(template, overrides, type_name, self.trace)
            except Unfit as unfit:
                raise NotPossible("OverrideDoesNotFit", unfit.sentence) from None
            self._patched[mark] = found, form_of(untraced(found) if self.trace else found, self._problems)
        return self._patched[mark]

    def _template(self, unit: str) -> dict[str, Any]:
        name = self.spec.template_name(unit)
        template = self.spec.template_of(unit)
        if template is None:
            raise NotPossible("TemplateNotFound", say("there is no template “%(name)s” in templatePool", name=name))
        where = "/spec/template" if name == DEFAULT else pointer("spec", "templatePool", name)
        found: dict[str, Any] = traced(template, where) if self.trace else without_nulls(template)
        return found

    def _share(self, unit: str, overrides: Collection[Override]) -> int | None:
        """The unit's part of `totalReplicas`, unless an override says how many it has."""
        if self.spec.division is None or any(_sets_replicas(each) for each in overrides):
            return None
        if self._shares is None:
            free = {name: each for name, each in self.known.items() if not self._has_own_number(each)}
            self._shares = self.spec.division.shares(free)
        return self._shares.get(unit, self.spec.division.at_least)

    def _has_own_number(self, unit: Unit) -> bool:
        return any(_sets_replicas(each) and each.choice.takes(unit) for each in self.spec.overrides)

    def _resolved(self, child_spec: dict[str, Any], form: Form, unit: Unit) -> dict[str, Any]:
        """The spec with the unit's variables, if that is a spec still."""
        try:
            plain = untraced(child_spec) if self.trace else child_spec
            found, problem = form.fill(plain, unit, self.spec.variables, self._problems)
            if self.trace:
                found = substituted(child_spec, unit, self.spec.variables)
        except Missing as missing:
            raise NotPossible("VariableMissing", missing.sentence) from None
        if problem:
            text = say(
                "its variables make an invalid child: %(field)s %(why)s", field=problem.pointer, why=problem.sentence
            )
            raise NotPossible("InvalidForUnit", text)
        return dict(found)

    def _problems(self, child_spec: Mapping[str, Any]) -> Iterator[Problem]:
        return child_problems(self.spec.kind, child_spec, "")

    def _restarted(self, child_spec: dict[str, Any], asked: str, by: str) -> dict[str, Any]:
        """The spec with the annotation of pods that `kubectl rollout restart` sets, the later of the template's own and
        what was `asked` of the grid."""
        if not asked:
            return child_spec
        template = child_spec["template"]
        metadata = template.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        if asked <= str(untraced(annotations.get(RESTARTED)) or ""):
            return child_spec
        annotations = {**annotations, RESTARTED: self._value(asked, pointer("metadata", "annotations", by))}
        return {**child_spec, "template": {**template, "metadata": {**metadata, "annotations": annotations}}}

    def _tied(self, child_spec: Mapping[str, Any], unit: str, labelled: bool) -> dict[str, Any]:
        """The spec whose pods run on the unit's nodes and, where it is labelled, can be told from those of others."""
        template, selector = child_spec["template"], child_spec["selector"]
        pod, metadata = template["spec"], template.get("metadata") or {}
        node_selector = {**(pod.get("nodeSelector") or {}), self.spec.key: self._value(unit)}
        template = {**template, "spec": {**pod, "nodeSelector": node_selector}}
        if not labelled:
            return {**child_spec, "template": template}
        labels = {**(metadata.get("labels") or {}), UNIT: self._value(unit)}
        chosen = {**(selector.get("matchLabels") or {}), UNIT: self._value(unit)}
        template = {**template, "metadata": {**metadata, "labels": labels}}
        return {**child_spec, "selector": {**selector, "matchLabels": chosen}, "template": template}


def _sets_replicas(override: Override) -> bool:
    patch = override.entry.get("patch") or {}
    return override.entry.get("replicas") is not None or patch.get("replicas") is not None


def without_nulls(value: Any) -> Any:
    """A deep copy without null fields, which mean "absent" to the API server."""
    if isinstance(value, Mapping):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(each) for each in value]
    return value
