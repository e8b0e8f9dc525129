"""Kubernetes' rules for names and labels, and SuperEdge's names for what a grid makes.

Syntax: kubernetes.io/docs "Object Names and IDs" and "Labels and Selectors". Names: SuperEdge ServiceGroup.
"""

import hashlib
import re

from .text import Sentence, say

GROUP = "superedge.io"
GRID_SELECTOR = f"{GROUP}/grid-selector"
GRID_UNIQ_KEY = f"{GROUP}/grid-uniq-key"
TOPOLOGY_KEYS = "topologyKeys"
OWNER_UID = f"sgportal.{GROUP}/grid-uid"
CLOSURE = f"sgportal.{GROUP}/closure"
SELECTOR = f"sgportal.{GROUP}/selector"
# Labels of ours: the NodeUnit of pods, and of what else is of one only; of a plain Service beside a ServiceGrid's own,
# which kind of front it is.
UNIT = f"sgportal.{GROUP}/unit"
FRONT = f"sgportal.{GROUP}/front"
# Annotations of ours on a grid's custom resource: what would be lost with the portal's database.
HOME = f"sgportal.{GROUP}/home"
SERVICEGROUP = f"sgportal.{GROUP}/servicegroup"
OWN_GROUP = f"sgportal.{GROUP}"  # the API group of what SuperEdge has no kind for: ServiceGroups
MEMBERS_FINALIZER = f"{OWN_GROUP}/members"  # keeps a ServiceGroup until its members are gone
CONFIRM_DELETION = f"{OWN_GROUP}/confirm-deletion"  # lets go of more members than may go without a person
DEPENDS_ON = f"{OWN_GROUP}/depends-on"  # the grids of its namespace that a grid waits for, as <plural>/<name>
# Annotations of a grid by which people ask for something; the one of kubectl is that of `kubectl rollout restart`.
# Why a revision was made, as kubectl has it for Deployments.
CHANGE_CAUSE = "kubernetes.io/change-cause"
PAUSED = f"sgportal.{GROUP}/paused"
PAUSED_UNITS = f"sgportal.{GROUP}/paused-units"
APPROVED_UNITS = f"sgportal.{GROUP}/approved-units"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
RESTARTED_UNITS = f"sgportal.{GROUP}/restarted-units"
ROLLOUT = f"sgportal.{GROUP}/rollout"  # what is to become of the rollout that is under way
OPERATION = f"sgportal.{GROUP}/operation"  # what is done once: restore, pin, unpin, image
TIME_ZONE = f"sgportal.{GROUP}/time-zone"  # a label of nodes: where a NodeUnit is, with a dot in the place of the slash
# Labels and annotations of a grid's children that are its own, whoever may write others.
GRIDS_OWN_KEYS = frozenset((GRID_SELECTOR, GRID_UNIQ_KEY, TOPOLOGY_KEYS, OWNER_UID, CLOSURE, SELECTOR, FRONT, UNIT))
FIELD_MANAGER = "sgportal"  # as `metadata.managedFields` names what we write
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Kubernetes' labels of nodes and EndpointSlices (kubernetes.io/docs "Well-Known Labels, Annotations and Taints").
ZONE = "topology.kubernetes.io/zone"
SERVICE_NAME = "kubernetes.io/service-name"
SERVICE_SUFFIX = "-svc"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
PROXY_NAME = "service.kubernetes.io/service-proxy-name"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
SLICE_MANAGER = f"closure.sgportal.{GROUP}"
BUILT_IN_SLICES, MIRRORED_SLICES = "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"
# The Services without endpoints to whose addresses sentinels send what must be refused: this one, and more of its name
# with a number, from 2, where one endpoint has no room for all that sentinels name.
REFUSING_SERVICE = "sgportal-refuse"
# Annotation of the first of them: zones that nodes are about to have, as JSON {zone: seconds since the epoch}.
ANNOUNCED_ZONES = f"sgportal.{GROUP}/announced-zones"
# What answers of the API server itself are recorded under, beside the resources that are watched.
APISERVER = "apiserver"
# Hints for nobody: names that no node and no zone has.
NO_NODE = f"no-node.sgportal.{GROUP}"
NO_ZONE = f"none.sgportal.{GROUP}"
NODE_RESTRICTION = "node-restriction.kubernetes.io"
_KUBERNETES = ("kubernetes.io", "k8s.io")
_OPERATORS = ("topology.kubernetes.io", NODE_RESTRICTION)  # whose labels operators set
_KUBELETS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBELET_LABELS = frozenset(
    (
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    )
)

