"""What the demo offers to a newcomer: to break something in its own cluster, and to mend it.

The buttons are there only where `offer` was called. Only the demo calls it, with the cluster that it started itself: no
setting can bring them to a real one.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from ... import actions
from ...core.text import Invalid
from ...models import AuditEvent, Grid, LabelJob, Node
from ..page.access import actor, needs
from ..page.tags import full_sentence

SetReady = Callable[[str, bool | None], None]  # a node's name; Ready, NotReady (False) or not heard of (None)
IMAGE = "fail.sgportal.test/demo/no-such-image:1"
KEY = "site"
FAULTS = {
    "node": gettext_lazy("A node goes down"),
    "link": gettext_lazy("A site loses its link"),
    "image": gettext_lazy("A bad image is rolled out"),
}


class _Stage:
    """The demo's cluster, and what is broken in it."""

    set_ready: SetReady | None = None
    nodes: list[str] = []
    grids: list[dict[str, Any]] = []
    broke = mended = False


def offer(set_ready: SetReady | None) -> None:
    """Offer the buttons from now on; None takes them back."""
    if _Stage.set_ready:  # the cluster is kept, and would stay broken
        _mend_nodes(_Stage.set_ready)
    _Stage.set_ready, _Stage.nodes, _Stage.grids = set_ready, [], []
    _Stage.broke = _Stage.mended = False


def faults() -> dict[str, Any]:
    """What can be broken: the titles of buttons by name; nothing anywhere but in a demo."""
    return FAULTS if _Stage.set_ready else {}


@dataclass(frozen=True)
class Tour:
    """What a newcomer is led through, by what was done: its steps as `(is done, sentence, address, its name)`."""

    steps: tuple[tuple[bool, Any, str, Any], ...]

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(done for done, *_ in self.steps)

    @property
    def is_under_way(self) -> bool:
        """Whether it was begun and is not at its end."""
        return 0 < self.done < len(self.steps)


def tour() -> Tour:
    """How far the tour is, read from what there is: a page that is loaded again knows as much."""
    jobs = LabelJob.objects.filter(action="label")
    made = AuditEvent.objects.filter(kind="change", door="page", verb="create")
    steps = (
        (
            _Stage.broke,
            gettext("Break something with a button below: the causes on this page change within seconds."),
            "",
            "",
        ),
        (_Stage.mended, gettext("Mend it: the causes go again."), "", ""),
        (
            jobs.exists(),
            gettext("nodes that share a label value form a NodeUnit; select a few and change their labels."),
            reverse("nodes"),
            gettext("Nodes"),
        ),
        (
            jobs.filter(undoes__isnull=False).exists(),
            gettext("every change of labels has a page, with what it does and a button that undoes it."),
            reverse("jobs"),
            gettext("Jobs"),
        ),
        (
            made.exists(),
            gettext(
                "a grid is created once and runs in each NodeUnit, with its own templates and waves where you wish."
            ),
            reverse("grid-new"),
            gettext("New grid"),
        ),
    )
    return Tour(steps)


@require_POST
@needs("admin")
def break_something(request: HttpRequest) -> HttpResponse:
    """Break what the button says, or mend all that these buttons broke."""
    what, set_ready = request.POST.get("fault"), _Stage.set_ready
    if set_ready is None or what not in (*FAULTS, "mend"):
        raise Http404
    try:
        said = _mend(request, set_ready) if what == "mend" else _break(request, what, set_ready)
    except actions.Refused as refused:
        messages.warning(request, full_sentence(refused.sentence))
    except (Invalid, actions.Stale) as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, said)
        _Stage.mended = _Stage.broke if what == "mend" else _Stage.mended
    return redirect("overview")


def _break(request: HttpRequest, what: str, set_ready: SetReady) -> str:
    site = _healthy_site()
    if not site:
        return gettext("There is nothing left to break. Mend it first.")
    if what == "image":
        grid = Grid.objects.filter(kind="DeploymentGrid", key=KEY).order_by("-name").first()
        if grid is None:
            return gettext("There is nothing left to break. Mend it first.")
        before = grid.source()
        actions.set_image(grid, [site], actor(request), image=IMAGE)
        _Stage.grids.append(before)
        _Stage.broke = True
        return gettext("“%(grid)s” gets an image that does not exist, at %(site)s.") % {"grid": grid.name, "site": site}
    nodes = list(Node.objects.filter(labels__site=site).order_by("name").values_list("name", flat=True))
    broken = nodes[:1] if what == "node" else nodes
    for name in broken:
        set_ready(name, False if what == "node" else None)
    _Stage.nodes += broken
    _Stage.broke = True
    if what == "node":
        return gettext("%(node)s is down.") % {"node": broken[0]}
    return gettext("Nothing is heard of %(site)s.") % {"site": site}


def _healthy_site() -> str:
    """The first site of which every node is Ready."""
    rows = Node.objects.filter(labels__has_key=KEY).order_by("name").values_list("labels", "ready")
    states: dict[str, bool] = {}
    for labels, ready in rows:
        states[labels[KEY]] = states.get(labels[KEY], True) and ready == "Ready"
    return next((site for site, healthy in states.items() if healthy), "")


def _mend(request: HttpRequest, set_ready: SetReady) -> str:
    _mend_nodes(set_ready)
    while _Stage.grids:
        source = _Stage.grids[-1]
        metadata = source["metadata"]
        if Grid.objects.filter(kind=source["kind"], namespace=metadata["namespace"], name=metadata["name"]).exists():
            actions.save_grids([source], actor(request))
        _Stage.grids.pop()
    for grid in Grid.objects.filter(kind="DeploymentGrid", key=KEY):
        if IMAGE in str(grid.source()):  # broken by a demo that has ended
            sources = (row.source() for row in grid.revisions.order_by("-number"))
            if sound := next((each for each in sources if IMAGE not in str(each)), None):
                actions.save_grids([sound], actor(request))
    return gettext("Everything that these buttons broke is mended.")


def _mend_nodes(set_ready: SetReady) -> None:
    while _Stage.nodes:
        with contextlib.suppress(KeyError):  # deleted meanwhile
            set_ready(_Stage.nodes.pop(), True)
