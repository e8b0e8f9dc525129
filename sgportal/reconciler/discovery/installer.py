"""Installing our custom resource definitions before the first custom resource is listed."""

import logging
import threading
from datetime import datetime
from typing import Literal

from ...cluster import Cluster, ClusterError, Conflict, Throttled, Unreachable, install_crds
from ..fleet.guard import Guard
from .detector import Detector

log = logging.getLogger(__name__)


class Installer:
    """Installs our definitions, once for all readers, unless SuperEdge's controller manages the grids, and again after
    a person's decision. Where the cluster forbids it the portal goes on without. One that is gone, and all its grids
    with it, is not put back before a person has decided that; one that is still being deleted is put back once it is
    gone."""

    def __init__(self, wanted: bool, lookout: Detector, guard: Guard) -> None:
        self._wanted = wanted
        self._lookout = lookout
        self._guard = guard
        self._lock = threading.Lock()
        self._done_for: datetime | Literal["nothing"] | None = "nothing"  # the decision for which it was done last

    def before_list(self, cluster: Cluster) -> None:
        """Have looked for SuperEdge's controller. Raises ClusterError."""
        self._lookout.before_list(cluster)

    @property
    def due(self) -> bool:
        """Whether a person has decided something since it was last done."""
        decision = self._guard.decided_at
        return self._wanted and self._lookout.clear and decision is not None and decision != self._done_for

    def ensure(self, cluster: Cluster) -> None:
        """Have the definitions installed, or given up. Raises Unreachable or Throttled, to be tried again."""
        with self._lock:
            decision = self._guard.decided_at
            if not self._wanted or decision == self._done_for or not self._lookout.clear:
                return
            if not all(cluster.serves(kind) for kind in self._guard.kinds):
                return
            try:
                changed = install_crds(cluster)
            except (Unreachable, Throttled):
                raise
            except Conflict as error:
                log.info("our custom resources are installed later: %s", error)
                return
            except ClusterError as error:
                log.warning("our custom resources are not installed: %s", error)
            else:
                log.info("custom resources installed: %s", ", ".join(changed) or "nothing to change")
                if changed:
                    self._lookout.look_again(cluster)
            self._done_for = decision
