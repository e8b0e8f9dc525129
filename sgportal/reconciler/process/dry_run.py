"""Asking the API server before something is stored: side by side, by a few threads of their own, within a time."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.conf import settings

from ...cluster import Cluster, ClusterError, Unreachable
from ...core.plans.trial import Trial
from ...logs import carried

THREADS = 8
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="dry-run")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server said to a trial: what it warns of where it takes it, else `error`."""

    warnings: tuple[str, ...] = ()
    error: ClusterError | None = None


class Late(Unreachable):
    """No answer within SGPORTAL_DRY_RUN_SECONDS."""


def ask(cluster: Cluster, trials: Sequence[Trial]) -> list[Reply]:
    """What the API server says to each, in order, within SGPORTAL_DRY_RUN_SECONDS in all; Late for those that
    had no answer by then. It touches no row."""
    seconds = settings.SGPORTAL_DRY_RUN_SECONDS
    deadline = time.monotonic() + seconds
    futures = [_pool.submit(carried(_one), cluster, trial, deadline) for trial in trials]
    wait(futures, timeout=seconds)
    return [_reply(future) for future in futures]


def _one(cluster: Cluster, trial: Trial, deadline: float) -> Reply:
    left = deadline - time.monotonic()
    if left <= 0:
        return _too_late()
    try:
        return Reply(cluster.try_out(trial.body, seconds=left))
    except ClusterError as error:
        return _too_late() if time.monotonic() >= deadline else Reply(error=error)


def _reply(future: Future[Reply]) -> Reply:
    if future.done():
        return future.result()
    future.cancel()  # one that runs ends by its own time-out
    return _too_late()


def _too_late() -> Reply:
    return Reply(error=Late(f"no answer within {settings.SGPORTAL_DRY_RUN_SECONDS} s"))
