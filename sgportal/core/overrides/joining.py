"""`spec.joinPolicy`: when a NodeUnit that is new to a grid gets its workload."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from ..text import Problem, one_of

JoinPolicy = Literal["immediate", "whenReady", "approved"]
POLICIES: tuple[JoinPolicy, ...] = get_args(JoinPolicy)


def join_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the policy of a spec whose types are right."""
    if spec.get("joinPolicy") is not None and spec["joinPolicy"] not in POLICIES:
        yield Problem("/spec/joinPolicy", one_of(POLICIES))


def join_policy_of(spec: Mapping[str, Any]) -> JoinPolicy:
    """A valid policy; left out, a unit gets its workload as soon as a node has its label, as SuperEdge has it."""
    return spec.get("joinPolicy") or "immediate"
