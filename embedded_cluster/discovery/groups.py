"""Discovery and OpenAPI, as far as clients ask for them."""

from typing import Any

from ..kinds.served import Kind, Kinds, subresource
from ..objects.values import Object
from ..requests.request import Request, Response
from . import openapi

VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.2",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.26",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_ALL = (
    "Pod",
    "Service",
    "ReplicationController",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
)


def answer(request: Request, kinds: Kinds) -> Response | None:
    """The answer to a discovery request, or None where the path is none of discovery's."""
    path = request.path.rstrip("/") or "/"
    parts = path.strip("/").split("/")
    if path in ("/version",):
        return Response.of(VERSION)
    if path == "/":
        return Response.of({"paths": ["/api", "/apis", "/healthz", "/openapi/v2", "/openapi/v3", "/version"]})
    if path in ("/api", "/apis"):
        return _roots(request, path, kinds)
    if parts[0] == "openapi":
        return openapi.answer(request, parts, kinds)
    if len(parts) == 2 and parts[0] == "api":
        return _resources("", parts[1], kinds)
    if len(parts) == 2 and parts[0] == "apis":
        group = next((each for each in _groups(kinds) if each["name"] == parts[1]), None)
        return Response.of({"kind": "APIGroup", "apiVersion": "v1", **group}) if group else None
    if len(parts) == 3 and parts[0] == "apis":
        return _resources(parts[1], parts[2], kinds)
    return None


def _roots(request: Request, path: str, kinds: Kinds) -> Response:
    if "APIGroupDiscoveryList" in request.accept and "v=v2" in request.accept:
        version = "v2beta1" if "v=v2beta1" in request.accept and "v=v2;" not in request.accept else "v2"
        body = {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": _aggregated(kinds, core=path == "/api"),
        }
        response = Response.of(body)
        response.content_type = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        return response
    if path == "/api":
        return Response.of({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
    return Response.of({"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups(kinds)})


def _groups(kinds: Kinds) -> list[Object]:
    versions: dict[str, list[str]] = {}
    for kind in kinds.every():
        if kind.group and kind.version not in versions.setdefault(kind.group, []):
            versions[kind.group].append(kind.version)
    found = []
    for name, names in versions.items():
        listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in names]
        found.append({"name": name, "versions": listed, "preferredVersion": listed[0]})
    return found


def _aggregated(kinds: Kinds, core: bool) -> list[Object]:
    groups: dict[str, dict[str, list[Object]]] = {}
    for kind in kinds.every():
        if bool(kind.group) != core:
            groups.setdefault(kind.group, {}).setdefault(kind.version, []).append(_aggregated_resource(kind))
    return [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {"version": v, "resources": resources, "freshness": "Current"} for v, resources in versions.items()
            ],
        }
        for group, versions in groups.items()
    ]


def _aggregated_resource(kind: Kind) -> Object:
    response_kind = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    subresources = []
    for name in kind.subresources:
        about = subresource(kind, name)
        named = {"group": about.group, "version": about.version, "kind": about.kind}
        subresources.append({"subresource": name, "responseKind": named, "verbs": list(about.verbs)})
    return {
        "resource": kind.plural,
        "responseKind": response_kind,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": kind.verbs,
        **({"shortNames": list(kind.short)} if kind.short else {}),
        **({"subresources": subresources} if subresources else {}),
        **_categories(kind),
    }


def _categories(kind: Kind) -> Object:
    named = (
        ["all"]
        if not kind.crd and kind.kind in _ALL
        else (kind.crd or {}).get("spec", {}).get("names", {}).get("categories")
    )
    return {"categories": named} if named else {}


def _foreign(kind: Kind, name: str) -> Object:
    """What an APIResource says of a subresource: its kind, with its group where that is another one."""
    about = subresource(kind, name)
    group = {} if about.group == kind.group else {"group": about.group, "version": about.version}
    return {**group, "kind": about.kind, "verbs": list(about.verbs)}


def _resources(group: str, version: str, kinds: Kinds) -> Response | None:
    found = [kind for kind in kinds.every() if (kind.group, kind.version) == (group, version)]
    if not found:
        return None
    listed: list[Any] = []
    for kind in found:
        entry = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": kind.verbs,
        }
        listed.append({**entry, **({"shortNames": list(kind.short)} if kind.short else {}), **_categories(kind)})
        listed += [
            {**entry, "name": f"{kind.plural}/{name}", "singularName": "", **_foreign(kind, name)}
            for name in kind.subresources
        ]
    group_version = f"{group}/{version}" if group else version
    return Response.of(
        {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}
    )