_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
MAX_LABEL = 63
# A child's name becomes a label value and part of pod names; a StatefulSet's also carries "-<revision hash>".
MAX_CHILD_NAME = {"Deployment": 63, "StatefulSet": 52, "Service": 63}


def label_key_problem(key: object) -> Sentence | None:
    """What is wrong with a label key, or None."""
    if not isinstance(key, str) or not key:
        return say("must be a label key such as “zone” or “example.com/zone”")
    prefix, slash, name = key.rpartition("/")
    good_name = len(name) <= MAX_LABEL and name and _LABEL_VALUE.fullmatch(name)
    good_prefix = not slash or (len(prefix) <= 253 and _DNS_SUBDOMAIN.fullmatch(prefix))
    if good_name and good_prefix:
        return None
    return say(
        "“%(key)s” is not a label key: letters, digits, “-”, “_” and “.”, at most 63, beginning and ending with a "
        "letter or digit, optionally after a DNS name and “/”",
        key=key[:100],
    )


def label_value_problem(value: object) -> Sentence | None:
    """What is wrong with a label value, or None."""
    if isinstance(value, str) and len(value) <= MAX_LABEL and _LABEL_VALUE.fullmatch(value):
        return None
    return say(
        "“%(value)s” is not a label value: at most 63 letters, digits, “-”, “_” and “.”, beginning and ending with "
        "a letter or digit",
        value=str(value)[:100],
    )


def protected_label_problem(key: str) -> Sentence | None:
    """Why a label key may not be changed by hand (Kubernetes and its components own it), or None."""
    if not _within(key, _KUBERNETES) or _within(key, _OPERATORS):
        return None
    return say("“%(key)s” belongs to Kubernetes and cannot be changed here", key=key)


def kubelet_may_set(key: str) -> bool:
    """Whether the kubelet of a node may put a label on its own node, by the admission plugin NodeRestriction
    (plugin/pkg/admission/noderestriction; k8s.io/kubelet/pkg/apis, "well_known_labels.go")."""
    if _within(key, (NODE_RESTRICTION,)):
        return False
    return not _within(key, _KUBERNETES) or key in _KUBELET_LABELS or _within(key, _KUBELETS)


def _within(key: str, domains: tuple[str, ...]) -> bool:
    """Whether a label key is under one of these domains, or of theirs."""
    domain = key.partition("/")[0] if "/" in key else ""
    return any(domain == each or domain.endswith("." + each) for each in domains)


def object_name_problem(name: object, limit: int = 253) -> Sentence | None:
    """What is wrong with an object's name (a DNS-1123 subdomain of at most `limit` characters), or None."""
    if isinstance(name, str) and len(name) <= limit and _DNS_SUBDOMAIN.fullmatch(name):
        return None
    return say(
        "“%(name)s” is not a name: at most %(limit)s lower-case letters, digits, “-” and “.”, beginning and ending "
        "with a letter or digit",
        name=str(name)[:100],
        limit=limit,
    )


def namespace_problem(name: object) -> Sentence | None:
    """What is wrong with a namespace's name (a DNS-1123 label), or None."""
    if isinstance(name, str) and len(name) <= MAX_LABEL and _DNS_LABEL.fullmatch(name):
        return None
    return say(
        "“%(name)s” is not a namespace: at most 63 lower-case letters, digits and “-”, beginning and ending with a "
        "letter or digit",
        name=str(name)[:100],
    )


