"""In which order the workers of a test run take tests: what waits for processes of its own is begun first, and one of
them computes meanwhile."""

import os
from collections.abc import Iterable

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

ENOUGH = 4  # with fewer workers, none can be spared for what only computes
YIELDS = 5  # how much that one yields to the others, as `nice` counts
# By past durations, the longest first: a group that is begun last is waited for by all. What is not here follows.
LONGEST = (
    "network",
    "reconciler-plane",
    "control-plane",
    "test_worker",
    "install-plane",
    "test_takeover",
    "test_demo",
    "test_keeper_takeover",
    "dual-stack-plane",
    "test_quick_fault",
    "test_compose",
    "test_backup",
    "test_killed_in_a_wave",
)


def in_order(scopes: Iterable[str]) -> list[str]:
    """Groups before tests that stand alone, whose scope is their own address; the longest groups first."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    return sorted(scopes, key=lambda scope: ("::" in scope, ranks.get(scope, len(ranks))))


def next_for(queue: Iterable[str], computes: bool) -> str:
    """The first scope of an ordered queue that is for a worker: one that `computes` leaves groups to the others."""
    scopes = iter(queue)
    first = next(scopes)
    if not computes or "::" in first:
        return first
    return next((scope for scope in scopes if "::" in scope), first)


def computes(worker: str, workers: int) -> bool:
    """Whether a worker, "gw3" of four, is the one that leaves groups to the others."""
    return workers >= ENOUGH and worker == f"gw{workers - 1}"


def yield_to_others() -> None:
    """In a worker that computes: have whoever waits for processes, and their processes, go first."""
    if computes(os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))):
        os.nice(YIELDS)


class Scheduling(LoadGroupScheduling):
    """`--dist loadgroup` in that order."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._is_ordered = False

    def _assign_work_unit(self, node: WorkerController) -> None:
        if not self._is_ordered:
            for scope in in_order(self.workqueue):
                self.workqueue.move_to_end(scope)
            self._is_ordered = True
        scope = next_for(self.workqueue, computes(node.gateway.id, self.numnodes))
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)
