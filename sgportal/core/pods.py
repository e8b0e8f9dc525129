"""What the core needs to know of a pod, and how to read it from the cluster's own object."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ON_THE_WAY = ("", "Pending", "ContainerCreating", "PodInitializing", "SchedulingGated")
_ENDED = ("Succeeded", "Failed")


def is_trouble(reason: str) -> bool:
    """Whether the reason why a pod is not ready is more than that it is on its way."""
    return reason not in _ON_THE_WAY


@dataclass(frozen=True, slots=True)
class PodView:
    """What the core needs to know of a pod.

    `child` is the name of the Deployment or StatefulSet it belongs to ("" for none), `reason` and `message` say why
    it is not ready, as the cluster words it; `ports` are (name, port, protocol) of its containers; `hostname` and
    `subdomain` are those of its spec.
    """

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    node: str = ""
    ips: tuple[str, ...] = ()
    ready: bool = False
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    child: str = ""
    terminating: bool = False
    ports: tuple[tuple[str, int, str], ...] = ()
    uid: str = ""
    hostname: str = ""
    subdomain: str = ""

    @property
    def in_trouble(self) -> bool:
        """Whether something keeps it from becoming ready. One that has ended (evicted) or is on its way out does not
        count: its controller makes another."""
        return is_trouble(self.reason) and not (self.ready or self.terminating or self.phase in _ENDED)


def pod_view(body: Mapping[str, Any]) -> PodView:
    """A pod as an endpoint may need it: without `child`, `reason` and `message`, which only pages show."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    addresses = tuple(each["ip"] for each in status.get("podIPs") or () if each.get("ip"))
    return PodView(
        namespace=metadata["namespace"],
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        node=spec.get("nodeName") or "",
        ips=addresses or ((status["podIP"],) if status.get("podIP") else ()),
        ready=any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ()),
        phase=status.get("phase") or "Pending",
        terminating=bool(metadata.get("deletionTimestamp")),
        ports=tuple(pod_ports(spec)),
        uid=metadata["uid"],
        hostname=spec.get("hostname") or "",
        subdomain=spec.get("subdomain") or "",
    )


def pod_ports(spec: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """(name, port, protocol) of a pod's containers, then of its sidecars (init containers that always restart): the
    order in which Kubernetes looks up a named targetPort."""
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for port in container.get("ports") or ():
            yield port.get("name") or "", port["containerPort"], port.get("protocol") or "TCP"
