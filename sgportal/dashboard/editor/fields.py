"""The fields of the form over a manifest: each reads one place of the document and writes it back."""

from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy

from ...core.grids.group import KIND as GROUP
from ...core.text import pointer
from .codecs import (
    CONTAINER_PORTS,
    ENV,
    IGNORED,
    NUMBER,
    PAIRS,
    QUANTITY,
    SERVICE_PORTS,
    TEXT,
    Manifest,
    Path,
    Shape,
    read,
)
from .pod_codecs import MOUNTS, PROBE, TOLERATIONS, VOLUMES

TEMPLATE: Path = ("spec", "template")
_POD = (*TEMPLATE, "template")
CONTAINERS: Path = (*_POD, "spec", "containers")
_CONTAINER: Path = (*CONTAINERS, 0)
_WORKLOADS = ("DeploymentGrid", "StatefulSetGrid")
_SERVICES = ("ServiceGrid",)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form: where it stands in the manifest, and for which kinds."""

    name: str
    label: Any
    path: Path
    shape: Shape
    kinds: tuple[str, ...] = (*_WORKLOADS, *_SERVICES, GROUP)
    hint: Any = ""
    also: tuple[Path, ...] = ()
    fixed: bool = False
    lines: int = 1

    @property
    def pointer(self) -> str:
        """Its JSON pointer, as the validation names it."""
        return pointer(*self.path)

    def shown_in(self, manifest: Manifest) -> str:
        """What the field shows of a manifest."""
        return self.shape.shown(read(manifest, self.path))

    @property
    def of_template(self) -> bool:
        """Whether it stands in the template of a workload."""
        return set(self.kinds) <= set(_WORKLOADS) and self.path[:2] == TEMPLATE

    @property
    def is_image(self) -> bool:
        """Whether it is the image of a container."""
        return self.path[-1] == "image"

    @property
    def of_container(self) -> bool:
        """Whether it stands in the first container of a workload's pods."""
        return self.path[: len(_CONTAINER)] == _CONTAINER

    def of_further_container(self, number: int) -> "Field":
        """The same field of another container of the same pods."""
        return self.moved(_CONTAINER, (*CONTAINERS, number), f"c{number}-")

    def moved(self, old: Path, new: Path, mark: str) -> "Field":
        """The same field in another place: a template of the pool, or a grid of a ServiceGroup."""
        also = tuple(new + path[len(old) :] for path in self.also)
        return replace(self, name=mark + self.name, path=new + self.path[len(old) :], also=also, fixed=False)


