"""Every address of the URLconf, in a class that says to what it leads and what is asked of it. A new one has to be
given one here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from sgportal.core.access.scope import has_role

from .world import Thing

PIECE = r"<(?:\w+:)?(\w+)>"
# The pieces that lead to a thing, by class. "" leads to none: a list, a sum, or what is one's own.
PIECES = {
    "grid": {"plural", "namespace", "name"},
    "cell": {"plural", "namespace", "name", "unit"},
    "package": {"namespace", "package"},
    "pod": {"namespace", "pod"},
    "node": {"node"},
    "unit": {"key", "unit"},
    "row": {"pk"},
    "list": set(),
    "own": set(),
    "open": set(),
    "admin": set(),
}
CLASSES: dict[str, str] = {
    "open": "healthz readyz login/ login/code/ oidc/ oidc/callback/ logout/ preferences/ api/v1/",
    "own": """
        api/v1/me api/v1/schema api/docs/ pulse/ profile/ profile/password/ profile/second-factor/
        profile/second-factor/recovery-codes/ profile/second-factor/remove/
        profile/sessions/<str:session>/end/ profile/tokens/ api/v1/tokens metrics cluster/ cluster/banner/
        cluster/takeover/ cluster/handback/ cluster/crds/ demo/fault/ notifications/ notifications/add/
        decisions/ decisions/halt/ decisions/held/ service-tokens/ service-tokens/issue/ labels/
        labels/<str:token>/ jobs/ import/ audit/ api/v1/import api/v1/jobs api/v1/cluster api/v1/cluster/crds
        api/v1/cluster/decision api/v1/decisions api/v1/notifications api/v1/superedge/takeover
        api/v1/superedge/handback api/v1/service-tokens api/v1/grants api/v1/audit api/v1/services
    """,
    "list": """
        fleet/card/ matrix/ events/ activity/ search/ saved/ saved/add/ favourite/ approvals/ nodes/ groups/
        group/ unit/ unit/schedule/ grids/ grids/new/ grids/check/ export/ servicegroups/ labels/assign/
        api/v1/<grids>
        api/v1/servicegroups api/v1/apply api/v1/export api/v1/nodes api/v1/nodes/label api/v1/nodes/cordon
        api/v1/nodes/uncordon api/v1/nodes/drain api/v1/pods api/v1/cell-events api/v1/nodegroups
        api/v1/nodeunits api/v1/usage api/v1/usage/nodes api/v1/usage/nodeunits api/v1/usage/grids
        api/v1/usage/cells api/v1/usage/pods api/v1/causes api/v1/overview api/v1/activity api/v1/events
        api/v1/approvals api/v1/saved-views api/v1/favourites
    """,
    "row": """
        notifications/<int:pk>/test/ notifications/<int:pk>/remove/ saved/<int:pk>/remove/
        profile/tokens/<int:pk>/revoke/ approvals/<int:pk>/ service-tokens/<int:pk>/revoke/ jobs/<uuid:pk>/
        jobs/<uuid:pk>/undo/ audit/<int:pk>/ api/v1/jobs/<uuid:pk> api/v1/jobs/<uuid:pk>/undo
        api/v1/notifications/<int:pk> api/v1/notifications/<int:pk>/test api/v1/tokens/<int:pk>
        api/v1/service-tokens/<int:pk> api/v1/approvals/<int:pk> api/v1/grants/<int:pk>
        api/v1/saved-views/<int:pk> api/v1/favourites/<int:pk>
    """,
    "node": """
        nodes/<str:name>/ nodes/<str:name>/schedule/ nodes/<str:name>/events/ api/v1/nodes/<str:name>
        api/v1/nodes/<str:name>/events
    """,
    "pod": """
        pods/<str:namespace>/<str:name>/ pods/<str:namespace>/<str:name>/log/
        pods/<str:namespace>/<str:name>/events/ api/v1/pods/<str:namespace>/<str:name>
        api/v1/pods/<str:namespace>/<str:name>/events api/v1/pods/<str:namespace>/<str:name>/log
        api/v1/pods/<str:namespace>/<str:name>/exec pods/<str:namespace>/<str:name>/terminal/
    """,
    "unit": """
        api/v1/nodeunits/<path:key>/<str:unit>/history api/v1/nodeunits/<path:key>/<str:unit>/changes
    """,
    "package": """
        servicegroups/<package>/ servicegroups/<package>/edit/ servicegroups/<package>/delete/
        servicegroups/<package>/revisions/ servicegroups/<package>/rollout/<str:verb>/
        api/v1/servicegroups/<package> api/v1/servicegroups/<package>/revisions
        api/v1/servicegroups/<package>/revisions/diff api/v1/servicegroups/<package>/restore
        api/v1/servicegroups/<package>/rollout api/v1/servicegroups/<package>/rollout/units
        api/v1/servicegroups/<package>/rollout/skip api/v1/servicegroups/<package>/rollout/start
        api/v1/servicegroups/<package>/rollout/pause api/v1/servicegroups/<package>/rollout/resume
        api/v1/servicegroups/<package>/rollout/approve api/v1/servicegroups/<package>/rollout/abort
        api/v1/servicegroups/<package>/rollout/rollback api/v1/servicegroups/<package>/export
    """,
    "grid": """
        grids/<grid>/ grids/<grid>/plan/ grids/<grid>/endpoints/ grids/<grid>/events/ grids/<grid>/revisions/
        grids/<grid>/rollout/ grids/<grid>/yaml/ grids/<grid>/edit/ grids/<grid>/delete/
        grids/<grid>/do/<str:verb>/ grids/<grid>/undo/<str:token>/ grids/<grid>/templates/
        grids/<grid>/recreate/ api/v1/services/<package>/endpoints api/v1/<grid> api/v1/<grid>/plan
        api/v1/<grid>/revisions api/v1/<grid>/revisions/diff api/v1/<grid>/restore api/v1/<grid>/events
        api/v1/<grid>/recreate api/v1/<grid>/pause api/v1/<grid>/resume api/v1/<grid>/units api/v1/<grid>/pin
        api/v1/<grid>/unpin api/v1/<grid>/approve-units api/v1/<grid>/restart api/v1/<grid>/image
        api/v1/<grid>/scale api/v1/<grid>/rollout api/v1/<grid>/rollout/units api/v1/<grid>/rollout/skip
        api/v1/<grid>/rollout/start api/v1/<grid>/rollout/pause api/v1/<grid>/rollout/resume
        api/v1/<grid>/rollout/approve api/v1/<grid>/rollout/abort api/v1/<grid>/rollout/rollback
        api/v1/<grid>/effective api/v1/<grid>/unused-templates api/v1/<grid>/endpoints
    """,
    "cell": """
        grids/<grid>/units/<path:unit>/recreate/ grids/<grid>/units/<path:unit>/effective/
        grids/<grid>/units/<path:unit>/events/ grids/<grid>/units/<path:unit>/
    """,
}
OF = {route: name for name, routes in CLASSES.items() for route in routes.split()} | {"": "list"}

_BY_FIELDS = "namespace={namespace}&search={name}&group={key}&unit={unit}&node={node}"
# What a list is asked: by what may be out of scope. Each is asked as CSV, too, by those who may have that.
QUERIES: dict[str, tuple[str, ...]] = {
    "": ("group={key}&search={name}", "group={key}&by=region&search={unit}"),
    "fleet/card/": ("key={key}&unit={unit}",),
    "matrix/": ("group={key}&search={name}&namespace={namespace}",),
    "events/": ("search={name}", "search={unit}"),
    "activity/": ("group={key}&unit={unit}", "search={name}"),
    "search/": ("q={name}", "q={unit}", "q={node}", "q={namespace}", "q={package}", "q={key}", "q={pod}"),
    "nodes/": ("search={node}", "selector={key}={unit}", "group={key}&unit={unit}"),
    "group/": ("key={key}",),
    "unit/": ("key={key}&unit={unit}", "key={key}&unit={unit}&at="),
    "unit/schedule/": ("key={key}&unit={unit}&action=cordon",),
    "grids/": ("search={name}", "namespace={namespace}", "key={key}", "kind={kind}&search={name}", "search={package}"),
    "grids/new/": ("kind={kind}",),
    "export/": ("group={key}&namespace={namespace}",),
    "servicegroups/": ("search={package}", "namespace={namespace}"),
    "api/v1/<grids>": ("namespace={namespace}", "search={name}"),
    "api/v1/servicegroups": ("namespace={namespace}",),
    "api/v1/nodes": ("group={key}", "search={node}", "labelSelector={key}={unit}"),
    "api/v1/pods": ("node={node}", "group={key}&unit={unit}", "grid={plural}/{namespace}/{name}"),
    "api/v1/cell-events": ("grid={plural}/{namespace}/{name}&unit={unit}",),
    "api/v1/nodeunits": ("group={key}",),
    "api/v1/usage/nodeunits": ("group={key}",),
    "api/v1/usage/cells": ("grid={plural}/{namespace}/{name}",),
    "api/v1/usage/pods": ("node={node}",),
    "api/v1/causes": ("group={key}&unit={unit}", "grid={plural}/{namespace}/{name}"),
    "api/v1/overview": ("group={key}",),
    "api/v1/activity": ("group={key}&unit={unit}", "grid={plural}/{namespace}/{name}"),
}
_UNITS: dict[str, Any] = {"units": ["{unit}"]}
_MANIFEST: dict[str, Any] = {
    "apiVersion": "superedge.io/v1",
    "kind": "{kind}",
    "metadata": {"name": "{name}", "namespace": "{namespace}"},
    "spec": {"gridUniqKey": "{key}", "template": {}},
}
_NODES = {"nodes": ["{node}"]}
# What writes bring, by the end of their address, so that they get as far as to what they are about.
BODIES: dict[str, dict[str, Any]] = {
    "/restore": {"revision": 1},
    "/pin": {**_UNITS, "revision": 1},
    "/unpin": _UNITS,
    "/approve-units": _UNITS,
    "/image": {"image": "registry.example/echo:2"},
    "/scale": {"replicas": 3},
    "/<grids>": _MANIFEST,
    "/<grid>": _MANIFEST,
    "/apply": _MANIFEST,
    "/nodes/label": {**_NODES, "labels": {"site": "home-unit"}},
    "/nodes/cordon": _NODES,
    "/nodes/uncordon": _NODES,
    "/nodes/drain": _NODES,
    "/nodes/<str:name>": {"labels": {"site": "home-unit"}},
    "/favourites": {"kind": "{kind}", "namespace": "{namespace}", "name": "{name}"},
    "favourite/": {"kind": "{kind}", "place": "{namespace}", "name": "{name}"},
    "/saved-views": {"name": "x", "address": "/grids/{plural}/{namespace}/{name}/"},
    "saved/add/": {"name": "x", "address": "/grids/{plural}/{namespace}/{name}/"},
    "/schedule/": {"verb": "cordon"},
    "/exec": {"command": ["id"]},
    "labels/assign/": {"node": "{node}", "key": "site", "value": "home-unit"},
    "approvals/<int:pk>": {"choice": "approve"},
    "approvals/<int:pk>/": {"choice": "approve"},
}
_USUAL = {"verb": "pause", "token": "x", "session": "x"}


@dataclass(frozen=True)
class Address:
    """A pattern of the URLconf and what it leads to."""

    pattern: str
    methods: tuple[str, ...]
    scoped: str
    needs: str = ""  # the least role that may read it; "": none has to

    @cached_property
    def route(self) -> str:
        """The pattern as `CLASSES` has it: one of each kind of grids is like the others."""
        text = re.sub(r"(deployment|statefulset|service)grids(?=/|$)", "<str:plural>", self.pattern)
        text = text.replace("<str:plural>/<str:namespace>/<str:name>", "<grid>").replace("<str:plural>", "<grids>")
        return re.sub(r"(servicegroups|services)/<str:namespace>/<str:name>", r"\1/<package>", text)

    def asked_by(self, role: str) -> tuple[str, ...]:
        """The methods by which somebody of a role asks for it. A page that viewers may open only shows, unless it leads
        to a row; one that is not for the role is refused before anything is looked at, whatever the method."""
        if self.is_rest or not self.needs:
            return self.methods
        if self.needs == "viewer":
            return ("get", "post") if self.leads_to in ("row", "list") else ("get",)
        return ("get", "post") if has_role(role, self.needs) else ("post",)

    @property
    def noun(self) -> str:
        """Of which list a row is."""
        return self.pattern.removeprefix("api/v1/").removeprefix("profile/").split("/")[0]

    @property
    def leads_to(self) -> str:
        """Its class."""
        return "admin" if self.pattern.startswith("admin/") else OF.get(self.route, "")

    @property
    def is_rest(self) -> bool:
        """Whether it is answered in JSON."""
        return self.pattern.startswith("api/v1/")

    def to(self, thing: Thing, nothing: bool = False) -> str:
        """The address of a thing; `nothing`: a row that there is not."""
        pk = "00000000-0000-0000-0000-000000000000" if "uuid" in self.pattern else "999999"
        if not nothing:
            pk = str(thing.pks.get(self.noun, pk))
        pieces = {**_USUAL, **thing.pieces, "pk": pk}
        if self.leads_to in ("node", "package", "pod"):
            pieces["name"] = pieces[self.leads_to]
        return "/" + re.sub(PIECE, lambda found: pieces[found[1]], self.pattern)

    def fits(self, thing: Thing) -> bool:
        """Whether a thing is of the kind that it is for."""
        found = re.match(r"api/v1/(\w+grids)(/|$)", self.pattern)
        return not found or self.leads_to != "grid" or found[1] == thing.plural

    def queries(self, thing: Thing) -> list[str]:
        """What it is asked about a thing."""
        return [each.format(**thing.pieces) for each in QUERIES.get(self.route, ())]

    def body(self, thing: Thing) -> dict[str, Any]:
        """What a write brings that is about a thing."""
        given = next((BODIES[end] for end in BODIES if f"/{self.route}".endswith(end)), {})
        filled: dict[str, Any] = _filled(given, thing.pieces)
        return filled


def _filled(value: Any, pieces: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, pieces) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, pieces) for each in value]
    return value.format(**pieces) if isinstance(value, str) else value


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        text = prefix + str(each.pattern).lstrip("^").rstrip("$")
        if isinstance(each, URLPattern):
            yield text, each.callback
        else:
            yield from _patterns(each, text)


def every() -> list[Address]:
    """All of them, each once."""
    found = {}
    for pattern, callback in _patterns(get_resolver()):
        view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
        methods = ("get", "post")
        if pattern.startswith("api/v1/") and view is not None:
            takes = [each for each in ("get", "post", "put", "patch", "delete") if each in view.http_method_names]
            methods = tuple(each for each in takes if hasattr(view, each))
        scoped = str(getattr(view, "scoped", None) or getattr(callback, "scoped", ""))
        needs = getattr(callback, "needs", "") or getattr(
            view, "read_role", "viewer" if pattern.startswith("api/v1/") else ""
        )
        found[pattern] = Address(pattern, methods, scoped, needs if isinstance(needs, str) else "viewer")
    return list(found.values())
