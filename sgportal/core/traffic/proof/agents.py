"""The pods on nodes that carry traffic to Services, or filter what such a one sees, recognised by the labels that their
projects give them, in the namespaces where clusters keep such pods: elsewhere anybody may label a pod so.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...units import NodeView

KUBE_PROXY = "kube-proxy"
WRAPPER = "application-grid-wrapper"
KUBE_ROUTER = "kube-router"  # carries the traffic to Services itself, unless it is told to leave that to kube-proxy
# (label, value, role). kube-proxy: kubeadm and EKS, then static pods and AKS, then edgeadm's clone behind the wrapper.
_KNOWN = (
    ("k8s-app", "kube-proxy", KUBE_PROXY),
    ("component", "kube-proxy", KUBE_PROXY),
    ("k8s-app", "edge-kube-proxy", KUBE_PROXY),
    ("k8s-app", "kube-router", KUBE_ROUTER),
    ("k8s-app", "application-grid-wrapper", WRAPPER),
    ("k8s-app", "application-grid-wrapper-master", WRAPPER),
    ("k8s-app", "application-grid-wrapper-node", WRAPPER),
)
ROLES = tuple(dict.fromkeys(role for _, _, role in _KNOWN))
NAMESPACES = frozenset(("kube-system", "edge-system"))
_TAG = re.compile(r":[vV]?(\d+\.\d+(?:\.\d+)?)[^/@]*(?:@[^/]*)?$")


def role_of(body: Mapping[str, Any]) -> str:
    """What a pod is on its node, one of ROLES; "" for nothing of that kind."""
    metadata = body["metadata"]
    if metadata["namespace"] not in NAMESPACES:
        return ""
    labels = metadata.get("labels") or {}
    return next((role for label, value, role in _KNOWN if labels.get(label) == value), "")


def without_proxy(nodes: Iterable[NodeView]) -> frozenset[str]:
    """The nodes on which no kube-proxy was seen while on others it was, as a pod, so that something else may carry the
    traffic there. None where it was seen on no node at all: then it is no pod (k3s), and every node has one."""
    seen = {node.name: any(each.role == KUBE_PROXY for each in node.agents) for node in nodes}
    return frozenset(name for name, has in seen.items() if not has) if any(seen.values()) else frozenset()


def version_of(body: Mapping[str, Any], role: str) -> str:
    """The version of the image that an agent's pod runs, such as `v1.34.1`, by its tag; "" where the tag is none."""
    containers = (body.get("spec") or {}).get("containers") or ()
    images = [str(each.get("image") or "") for each in containers]
    named = [image for image in images if role in image.rpartition("/")[2]] or images[:1]
    return image_version(named[0]) if named else ""


def image_version(image: str) -> str:
    """The version in an image's tag: `v1.34.1` of `registry.k8s.io/kube-proxy:v1.34.1-eksbuild.2`; "" for none."""
    found = _TAG.search(image)
    return f"v{found[1]}" if found else ""
