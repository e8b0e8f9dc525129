"""Grids: the list, and one grid from every side (units, plan, endpoints, events, revisions, manifest)."""

from typing import Any

from django.db.models import Case, Count, F, JSONField, Min, Q, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import urlencode

from ...core.grids.kinds import KINDS
from ...core.grids.operations import overrides_by_name
from ...core.health import UNHEALTHY, WORKLOAD_STATES
from ...core.names import PAUSED, PAUSED_UNITS
from ...core.overrides.requests import units_in
from ...core.text import Invalid, Sentence
from ...core.traffic.proof.picture import picture_of
from ...core.traffic.proof.proof import STATES as PROOF_STATES
from ...models import Grid, GridEvent, GridUnit, Node, Pod, ServiceGroup
from ...queries.endpoints import endpoints_of
from ...queries.matrix.node_groups import group_keys
from ...queries.per_unit import usage
from ...queries.per_unit.pods import with_pages
from ...queries.plans import plan_of
from ...queries.remedies import remedies, remedies_of
from ..page.access import needs
from ..page.export import as_csv, wants_csv
from ..page.parts.loop_picture import drawn
from ..page.render import paged, show, wanted
from ..page.revisions import history
from ..page.tags import loop_alarms, yaml
from ..page.unchanged import unless_unchanged
from .address import grid_at, grid_url
from .causes import causes_of_grid
from .columns import EVENTS, GRIDS, PODS, PROOFS, REVISIONS, UNITS
from .reach import by_site, counted, gravest_first
from .remedies import buttons

# A list shows nothing else of statuses, which are large.
_OF_SERVICES = Case(When(kind="ServiceGrid", then=F("status__conditions")), output_field=JSONField())
CURES = 3  # of a grid's units whose remedies stand at its head


@needs("viewer", "grids")
@unless_unchanged
def grids(request: HttpRequest) -> HttpResponse:
    """The grids that meet every filter of the URL, the latest change on top among equals."""
    asked = wanted(request, "kind", "namespace", "key", "state", "search")
    found: QuerySet[Any] = Grid.objects.briefly().select_related("group").annotate(conditions=_OF_SERVICES)
    for name in ("kind", "namespace", "key", "state"):
        if asked[name]:
            found = found.filter(**{name: asked[name]})
    if asked["search"]:
        packages = ServiceGroup.objects.filter(name__icontains=asked["search"])
        found = found.filter(Q(name__icontains=asked["search"]) | Q(group__in=packages))
    if wants_csv(request):
        return as_csv(request, "grids", GRIDS, found)
    page = paged(request, found)
    context = {
        "csv": True,
        "asked": asked,
        "page": page,
        "rows": _rows(list(page.object_list)),
        "kinds": list(KINDS),
        "states": WORKLOAD_STATES,
        "namespaces": Grid.objects.order_by("namespace").values_list("namespace", flat=True).distinct(),
        "groups": group_keys(),
        "total": Grid.objects.count(),
    }
    return show(request, "grids/list.html", context)


def _rows(grids: list[Any]) -> list[tuple[Grid, list[str]]]:
    """Each grid with, of a ServiceGrid, what is wrong with its closed loop."""
    return [(grid, loop_alarms(grid.conditions or ())) for grid in grids]


def show_grid(request: HttpRequest, grid: Grid, section: str, context: dict[str, Any]) -> HttpResponse:
    """A page about a grid, or only the facts at its head where htmx asks for those."""
    htmx = getattr(request, "htmx", None)
    facts = htmx and htmx.target == "facts"
    template = "grids/facts.html" if facts else f"grids/{section}.html"
    return show(request, template, {"grid": grid, "section": section, **_facts(grid, section), **context})


def _facts(grid: Grid, section: str) -> dict[str, Any]:
    """What stands at the head of each of a grid's pages; `current`: the status speaks of the spec as it is now;
    `causes`: why units are unhealthy; `cures`: what can be done about the first few units where none is, such as a
    paused rollout. On the page of one unit that stands beside its sentence."""
    is_service = grid.kind == "ServiceGrid"
    causes = causes_of_grid(grid, with_buttons=section != "unit")
    told = {each.cause.reason for each in causes}
    return {
        "causes": causes,
        "usage": None if is_service else usage.of_grid(grid, [""]).get(""),
        "is_service": is_service,
        "paused": (grid.metadata.get("annotations") or {}).get(PAUSED) == "true",
        "conditions": [
            each for each in conditions_of(grid) if each["type"] != "Degraded" or each["reason"] not in told
        ],
        "trouble": getattr(grid, "trouble", None),
        "current": grid.observed_generation >= grid.generation,
        "shown_state": "Deleting" if grid.deleting_since else grid.state,
        "service_notes": _service_notes(grid) if is_service else [],
        "unused": grid.status.get("unusedTemplates", []),
        "cures": [] if causes or section == "unit" else buttons(remedy for _, remedy in remedies_of(grid)[:CURES]),
    }


def _service_notes(grid: Grid) -> list[tuple[str, str, Sentence]]:
    """What there is to know about a ServiceGrid's Service, and about the first few of its units: unit, reason, note."""
    rows = grid.units.exclude(notes=[]).order_by("name")[: CURES + 1]
    return [(row.name, *note) for row in rows for note in row.told]


def conditions_of(row: Grid | ServiceGroup) -> list[dict[str, Any]]:
    """The conditions of the status, each with its sentence, so that it is said in the reader's language."""
    found: list[dict[str, Any]] = []
    for each in row.status.get("conditions") or ():
        sentence = row.sentences.get(each["type"])
        found.append({**each, "sentence": Sentence.from_json(sentence)} if sentence else each)
    return found


