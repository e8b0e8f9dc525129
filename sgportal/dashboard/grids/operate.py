"""What people do with a grid, or with one of its NodeUnits, by a verb: pause, resume, restart, set image, scale."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from ... import actions
from ...core.grids.operations import replicas_now
from ...core.text import Invalid
from ...models import Grid
from ...queries.per_unit.images import images_now, images_of_grids
from ..page.access import actor, needs
from ..page.agreed import agreed, as_shown, say_changed, say_warnings, say_why
from ..page.parts import toasts
from ..page.render import clean, show
from . import rollout_verbs
from .address import grid_at, grid_url, rollout_url, unit_url
from .rollout_verbs import Done


def _pin(grid: Grid, units: Sequence[str], actor: actions.Actor, *, revision: int | None = None, **how: Any) -> Done:
    return Done(actions.pin_units(grid, units, revision, actor, **how))


VERBS: dict[str, tuple[Any, Promise, Promise]] = {
    "pause": (
        actions.pause,
        gettext_lazy("Pause"),
        gettext_lazy("Nothing is created, changed or deleted here until it is resumed. Pods keep running."),
    ),
    "resume": (actions.resume, gettext_lazy("Resume"), gettext_lazy("What differs from the grid is changed at once.")),
    "approve": (
        actions.approve,
        gettext_lazy("Approve"),
        gettext_lazy("This NodeUnit is new to the grid; its workload is created once one of its nodes is ready."),
    ),
    "restart": (
        actions.restart,
        gettext_lazy("Restart"),
        gettext_lazy("The pods are replaced by a rollout, as with “kubectl rollout restart”."),
    ),
    "image": (
        actions.set_image,
        gettext_lazy("Set image"),
        gettext_lazy("For one NodeUnit it is stored as an override, else in every template with that container."),
    ),
    "scale": (
        actions.scale,
        gettext_lazy("Scale"),
        gettext_lazy("The number of replicas in each NodeUnit; for one NodeUnit it is stored as an override."),
    ),
    "reset": (
        actions.remove_overrides,
        gettext_lazy("Remove overrides"),
        gettext_lazy("This NodeUnit gets what the grid says for all; overrides by a unitSelector stay."),
    ),
    "pin": (
        _pin,
        gettext_lazy("Pin to a revision"),
        gettext_lazy("This NodeUnit goes to the revision, and stays there whatever becomes of the grid."),
    ),
    **rollout_verbs.VERBS,
    "unpin": (_pin, gettext_lazy("Unpin"), gettext_lazy("This NodeUnit follows the latest revision again.")),
}
REVISIONS = 200  # the latest, that can be chosen
_OF_SERVICES = ("pause", "resume")
_OF_UNITS = ("approve", "pin", "reset", "unpin")
_UNDONE = ("pause", "resume", "scale", "image", "reset")  # by the grid as it was before


@needs("operator", "grids")
def operate(request: HttpRequest, plural: str, namespace: str, name: str, verb: str) -> HttpResponse:
    """Ask what a verb needs, show what it comes to, then do it."""
    found = grid_at(plural, namespace, name)
    if verb not in VERBS or (found.kind == "ServiceGrid" and verb not in _OF_SERVICES):
        raise Http404
    unit = clean(request.POST.get("unit", request.GET.get("unit", "")))
    if verb in _OF_UNITS and not unit:
        raise Http404
    track = clean(request.POST.get("track", request.GET.get("track", "")))[:63]
    back = unit_url(found, unit) if unit else grid_url(found)
    if verb in rollout_verbs.VERBS:
        back = rollout_url(found)
    before = found.source()
    asked = {"unit": unit, "track": track, "back": back}
    try:
        how = _how(request, verb, track)
        if how is None:
            return _shown(request, found, verb, asked)
        act = partial(VERBS[verb][0], units=[unit] if unit else [], **how)
        found, saved, done = _agreed(request, found, act)
    except Invalid as invalid:
        return _shown(request, found, verb, {**asked, "problems": invalid.problems}, status=422)
    except actions.Refused as refused:
        say_why(request, refused)
        return redirect(back)
    if not done:
        return _shown(request, found, verb, {**asked, "plan": saved.plan, "warnings": saved.warnings})
    undo = _undo(request, verb, before, saved)
    if verb == "image" and not unit and saved.grid is not None and saved.grid.spec.get("rollout"):
        back = rollout_url(found)  # how far it is stands there, with the buttons that steer it
    toasts.done(request, gettext("“%(name)s” was saved.") % {"name": unit or name}, undo)
    say_warnings(request, saved.warnings)
    return redirect(back)


def _agreed(request: HttpRequest, grid: Grid, act: Callable[..., Any]) -> tuple[Grid, Any, bool]:
    """Carry a verb out where the form confirms the plan that was shown, and this is still that, else only look what it
    comes to: the grid as it is now, what the verb answers, and whether it was carried out. What was typed is kept."""
    by = actor(request)
    if request.POST.get("step") == "confirm":
        try:
            with as_shown(request, grid.path):
                return grid, act(grid, actor=by, expect=request.POST.get("expect")), True
        except actions.PlanChanged:
            say_changed(request)
        except actions.Stale as stale:
            grid = stale.current
            messages.warning(request, gettext("The grid has changed since this page was opened. Review it again."))
    return grid, act(grid, actor=by, dry_run=True), False


def _shown(request: HttpRequest, grid: Grid, verb: str, asked: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    _, title, explanation = VERBS[verb]
    containers = images_now(grid, asked["unit"]) if verb == "image" else {}
    context = {
        "grid": grid,
        "verb": verb,
        "title": title,
        "explanation": explanation,
        "containers": containers,
        "revisions": grid.revisions.all()[:REVISIONS] if verb == "pin" else (),
        "given": _given(request, grid, asked["unit"], verb, containers),
        "images": images_of_grids if verb == "image" else (),  # called where the page is shown, not where it is left
    }
    return show(request, "grids/per_unit/operate.html", {**context, **asked}, status=status)


def _undo(request: HttpRequest, verb: str, before: dict[str, Any], saved: Any) -> str:
    if verb not in _UNDONE or saved.grid is None or saved.result == "unchanged":
        return ""
    return toasts.keep(request, before, saved.grid)


@needs("operator", "grids")
def undo(request: HttpRequest, plural: str, namespace: str, name: str, token: str) -> HttpResponse:
    """Show what making a grid what it was before the change that a message told of comes to, then do it, unless it was
    changed since. A second click finds it done."""
    found = grid_at(plural, namespace, name)
    before, etag = toasts.recall(request, token, found.path)

    def save(dry_run: bool) -> actions.Saved:
        return actions.save_grids([before], actor(request), expect=etag, dry_run=dry_run)[0]

    undone = gettext("The change of “%(name)s” was undone.") % {"name": name}
    try:
        saved, done = agreed(request, found.path, save)
    except actions.Stale as stale:
        if stale.current.source() == before:
            messages.success(request, undone)
        else:
            messages.warning(request, gettext("The grid was changed since. Nothing was undone."))
    except (Invalid, actions.Refused) as error:
        say_why(request, error)
    else:
        if not done:
            context = {"grid": found, "plan": saved.plan, "warnings": saved.warnings}
            return show(request, "grids/per_unit/undo.html", context)
        messages.success(request, undone)
        say_warnings(request, saved.warnings)
    return redirect(grid_url(found))


def _how(request: HttpRequest, verb: str, track: str) -> dict[str, Any] | None:
    """What a verb needs besides the NodeUnit, as it was filled in; None where that is still to be asked."""
    if verb in rollout_verbs.VERBS:
        return {"tracks": [track]} if track else {}
    if verb not in ("image", "scale", "pin"):
        return {}
    if request.method != "POST":
        return None
    if verb in ("scale", "pin"):
        field = "replicas" if verb == "scale" else "revision"
        number = _replicas(request) if verb == "scale" else _number(request, field)
        return None if number is None else {field: number}
    image, container = (clean(request.POST.get(each, ""))[:1000] for each in ("image", "container"))
    canary = request.POST.get("canary") == "1"
    return {"image": image, "container": container, "canary": canary} if image else None


def _replicas(request: HttpRequest) -> int | None:
    """The replicas that are asked for, one more or fewer than the number in the field where ± was pressed."""
    number, by = _number(request, "replicas"), {"+": 1, "-": -1}.get(request.POST.get("by", ""), 0)
    return None if number is None else max(0, number + by)


def _number(request: HttpRequest, field: str) -> int | None:
    text = clean(request.POST.get(field, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _given(
    request: HttpRequest, grid: Grid, unit: str, verb: str, containers: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What the fields show: what was typed, else what there is now."""
    given: dict[str, Any] = request.POST.dict()
    if verb == "image" and "image" not in given:
        given["image"] = next((image for images in containers.values() for image in images), "")
    if verb == "scale":
        asked = _replicas(request)
        given["replicas"] = _replicas_now(grid, unit) if asked is None and "replicas" not in given else asked
    return given


def _replicas_now(grid: Grid, unit: str) -> int | None:
    """How many replicas a NodeUnit is to have, or the grid as far as `scale` changes that."""
    if unit:
        return grid.units.filter(name=unit).values_list("desired", flat=True).first()
    found = replicas_now(grid.spec)
    return found if isinstance(found, int) else None
