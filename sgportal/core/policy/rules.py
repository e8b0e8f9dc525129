"""Whether users of the portal may have a (valid) grid: the rules on namespaces, pods and Services together."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ..grids.grid import GridSpec
from ..overrides.override import Unfit, laid_over
from ..plans.desired import Finding
from ..plans.per_unit.layers import without_nulls
from ..plans.plan import Plan
from ..text import Problem, Sentence, pointer, say
from .namespaces import Namespaces
from .pod_security import Level, level_of, violations

CLOSED = "NamespaceClosed"  # the reason, and the condition, of a grid where nothing may be written


@dataclass(frozen=True, slots=True)
class Policy:
    """What this portal allows: the open namespaces, the Pod Security Standard of those whose label says none, and
    whether a Service may have addresses of its own choice (`externalIPs`)."""

    namespaces: Namespaces = field(default_factory=Namespaces)
    pod_security: Level = "baseline"
    external_ips: bool = False


def closed_namespace(namespace: str, policy: Policy) -> Sentence | None:
    """Why nothing may be written in a namespace, or None."""
    if policy.namespaces.is_open(namespace):
        return None
    return say("namespace “%(namespace)s” is closed to the portal (SGPORTAL_NAMESPACES)", namespace=namespace)


def held(planned: Plan, reason: Sentence | None) -> Plan:
    """The plan of a grid whose namespace is closed for this reason: nothing is written, and each unit that lacks a
    write says why. Without a reason, the plan as it is."""
    if reason is None:
        return planned
    units = dict.fromkeys(["", *(step.unit for step in planned.steps)] if planned.steps else ())
    return replace(planned, steps=(), findings=(*(Finding(unit, CLOSED, reason) for unit in units), *planned.findings))


def policy_problems(spec: GridSpec, policy: Policy, labels: Mapping[str, str]) -> Iterator[Problem]:
    """What about a grid the policy forbids, each with its JSON pointer in the manifest; `labels` are those of its
    namespace as far as they are known."""
    if reason := closed_namespace(spec.namespace, policy):
        yield Problem("/metadata/namespace", reason)
    elif spec.kind.child_kind == "Service":
        yield from _service_problems(spec.template or {}, policy)
    else:
        level, told = level_of(labels, policy.pod_security), set[str]()
        for template, where in _templates(spec):
            found = violations(level, template.get("template") or {}, where + "/template")
            for problem in found:
                if problem.pointer not in told:
                    told.add(problem.pointer)
                    yield Problem(problem.pointer, _explained(problem.sentence, level, spec.namespace))


def _explained(sentence: Sentence, level: Level, namespace: str) -> Sentence:
    return say(
        "%(rule)s: namespace “%(namespace)s” keeps the Pod Security Standard “%(level)s”",
        rule=sentence,
        namespace=namespace,
        level=level,
    )


def _templates(spec: GridSpec) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Each template, each with every single override over it, and with all of them: what units may have later, when
    their labels change, included. Variables stay as they are written, which no rule takes for an allowed value."""
    if spec.template is not None:
        yield spec.template, "/spec/template"
    for name, template in spec.pool.items():
        yield template, "/spec/templatePool" + pointer(name)
    several = [spec.overrides] if len(spec.overrides) > 1 else []
    for overrides in [*([each] for each in spec.overrides if each.entry.get("patch")), *several]:
        for template in spec.templates_by_name.values():
            with suppress(Unfit):  # such a unit has no child
                found = laid_over(template, overrides, spec.kind.template_type)
                yield without_nulls(found), overrides[-1].where + "/patch"


def _service_problems(template: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    """Fields by which a Service takes traffic that is not meant for it: `externalIPs` anybody's on the node network
    (CVE-2020-8554), and a name that leads whoever follows it back to itself (CVE-2021-25742's kind)."""
    if template.get("externalIPs") and not policy.external_ips:
        sentence = say("must not be set: a Service could intercept traffic to any address (SGPORTAL_EXTERNAL_IPS)")
        yield Problem("/spec/template/externalIPs", sentence)
    name = str(template.get("externalName") or "").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        sentence = say("must not be localhost: it would lead whoever follows it back to itself")
        yield Problem("/spec/template/externalName", sentence)
