"""`spec.orphanPolicy`: what becomes of the child of a NodeUnit that has no nodes any more."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from ..text import Problem, one_of, say

OrphanPolicy = Literal["retain", "delete", "deleteAfter"]
POLICIES: tuple[OrphanPolicy, ...] = get_args(OrphanPolicy)
MOST_SECONDS = 2**31 - 1


def orphan_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the policy of a spec whose types are right."""
    policy, seconds = spec.get("orphanPolicy"), spec.get("deleteAfterSeconds")
    if policy is not None and policy not in POLICIES:
        yield Problem("/spec/orphanPolicy", one_of(POLICIES))
    elif seconds is not None and policy in ("retain", "delete"):
        yield Problem("/spec/deleteAfterSeconds", say("has no meaning unless orphanPolicy is “deleteAfter”"))
    elif not 0 <= (seconds or 0) <= MOST_SECONDS:
        yield Problem("/spec/deleteAfterSeconds", say("must be between 0 and %(most)s", most=MOST_SECONDS))


def grace_of(spec: Mapping[str, Any], default: float) -> float:
    """How many seconds the child of a unit without nodes is kept: none at all by SuperEdge's rule, `delete`; for ever
    with `retain` (infinite); else as the spec says, or the `default`. What is invalid gets the default."""
    policy, seconds = spec.get("orphanPolicy"), spec.get("deleteAfterSeconds")
    if policy == "retain":
        return math.inf
    if policy == "delete":
        return 0.0
    return float(seconds) if isinstance(seconds, int) else default
