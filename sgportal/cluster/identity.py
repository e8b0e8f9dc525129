"""Which cluster an API server belongs to: told by the uid of its namespace kube-system, which lives as long as the
cluster does and is never the same in two (the convention of OpenTelemetry's `k8s.cluster.uid`)."""

import threading
import time
from collections.abc import Callable

from .errors import AnotherCluster, ClusterError, Refused

_NEVER = float("-inf")


class Identity:
    """The cluster that is meant, and the one last seen at its address; for any number of threads.

    `expected` is the uid that is meant ("": none is known yet, so any will do). `seen` is the uid that the API server
    told last: None before the first answer, "" where it has no namespace kube-system.
    """

    def __init__(self, expected: str = "") -> None:
        self._expected = expected
        self._lock = threading.Lock()
        self._confirmed_at = self._failed_at = _NEVER  # when the request was sent, on the monotonic clock
        self._error: ClusterError | None = None
        self.seen: str | None = None

    @property
    def expected(self) -> str:
        """The uid that is meant."""
        return self._expected

    @expected.setter
    def expected(self, uid: str) -> None:
        with self._lock:
            if uid != self._expected:
                self._expected, self._confirmed_at = uid, _NEVER

    def confirm(self, read: Callable[[], str], since: float) -> None:
        """Make sure that the cluster is the one that is meant, by an answer to a request sent at or after `since` (on
        the monotonic clock). Threads that ask side by side share one request.

        `read` gives the uid. Raises AnotherCluster, or the ClusterError for which it could not be told. Where nobody
        expects a certain cluster, one that does not tell (an older `deploy/rbac.yaml`) is good enough.
        """
        asked = time.monotonic()
        with self._lock:
            if self._confirmed_at >= since:
                return
            if self._error and self._failed_at >= asked:
                raise self._error
            began, self._error = time.monotonic(), None
            try:
                self._compare(read())
            except Refused as error:
                if self._expected:
                    self._failed_at, self._error = began, error
                    raise
            except ClusterError as error:
                self._failed_at, self._error = began, error
                raise
            self._confirmed_at = began

    def _compare(self, uid: str) -> None:
        self.seen = uid
        if self._expected and uid != self._expected:
            raise AnotherCluster(
                f"the API server belongs to another cluster: {uid or 'one without a namespace kube-system'} instead of "
                f"{self._expected}"
            )