@needs("viewer", "grids")
def grid(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """A grid's units with their state, reason, template and pods; for a ServiceGrid its endpoints."""
    found = grid_at(plural, namespace, name)
    if found.kind == "ServiceGrid":
        return _endpoints(request, found)
    asked = wanted(request, "search", "state", "cause")
    rows = found.units.exclude(name="")
    if asked["search"]:
        rows = rows.filter(name__icontains=asked["search"])
    if asked["state"]:
        rows = rows.filter(state=asked["state"])
    if asked["cause"]:
        rows = rows.filter(reason=asked["cause"], severity__lt=len(UNHEALTHY))
    if wants_csv(request):
        return as_csv(request, f"{name}-nodeunits", UNITS, rows)
    page = paged(request, rows)
    usages = usage.of_grid(found, (row.name for row in page.object_list))
    context = {"csv": True, "asked": asked, "page": page, "states": WORKLOAD_STATES, "usages": usages}
    return show_grid(request, found, "units", context)


@needs("viewer", "grids")
def unit(request: HttpRequest, plural: str, namespace: str, name: str, unit: str) -> HttpResponse:
    """What a grid has in one unit: its state and why, its pods, its events."""
    found = grid_at(plural, namespace, name)
    row = get_object_or_404(GridUnit, grid=found, name=unit)
    if found.kind == "ServiceGrid":  # it has nothing of its own there; its endpoints are told node by node
        return redirect(f"{grid_url(found)}?{urlencode({'search': unit})}")
    pods = Pod.objects.filter(namespace=namespace, child_kind=found.grid_kind.child_kind, child=row.child or "-")
    if wants_csv(request):
        return as_csv(request, f"{name}-{unit}-pods".replace("/", "-"), PODS, pods)
    events = GridEvent.objects.filter(path=found.path, unit=unit)[:50]
    cures = buttons(remedies(found, [(row.reason, unit)]).get((row.reason, unit), ()))
    held = unit in units_in(found.metadata.get("annotations") or {}, PAUSED_UNITS)
    shown = with_pages(pods[:500])
    used = {"of_cell": usage.of_grid(found, [unit]).get(unit), "usages": usage.of_pods(shown)}
    context = {"row": row, "pods": shown, "events": events, "remedies": cures, "unit_paused": held, **used}
    return show_grid(request, found, "unit", {**context, "overrides": overrides_by_name(found.spec, unit)})


@needs("viewer", "grids")
def plan(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """The steps that would run now."""
    found = grid_at(plural, namespace, name)
    try:
        return show_grid(request, found, "plan", {"plan": plan_of(found)})
    except Invalid as invalid:
        return show_grid(request, found, "plan", {"problems": invalid.problems})


@needs("viewer", "grids")
def endpoints(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """What each node reaches of a ServiceGrid's Service."""
    found = grid_at(plural, namespace, name)
    if found.kind != "ServiceGrid":
        raise Http404
    return _endpoints(request, found)


def _endpoints(request: HttpRequest, found: Grid) -> HttpResponse:
    asked = wanted(request, "search", "state", "cause")
    reach = endpoints_of(found)
    proofs = reach.nodes
    matching = [
        each
        for each in gravest_first(proofs)
        if asked["search"].lower() in f"{each.node} {each.unit}".lower()
        and asked["state"] in ("", each.state)
        and asked["cause"] in ("", each.reason)
    ]
    if wants_csv(request):
        return as_csv(request, f"{found.name}-endpoints", PROOFS, matching)
    page = paged(request, matching)
    mode = proofs[0].mode if proofs else ""
    doors = remedies(found, ((each.reason, each.unit) for each in page.object_list))
    context = {
        "csv": True,
        "asked": asked,
        "page": page,
        "sites": by_site(page.object_list, doors),
        "counts_by_state": counted(proofs),
        "drawing": drawn(picture_of(matching)) if matching else None,
        "leaking": sum(each.state == "leaking" for each in proofs),
        "observed": reach.observed,
        "mode": mode,
        "claims": (("closed", reach.loop.closed), ("refusing", reach.loop.refusing)) if proofs else (),
        "foreign": reach.loop.foreign if reach.loop.strangers else None,
        "states": PROOF_STATES,
        "invalid": not proofs and Node.objects.exists(),
    }
    return show_grid(request, found, "endpoints", context)


@needs("viewer", "grids")
def events(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """What happened to a grid and why, the latest first."""
    found = grid_at(plural, namespace, name)
    rows = GridEvent.objects.filter(path=found.path)
    if wants_csv(request):
        return as_csv(request, f"{name}-events", EVENTS, rows)
    return show_grid(request, found, "events", {"csv": True, "page": paged(request, rows, 50)})


@needs("viewer", "grids")
def revisions(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """The stored versions of a grid's spec, each with its difference from the one before."""
    found = grid_at(plural, namespace, name)
    if wants_csv(request):
        return as_csv(request, f"{name}-revisions", REVISIONS, found.revisions.all())
    context = {"csv": True, **history(request, found.revisions.all()), "where": _where(found)}
    return show_grid(request, found, "revisions", context)


def _where(found: Grid) -> list[dict[str, Any]]:
    """How many NodeUnits have which revision, the latest first."""
    rows = found.units.exclude(name="").order_by().values("revision")
    return list(rows.annotate(count=Count("pk"), first=Min("name")).order_by("-revision"))


@needs("viewer", "grids")
def manifest(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """A grid's manifest as people write it, and as Kubernetes shows it."""
    found = grid_at(plural, namespace, name)
    return show_grid(request, found, "yaml", {"source": yaml(found.source()), "whole": yaml(found.manifest())})
