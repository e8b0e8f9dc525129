"""What this portal does not let its users ask of the cluster, said before anything is stored."""

from collections.abc import Mapping

from ..core.grids.grid import GridSpec
from ..core.policy.rules import policy_problems
from ..core.text import Problem
from ..queries.policy import closed, labels_of, policy
from .common import Forbidden


def forbidden(specs: Mapping[str, GridSpec]) -> list[Problem]:
    """What the policy forbids about grids; each comes with the JSON pointer of its manifest."""
    rules, labels = policy(), labels_of(spec.namespace for spec in specs.values())
    return [
        Problem(where + each.pointer, each.sentence)
        for where, spec in specs.items()
        for each in policy_problems(spec, rules, labels.get(spec.namespace, {}))
    ]


def check_open(namespace: str) -> None:
    """Raises Forbidden where the namespace is closed."""
    if reason := closed(namespace):
        raise Forbidden(reason)