FIELDS = (
    Field("name", gettext_lazy("Name"), ("metadata", "name"), TEXT, fixed=True),
    Field("namespace", gettext_lazy("Namespace"), ("metadata", "namespace"), TEXT, fixed=True),
    Field(
        "key",
        "gridUniqKey",
        ("spec", "gridUniqKey"),
        TEXT,
        hint=gettext_lazy("The node-label key that forms the NodeUnits."),
    ),
    Field("replicas", gettext_lazy("Replicas per NodeUnit"), ("spec", "template", "replicas"), NUMBER, _WORKLOADS),
    Field(
        "servicename",
        gettext_lazy("Service name"),
        ("spec", "template", "serviceName"),
        TEXT,
        ("StatefulSetGrid",),
        gettext_lazy("The headless Service that gives the pods their names."),
    ),
    Field("container", gettext_lazy("Container name"), (*_CONTAINER, "name"), TEXT, _WORKLOADS),
    Field("image", gettext_lazy("Image"), (*_CONTAINER, "image"), TEXT, _WORKLOADS),
    Field(
        "labels",
        gettext_lazy("Pod labels and selector"),
        ("spec", "template", "selector", "matchLabels"),
        PAIRS,
        _WORKLOADS,
        gettext_lazy("One key=value per line."),
        also=((*_POD, "metadata", "labels"),),
        lines=2,
    ),
    Field(
        "ports",
        gettext_lazy("Container ports"),
        (*_CONTAINER, "ports"),
        CONTAINER_PORTS,
        _WORKLOADS,
        gettext_lazy("One per line, such as 8080/TCP web."),
        lines=2,
    ),
    Field(
        "env",
        gettext_lazy("Environment"),
        (*_CONTAINER, "env"),
        ENV,
        _WORKLOADS,
        gettext_lazy("One NAME=value per line; variables that take their value from elsewhere stay as they are."),
        lines=3,
    ),
    Field("cpu", gettext_lazy("CPU request"), (*_CONTAINER, "resources", "requests", "cpu"), QUANTITY, _WORKLOADS),
    Field(
        "memory", gettext_lazy("Memory request"), (*_CONTAINER, "resources", "requests", "memory"), QUANTITY, _WORKLOADS
    ),
    Field("cpulimit", gettext_lazy("CPU limit"), (*_CONTAINER, "resources", "limits", "cpu"), QUANTITY, _WORKLOADS),
    Field(
        "memorylimit",
        gettext_lazy("Memory limit"),
        (*_CONTAINER, "resources", "limits", "memory"),
        QUANTITY,
        _WORKLOADS,
    ),
    Field(
        "readiness",
        gettext_lazy("Readiness probe"),
        (*_CONTAINER, "readinessProbe"),
        PROBE,
        _WORKLOADS,
        gettext_lazy("Such as http 8080 /healthz every 10 after 5, tcp 8080, or exec cat /ready."),
    ),
    Field("liveness", gettext_lazy("Liveness probe"), (*_CONTAINER, "livenessProbe"), PROBE, _WORKLOADS),
    Field("startup", gettext_lazy("Startup probe"), (*_CONTAINER, "startupProbe"), PROBE, _WORKLOADS),
    Field(
        "mounts",
        gettext_lazy("Volume mounts"),
        (*_CONTAINER, "volumeMounts"),
        MOUNTS,
        _WORKLOADS,
        gettext_lazy("One per line: the path, the name of the volume, and ro for read-only."),
        lines=2,
    ),
    Field(
        "volumes",
        gettext_lazy("Volumes"),
        (*_POD, "spec", "volumes"),
        VOLUMES,
        _WORKLOADS,
        gettext_lazy(
            "One per line, such as config configMap shop; also secret, persistentVolumeClaim, hostPath, emptyDir."
        ),
        lines=2,
    ),
    Field(
        "tolerations",
        gettext_lazy("Tolerations"),
        (*_POD, "spec", "tolerations"),
        TOLERATIONS,
        _WORKLOADS,
        gettext_lazy(
            "One per line, such as dedicated=edge:NoSchedule or node.kubernetes.io/unreachable:NoExecute for 60s."
        ),
        lines=2,
    ),
    Field(
        "nodeselector",
        gettext_lazy("Node selector"),
        (*_POD, "spec", "nodeSelector"),
        PAIRS,
        _WORKLOADS,
        gettext_lazy("One key=value per line."),
        lines=2,
    ),
    Field(
        "default",
        gettext_lazy("Default template"),
        ("spec", "defaultTemplateName"),
        TEXT,
        _WORKLOADS,
        gettext_lazy("A name in templatePool; empty means spec.template."),
    ),
    Field(
        "templates",
        gettext_lazy("Templates per NodeUnit"),
        ("spec", "templates"),
        PAIRS,
        _WORKLOADS,
        gettext_lazy("One unit=template per line; write the templates themselves in the YAML view."),
        lines=3,
    ),
    Field(
        "selector",
        gettext_lazy("Pod selector labels"),
        ("spec", "template", "selector"),
        PAIRS,
        _SERVICES,
        gettext_lazy("One key=value per line."),
        lines=2,
    ),
    Field(
        "serviceports",
        gettext_lazy("Ports"),
        ("spec", "template", "ports"),
        SERVICE_PORTS,
        _SERVICES,
        gettext_lazy("One per line, such as 80:8080/TCP web."),
        lines=2,
    ),
    Field(
        "ignored",
        gettext_lazy("Left to others (ignoreDifferences)"),
        ("spec", "ignoreDifferences"),
        IGNORED,
        (*_WORKLOADS, *_SERVICES),
        gettext_lazy(
            "One per line: a field, the managers that set it, or both, such as /spec/replicas by keda-operator."
        ),
        lines=2,
    ),
)
