"""What a grid is, and reading one from its manifest. `parse` is the validation; every door calls it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from ..names import HOME, LAST_APPLIED, SERVICEGROUP
from ..overrides.choice import Placement, placement_of
from ..overrides.division import Division, division_of
from ..overrides.joining import JoinPolicy, join_policy_of
from ..overrides.override import Override, overrides_of
from ..overrides.requests import Requests, requests_of
from ..overrides.variables import Variables, reads_labels, variables_of
from ..ownership.ignored import Ignored, ignored_of
from ..rollouts.strategy import Strategy, strategy_of
from ..schema import check_fields, wrong_type
from ..text import Invalid, Problem, Sentence, first_of, must_be, one_of, say
from ..traffic.closure import Capabilities, Closure, closure_of, refusal
from ..traffic.front import Front, front_of
from ..units import Unit
from .differences import override_problems
from .group import KIND as GROUP
from .kinds import API_VERSION, DEFAULT, KINDS, GridKind
from .validation import metadata_problems, spec_problems, unit_problems

_MANIFEST_FIELDS = {
    "apiVersion": ("any", True),
    "kind": ("any", True),
    "metadata": ("ObjectMeta", True),
    "spec": ("any", True),
    "status": ("any", False),
}


@dataclass(frozen=True, slots=True)
class GridSpec:
    """A valid grid. The dicts inside are the user's own and are never changed.

    `templates` maps a unit to a template's name; "" and "default" mean `template`. `closure` is None where the manifest
    leaves the choice to us. `ignored` is what is left to others once it was created. `front` says which plain Services
    a ServiceGrid has beside its own. `placement`: which NodeUnits it is for. `overrides`, `variables` and `division`
    tell the children of one template apart. `requests` is what people ask by annotations,
    `orphans` what the spec says of units without nodes (`overrides.orphans`), `join` what of units that are new,
    `rollout` in which waves a change reaches the units (None: all at once). `made` is what others have made of all that
    and keep with it, so as not to make it again; another grid, as `replace` makes it, has its own.
    """

    kind: GridKind
    namespace: str
    name: str
    key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Any] | None = None
    pool: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    default_template: str = DEFAULT
    closure: Closure | None = None
    ignored: tuple[Ignored, ...] = ()
    front: Front = ""
    placement: Placement = field(default_factory=Placement)
    overrides: tuple[Override, ...] = ()
    variables: Variables = field(default_factory=Variables)
    division: Division | None = None
    requests: Requests = field(default_factory=Requests)
    orphans: Mapping[str, Any] = field(default_factory=dict)
    rollout: Strategy | None = None
    join: JoinPolicy = "immediate"
    made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def template_name(self, unit: str) -> str:
        """The name of the template a unit uses; `default` is `spec.template` (SuperEdge's lookup rule)."""
        return self.templates.get(unit, self.default_template) or DEFAULT

    def template_of(self, unit: str) -> Mapping[str, Any] | None:
        """The child spec a unit uses, or None where the name leads nowhere."""
        name = self.template_name(unit)
        return self.template if name == DEFAULT else self.pool.get(name)

    def as_at(self, before: "GridSpec") -> "GridSpec":
        """The grid whose children are made of what it said before; which units it is for, what people ask of it and
        whom its children belong to is as it is now."""
        return replace(
            self,
            template=before.template,
            pool=before.pool,
            templates=before.templates,
            default_template=before.default_template,
            overrides=before.overrides,
            variables=before.variables,
            division=before.division,
        )

    def before_rollout(self, before: "GridSpec") -> "GridSpec":
        """As `as_at`, where what the whole grid's restart asks of pods has not reached the unit either."""
        return replace(self.as_at(before), requests=replace(self.requests, restarted=before.requests.restarted))

    def makes_as(self, other: "GridSpec") -> bool:
        """Whether its children are made of the same as another's."""
        return self.before_rollout(other) == self

    @property
    def templates_by_name(self) -> dict[str, Mapping[str, Any]]:
        """All templates; `default` is `spec.template`."""
        return {**({} if self.template is None else {DEFAULT: self.template}), **self.pool}

    @property
    def reads_labels(self) -> bool:
        """Whether a child depends on labels of its unit's nodes besides the key."""
        chosen = self.placement.reads_labels or any(each.choice.wanted is not None for each in self.overrides)
        written = (self.template, self.pool, [each.entry for each in self.overrides])
        return chosen or reads_labels(written)

    @property
    def asks_of_units(self) -> bool:
        """Whether more than the names of its units matters: their labels, or how many nodes they have."""
        return (
            self.reads_labels or self.join != "immediate" or (self.division is not None and self.division.by == "nodes")
        )

    def its(self, units: Mapping[str, Unit]) -> dict[str, Unit]:
        """Those of the NodeUnits of its key that the grid is for."""
        return {name: unit for name, unit in units.items() if self.placement.takes(unit)}

    def unused_templates(self) -> tuple[str, ...]:
        """Pool entries that neither a unit nor the default refers to."""
        used = {*self.templates.values(), self.default_template}
        return tuple(sorted(name for name in self.pool if name not in used))

    def path(self) -> str:
        """`<plural>/<namespace>/<name>`, the grid's place in URLs and work keys."""
        return f"{self.kind.plural}/{self.namespace}/{self.name}"


def parse(
    manifest: Any,
    units: Collection[str] = (),
    can: Capabilities | None = None,
    known: Mapping[str, Unit] | None = None,
) -> GridSpec:
    """The grid a manifest describes, as `kubectl apply` takes it.

    `units` are the NodeUnits known now: a grid that none of them could have a child of is refused. `can` is what the
    cluster can keep: a closure beyond it is refused (None: nobody asks). `known`: the units with their labels, for
    which overrides must not contradict one another (None: nobody asks).
    Raises Invalid with every problem found, each with its JSON pointer.
    """
    if not isinstance(manifest, Mapping):
        raise Invalid(wrong_type(manifest, "an object", ""))
    kind = KINDS.get(str(manifest.get("kind")))
    problems = first_of(_header_problems(manifest, kind))
    if kind is None or problems:
        raise Invalid(*problems)
    spec = manifest["spec"]
    problems = first_of(chain(metadata_problems(kind, manifest["metadata"]), spec_problems(kind, spec)))
    if not problems:
        problems = first_of(unit_problems(kind, spec, manifest["metadata"]["name"], units))
    if problems:
        raise Invalid(*problems)
    found = _build(kind, manifest["metadata"], spec)
    if problems := first_of(override_problems(found, known)):
        raise Invalid(*problems)
    if can and (reason := refusal(found.closure, can)):
        raise Invalid(Problem("/spec/closure/mode", reason))
    return found


def source_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a manifest's metadata that people write and we keep, without kubectl's book-keeping and ours."""
    written = (metadata.get("annotations") or {}).items()
    annotations = {key: value for key, value in written if key not in (LAST_APPLIED, HOME, SERVICEGROUP)}
    found = {"labels": dict(metadata.get("labels") or {}), "annotations": annotations}
    return {key: value for key, value in found.items() if value}


def _build(kind: GridKind, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> GridSpec:
    return GridSpec(
        kind=kind,
        namespace=metadata.get("namespace") or DEFAULT,
        name=metadata["name"],
        key=spec["gridUniqKey"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        template=spec.get("template"),
        pool=spec.get("templatePool") or {},
        templates=spec.get("templates") or {},
        default_template=spec.get("defaultTemplateName") or DEFAULT,
        closure=closure_of(spec.get("closure")),
        ignored=ignored_of(spec.get("ignoreDifferences")),
        front=front_of(spec.get("front")),
        placement=placement_of(spec.get("placement")),
        overrides=overrides_of(spec.get("overrides")),
        variables=variables_of(spec),
        division=division_of(spec),
        requests=requests_of(metadata.get("annotations")),
        orphans={name: spec[name] for name in ("orphanPolicy", "deleteAfterSeconds") if spec.get(name) is not None},
        rollout=strategy_of(spec.get("rollout")),
        join=join_policy_of(spec),
    )


def _header_problems(manifest: Mapping[str, Any], kind: GridKind | None) -> Iterator[Problem]:
    if kind is None and (reason := _elsewhere(manifest)):
        yield Problem("/kind", reason)
        return
    if manifest.get("apiVersion") != API_VERSION:
        yield Problem("/apiVersion", must_be(API_VERSION))
    if kind is None:
        yield Problem("/kind", one_of(KINDS))
    yield from check_fields(manifest, _MANIFEST_FIELDS, "")
    if manifest.get("spec") is not None and not isinstance(manifest["spec"], Mapping):
        yield wrong_type(manifest["spec"], "an object", "/spec")


def _elsewhere(manifest: Mapping[str, Any]) -> Sentence | None:
    """Where an object belongs that is one of Kubernetes' or of ours, but no grid; None for what is neither."""
    version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return None
    if version == API_VERSION:
        return say("a ServiceGroup cannot be part of a bundle; send it alone") if kind == GROUP else None
    return say(
        "%(kind)s (%(version)s) is not supported here, only %(kinds)s (%(wanted)s): remove it and apply it with"
        " “kubectl apply”",
        kind=kind[:100],
        version=version[:100],
        kinds=", ".join(KINDS),
        wanted=API_VERSION,
    )
