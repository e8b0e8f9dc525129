"""What a draft may be of: a grid or a ServiceGroup that exists, or something new."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from ...core.grids.group import KIND as GROUP
from ...core.grids.kinds import API_VERSION
from ...models import Grid, ServiceGroup
from ..grids.address import grid_at, grid_url

Home = Grid | ServiceGroup


def find(path: str) -> Home | None:
    """What a path names: None for the empty one. Raises Http404."""
    parts = path.split("/")
    if not path:
        return None
    if len(parts) != 3:
        raise Http404
    if parts[0] == "servicegroups":
        return get_object_or_404(ServiceGroup, namespace=parts[1], name=parts[2])
    return grid_at(*parts)


def address(home: Home | None) -> str:
    """The address of the page about it; of the list for something new."""
    if home is None:
        return reverse("grids")
    return grid_url(home) if isinstance(home, Grid) else reverse("servicegroup", args=[home.namespace, home.name])


def kind_of(home: Home) -> str:
    """Its kind."""
    return home.kind if isinstance(home, Grid) else GROUP


def source(home: Home) -> dict[str, Any]:
    """Its manifest as a person writes it."""
    if isinstance(home, Grid):
        return home.source()
    metadata = {"name": home.name, "namespace": home.namespace}
    return {**home.manifest(), "metadata": metadata}


def blank(kind: str, key: str) -> dict[str, Any]:
    """The manifest that something new begins with."""
    metadata = {"name": "", "namespace": "default"}
    whole = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}
    if kind == GROUP:
        return {**whole, "spec": {"gridUniqKey": key, "grids": [member("DeploymentGrid"), member("ServiceGrid")]}}
    return {**whole, "spec": {"gridUniqKey": key, "template": _template(kind)}}


def front(grid: Grid) -> dict[str, Any]:
    """The manifest that a ServiceGrid before the pods of this grid begins with: its name, selector and ports."""
    whole, spec = blank("ServiceGrid", grid.key), grid.spec
    pool: dict[str, Any] = spec.get("templatePool") or {}
    first: dict[str, Any] = next(iter(pool.values()), {})
    template: dict[str, Any] = spec.get("template") or pool.get(spec.get("defaultTemplateName")) or first
    pods = (template.get("template") or {}).get("spec") or {}
    ports = [port for each in pods.get("containers") or () for port in each.get("ports") or ()]
    service = whole["spec"]["template"]
    service["selector"] = (template.get("selector") or {}).get("matchLabels") or service["selector"]
    service["ports"] = [_port(each, len(ports) > 1) for each in ports] or service["ports"]
    return {**whole, "metadata": {"name": grid.name, "namespace": grid.namespace}}


def _port(port: dict[str, Any], named: bool) -> dict[str, Any]:
    number, protocol = port.get("containerPort"), port.get("protocol", "TCP")
    name = {"name": port.get("name") or f"{protocol}-{number}".lower()} if named else {}
    return {**name, "port": number, "targetPort": number, "protocol": protocol}


def member(kind: str) -> dict[str, Any]:
    """The manifest that a new grid of a ServiceGroup begins with; namespace and key are the group's."""
    return {"kind": kind, "metadata": {"name": ""}, "spec": {"template": _template(kind)}}


def _template(kind: str) -> dict[str, Any]:
    if kind == "ServiceGrid":
        return {"selector": {"app": "hello"}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]}
    container = {"name": "main", "image": "", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}
    template: dict[str, Any] = {"replicas": 1, "selector": {"matchLabels": {"app": "hello"}}}
    if kind == "StatefulSetGrid":
        template["serviceName"] = "hello"
    return {**template, "template": {"metadata": {"labels": {"app": "hello"}}, "spec": {"containers": [container]}}}
