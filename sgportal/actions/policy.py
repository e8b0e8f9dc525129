"""What this portal does not let its users ask of the cluster, said before anything is stored."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..access.approvals import is_guarded
from ..core.grids.grid import GridSpec
from ..core.names import DEPENDS_ON
from ..core.overrides.requests import rollout_text, rollout_words
from ..core.plans.per_unit.sequence import ring_text
from ..core.policy.rules import policy_problems
from ..core.text import Problem, pointer, say
from ..models import Grid
from ..models.scopes.current import writing
from ..queries.per_unit import sequence
from ..queries.policy import closed, labels_of, policy
from .common import Forbidden, Refused


def forbidden(specs: Mapping[str, GridSpec]) -> list[Problem]:
    """What the policy forbids about grids; each comes with the JSON pointer of its manifest. Raises Forbidden for what
    is out of scope."""
    for spec in specs.values():
        check_scope(spec.kind.kind, spec.namespace, spec.key)
    rules, labels = policy(), labels_of(spec.namespace for spec in specs.values())
    return [
        Problem(where + each.pointer, each.sentence)
        for where, spec in specs.items()
        for each in policy_problems(spec, rules, labels.get(spec.namespace, {}))
    ]


def rings(specs: Mapping[str, GridSpec]) -> list[Problem]:
    """What grids would wait for one another; each comes with the JSON pointer of its manifest."""
    found = sequence.rings(specs.values())
    where = pointer("metadata", "annotations", DEPENDS_ON)
    return [
        Problem(prefix + where, ring_text(found[spec.path()])) for prefix, spec in specs.items() if spec.path() in found
    ]


def check_wish(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    """Raises Refused where an edit from one metadata to another asks, by the annotation of rollouts, to go back, which
    takes two people here: nobody sees of an annotation what it will come to. kubectl has it for the cluster's own
    people."""
    asked = rollout_text(now.get("annotations"))
    is_new = asked != rollout_text((before or {}).get("annotations"))
    if is_new and is_guarded("rollback") and rollout_words(asked)[:1] == ["rollback"]:
        raise Refused(say("going back takes two people here: ask for it on the page of the rollout or by its own call"))


def check_scope(
    kind: str, namespace: str, key: str, units: Iterable[str] | None = None, *, asked: str | None = None
) -> None:
    """Raises Forbidden where the rights of whoever asks are not for a grid of this kind and NodeGroup, as a whole or in
    these NodeUnits; it names the NodeGroup that was `asked` for, where what is stored has another."""
    scope = writing()
    if scope.takes_whole(kind, namespace, key):
        return
    if units is None or not scope.takes_units(kind, namespace, key, units):
        raise Forbidden(
            say(
                "your role is limited to a scope, and a %(kind)s in namespace “%(namespace)s” for NodeGroup “%(key)s” "
                "is not in it, at least not in all of its NodeUnits",
                kind=kind,
                namespace=namespace,
                key=key if asked is None else asked,
            )
        )


def check_writable(grid: Grid, units: Iterable[str] | None = None) -> None:
    """Raises Forbidden where nobody may write in a grid's namespace, or its scope is not that of whoever asks, as a
    whole or in these NodeUnits."""
    check_open(grid.namespace)
    check_scope(grid.kind, grid.namespace, grid.key, units)


def check_open(namespace: str) -> None:
    """Raises Forbidden where the namespace is closed."""
    if reason := closed(namespace):
        raise Forbidden(reason)
