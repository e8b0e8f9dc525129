"""The page on which commands are run in a pod's containers; each is asked for over REST."""

import shlex

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ...core.containers.commands import LONGEST
from ...core.containers.view import containers_of, most_telling
from ...queries.per_unit.pods import NO_EXEC, exec_role
from ...reconciler.live.commands import IDLE_SECONDS, LIFE_SECONDS
from ..page.access import needs
from ..page.render import show, wanted
from .views import pod_now


@needs("viewer", "grids")
def terminal(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """A terminal for one command at a time, for those who hold the role for that in the scope of the pod."""
    if not exec_role():
        return show(request, "403.html", {"sentence": NO_EXEC}, status=403)
    return needs(exec_role(), "grids")(_terminal)(request, namespace, name)


def _terminal(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    row, cells, body, problem = pod_now(namespace, name)
    asked = wanted(request, "container")
    containers = tuple(each for each in containers_of(body or {}) if each.state.phase == "running")
    chosen = next((each for each in containers if each.name == asked["container"]), None) or most_telling(containers)
    if (
        asked["container"]
        and body is not None
        and asked["container"] not in {each.name for each in containers_of(body)}
    ):
        raise Http404
    words = ["kubectl", "-n", row.namespace, "exec", "-it", row.name]
    context = {
        "pod": row,
        "cells": cells,
        "containers": containers,
        "chosen": chosen,
        "problem": problem,
        "longest": LONGEST,
        "minutes": round(LIFE_SECONDS / 60),
        "idle": round(IDLE_SECONDS / 60),
        "source": reverse("api-pod-exec", args=[row.namespace, row.name]),
        "command": shlex.join([*words, *(["-c", chosen.name] if chosen else []), "--", "sh"]),
    }
    return show(request, "pods/terminal.html", context)