def refusing_name(number: int) -> str:
    """The name of the refusing Service of a number, from 1."""
    return REFUSING_SERVICE if number == 1 else f"{REFUSING_SERVICE}-{number}"


def refusing_number(name: str) -> int:
    """The number of the refusing Service of a name; 0 for any other Service."""
    found = re.fullmatch(rf"{REFUSING_SERVICE}(?:-([1-9][0-9]{{0,3}}))?", name)
    number = int(found[1] or 1) if found else 0
    return number if number and refusing_name(number) == name else 0


def child_name(grid: str, kind: str, unit: str | None) -> str:
    """The name of a grid's child: `<grid>-<unit>`, or `<grid>-svc` for its Service (SuperEdge's rule)."""
    return f"{grid}{SERVICE_SUFFIX}" if kind == "Service" else f"{grid}-{unit}"


def front_name(grid: str, unit: str) -> str:
    """The name of a plain Service beside a ServiceGrid's own: of one NodeUnit's pods, of all pods where that is ""."""
    return f"{grid}-{unit or 'all'}"


def grid_name_problem(name: str, kind: str) -> Sentence | None:
    """Why no child of this kind can have a name that begins with this grid's (itself a DNS-1123 subdomain), or None."""
    if kind == "Deployment" or _DNS_LABEL.fullmatch(name):
        return None
    return _bad_child_name(child_name(name, kind, "…"), kind, say("change metadata.name"))


def child_name_problem(grid: str, kind: str, unit: str) -> Sentence | None:
    """Why a grid can have no child of this kind for this NodeUnit ("" for a Service), or None.

    A Deployment's name is a DNS-1123 subdomain. A StatefulSet's is one label of such, for it begins the host names of
    its pods; a Service's is one label, whose first character the API server of its version judges."""
    if problem := grid_name_problem(grid, kind):
        return problem
    return _name_problem(child_name(grid, kind, unit), kind, unit)


def front_name_problem(grid: str, unit: str) -> Sentence | None:
    """Why there can be no plain Service of a NodeUnit's pods beside a ServiceGrid's own, or None."""
    name = front_name(grid, unit)
    if name == child_name(grid, "Service", unit):
        return say("“%(name)s” is the name of the ServiceGrid's own Service; rename the NodeUnit", name=name)
    return _name_problem(name, "Service", unit)


def _name_problem(name: str, kind: str, unit: str) -> Sentence | None:
    limit = MAX_CHILD_NAME[kind]
    if len(name) > limit:
        return say(
            "the name “%(name)s” would have %(length)s characters; a %(kind)s may have at most %(limit)s: "
            "shorten the grid's name or the unit's label value",
            name=name,
            length=len(name),
            kind=kind,
            limit=limit,
        )
    if (_DNS_SUBDOMAIN if kind == "Deployment" else _DNS_LABEL).fullmatch(name):
        return None
    return _bad_child_name(name, kind, say("change the label value “%(unit)s” of the unit's nodes", unit=unit))


def _bad_child_name(name: str, kind: str, cure: Sentence) -> Sentence:
    if kind == "Deployment":
        return say(
            "“%(name)s” cannot be the name of a %(kind)s: only lower-case letters, digits, “-” and “.” are allowed, "
            "beginning and ending with a letter or digit; %(cure)s",
            name=name,
            kind=kind,
            cure=cure,
        )
    return say(
        "“%(name)s” cannot be the name of a %(kind)s: only lower-case letters, digits and “-” are allowed, beginning "
        "and ending with a letter or digit; %(cure)s",
        name=name,
        kind=kind,
        cure=cure,
    )


def as_label_value(text: str) -> str:
    """A label value for any text: itself where it is one, else a legible stem and eight digits of its SHA-256."""
    if text and label_value_problem(text) is None:
        return text
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[:54].strip("-_.")
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
