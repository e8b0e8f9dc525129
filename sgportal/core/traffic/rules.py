"""Which hints a node's proxy obeys, by its version: kube-proxy's own rule of every minor version (pkg/proxy/topology.go
and its feature gates). tests/core/traffic/proof/test_proxy_versions.py holds each against that version's code.

| kube-proxy | hints for nodes | hints for zones |
|---|---|---|
| 1.34 and later | yes | yes, on nodes without a zone too |
| 1.33 | no | yes, on nodes without a zone too |
| 1.31, 1.32 | no | on nodes with a zone |
| 1.24 to 1.30 | no | on nodes with a zone, and only of Services with the annotation topology-mode |
| before | no | no |
| on Windows | no | no |
"""

import re
from dataclasses import dataclass
from typing import Literal

SINCE = (1, 34)
TOPOLOGY_MODE = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")
_READS_SLICES = (1, 19)  # before, kube-proxy went by Endpoints, of which we know nothing


@dataclass(frozen=True, slots=True)
class Rule:
    """How a proxy chooses among the ready endpoints of a Service. `nodes`: it obeys hints for nodes. `zones`: it obeys
    hints for zones on `all` nodes, on `labelled` ones (that have a zone), or on none. `running_first`: of two listings
    of one address it goes by one that does not terminate; else by any."""

    nodes: bool
    zones: Literal["all", "labelled", ""]
    running_first: bool = False

    def counts(self, zone: str) -> bool:
        """Whether hints for zones count on a node in this zone."""
        return self.zones == "all" or (self.zones == "labelled" and zone != "")


LATEST = Rule(True, "all", running_first=True)
IGNORES_HINTS = Rule(False, "")


def rule_of(version: str, annotated: bool = False) -> Rule | None:
    """The rule of a kube-proxy of this version, such as `v1.34.1`, for a Service with the annotation topology-mode or
    without; None where the version cannot be read."""
    minor = minor_of(version)
    if minor is None or minor < _READS_SLICES:
        return None
    if minor >= SINCE:
        return Rule(True, "all", running_first=minor >= (1, 36))
    if minor >= (1, 31):
        return Rule(False, "all" if minor >= (1, 33) else "labelled")
    return Rule(False, "labelled") if annotated and minor >= (1, 24) else IGNORES_HINTS


def minor_of(version: str) -> tuple[int, int] | None:
    """Major and minor number of a version; None where it cannot be read."""
    found = re.match(r"v?(\d{1,4})\.(\d{1,4})(?!\d)", version)
    return (int(found[1]), int(found[2])) if found else None


def obeys_hints(version: str) -> bool | None:
    """Whether a kube-proxy of this version obeys hints for nodes; None where the version cannot be read."""
    minor = minor_of(version)
    return minor >= SINCE if minor else None
