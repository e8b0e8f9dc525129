"""Why it is not known where the traffic to a Service goes. Where one of these holds nothing is claimed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...names import PROXY_NAME
from ...text import Sentence, say


@dataclass(frozen=True, slots=True)
class Doubt:
    """What evidence is missing: `reason` is CamelCase."""

    reason: str
    sentence: Sentence


NOT_MADE = Doubt("ServiceNotFound", say("the Service has not been seen in the cluster"))
NOT_OURS = Doubt("ServiceNotOwned", say("a Service of that name exists and does not belong to this grid"))
NO_SLICES = Doubt("EndpointSlicesNotSeen", say("no EndpointSlice of the Service has been seen yet"))
OTHER_PROXY = Doubt(
    "OtherProxy", say("the label %(label)s has kube-proxy leave the Service to another proxy", label=PROXY_NAME)
)
FILTER_NOT_SEEN = Doubt(
    "FilterNotSeen",
    say(
        "SuperEdge's application-grid-wrapper was not seen on the node; only where it runs does traffic stay within "
        "the NodeUnit"
    ),
)
NO_VERSION = Doubt(
    "ProxyVersionUnknown",
    say("the version of its kube-proxy is not known; hints for nodes are obeyed from 1.34 on"),
)
PROXY_NOT_SEEN = Doubt(
    "ProxyNotSeen",
    say(
        "no kube-proxy was seen on the node, while other nodes have one; nobody knows what carries its traffic to "
        "Services"
    ),
)
KUBE_ROUTER_SEEN = Doubt(
    "DataPlane",
    say(
        "kube-router runs on the node, and no kube-proxy was seen there; unless that is turned off "
        "(--run-service-proxy) kube-router carries the traffic to Services, and ignores hints"
    ),
)


def data_plane_doubt(why: Sentence | None) -> Doubt | None:
    """The doubt where it is not known, or not kube-proxy, what carries the traffic; None where `why` is."""
    return Doubt("DataPlane", why) if why else None


def proxy_doubt(service: Mapping[str, Any]) -> Doubt | None:
    """The doubt about a live Service that kube-proxy does not look at, or None."""
    return OTHER_PROXY if PROXY_NAME in (service["metadata"].get("labels") or {}) else None
