"""Installing our custom resource definitions before the first custom resource is listed."""

import logging
import threading

from ...cluster import Cluster, ClusterError, Throttled, Unreachable, install_crds
from .detector import Lookout

log = logging.getLogger(__name__)


class Installer:
    """Installs our definitions, once for all readers, unless SuperEdge's controller manages the grids. Where the
    cluster forbids it the portal goes on without."""

    def __init__(self, wanted: bool, lookout: Lookout) -> None:
        self._wanted = wanted
        self._lookout = lookout
        self._lock = threading.Lock()

    def look_first(self, cluster: Cluster) -> None:
        """Have looked for SuperEdge's controller. Raises ClusterError."""
        self._lookout.look_first(cluster)

    def ensure(self, cluster: Cluster) -> None:
        """Have the definitions installed, or given up. Raises Unreachable or Throttled, to be tried again."""
        with self._lock:
            if not self._wanted or not self._lookout.clear:
                return
            try:
                changed = install_crds(cluster)
            except (Unreachable, Throttled):
                raise
            except ClusterError as error:
                log.warning("our custom resources are not installed: %s", error)
            else:
                log.info("custom resources installed: %s", ", ".join(changed) or "nothing to change")
                if changed:
                    self._lookout.look_again(cluster)
            self._wanted = False
