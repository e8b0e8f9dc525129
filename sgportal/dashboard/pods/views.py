"""A pod, and the logs of its containers."""

import shlex
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ...actions import Unavailable
from ...core.containers.view import ContainerView, containers_of, most_telling
from ...core.text import Sentence, say
from ...models import Pod
from ...queries.per_unit import usage
from ...queries.per_unit.pods import NO_LOGS, PodCell, log_role, pod_at
from ...reconciler.live import logs, objects
from ...reconciler.live.errors import NoLog, NotAllowed
from ..page.access import needs
from ..page.render import show, wanted

TAILS = (100, 500, 2000, 10_000)
MOST_BYTES = 1024 * 1024  # of a log within a page
_NO_ANSWER = say("the cluster does not answer; what is shown is the last known")
_NO_ANSWER_LOG = say("the cluster does not answer: no log can be read now")


@needs("viewer", "grids")
def pod(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """A pod: its containers with their states and last ends, its conditions, and the cells that it belongs to; with
    `in=drawer` what of it is shown beside another page."""
    row, cells, body, problem = pod_now(namespace, name)
    containers = containers_of(body or {})
    context = {
        "pod": row,
        "usage": usage.of_pods([row]).get(str(row)),
        "cells": cells,
        "live": " ".join(
            ["cluster", "usage", *(f"grid:{path}" for path in dict.fromkeys(each.grid for each in cells))]
        ),
        "containers": containers,
        "images": [each.image for each in containers],
        "conditions": ((body or {}).get("status") or {}).get("conditions") or (),
        "problem": problem,
        "command": _command(row, most_telling(containers)),
    }
    return show(request, "pods/drawer.html" if request.GET.get("in") == "drawer" else "pods/one.html", context)


def _command(row: Pod, container: ContainerView | None) -> str:
    words = ["kubectl", "-n", row.namespace, "logs", row.name]
    return shlex.join(
        [*words, "-c", container.name, *(["--previous"] if _ended_before(container) else [])] if container else words
    )


def _ended_before(container: ContainerView | None) -> bool:
    """Whether a container runs, or is about to, whose last run failed: that one's log says why."""
    return bool(container and container.last and container.last.exit_code and container.state.phase == "running")


@needs("viewer", "grids")
def log(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """The last lines of a container's log, for those who hold the role for logs in the scope of the pod."""
    if not log_role():
        return show(request, "403.html", {"sentence": NO_LOGS}, status=403)
    return needs(log_role(), "grids")(_log)(request, namespace, name)


def _log(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """They are in this answer alone, which nobody may keep."""
    row, cells, body, problem = pod_now(namespace, name)
    asked = wanted(request, "container", "tail", "previous", "timestamps")
    containers = containers_of(body or {})
    container = next((each for each in containers if each.name == asked["container"]), None)
    if asked["container"] and body is not None and container is None:
        raise Http404
    container = container or most_telling(containers)
    tail = int(asked["tail"]) if asked["tail"] in map(str, TAILS) else TAILS[1]
    flags = {name: bool(asked[name]) for name in ("previous", "timestamps")}
    lines: list[str] = []
    if container and problem is None:
        wanted_log = logs.Wanted(container.name, tail=tail, most=MOST_BYTES, **flags)
        lines, problem = _lines(row, wanted_log, request.user.get_username())
    context = {
        "pod": row,
        "cells": cells,
        "containers": containers,
        "container": container,
        "asked": {**asked, "tail": str(tail), "container": container.name if container else ""},
        "tails": TAILS,
        "lines": lines,
        "problem": _NO_ANSWER_LOG if problem is _NO_ANSWER else problem,
        "source": _source(row, container, tail, flags),
    }
    answer = show(request, "pods/log.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _source(row: Pod, container: ContainerView | None, tail: int, flags: dict[str, bool]) -> str:
    """The address of the log alone, from where a page follows it."""
    query: dict[str, Any] = {"container": container.name if container else "", "tailLines": tail}
    query |= {name: "true" for name, on in flags.items() if on}
    return f"{reverse('api-pod-log', args=[row.namespace, row.name])}?{urlencode(query)}"


def pod_now(namespace: str, name: str) -> tuple[Pod, list[PodCell], objects.Body | None, Sentence | None]:
    """A pod of a cell, the cells that it belongs to, and as it is now or why that is not known. Raises Http404."""
    found = pod_at(namespace, name)
    if found is None:
        raise Http404
    body, problem = _body(found[0])
    if body is None and problem is None:
        raise Http404
    return *found, body, problem


def _body(row: Pod) -> tuple[objects.Body | None, Sentence | None]:
    """A pod as it is now, or why that is not known; neither where it is gone."""
    try:
        return objects.pod_body(row), None
    except NotAllowed as error:
        return None, error.sentence
    except Unavailable:
        return None, _NO_ANSWER


def _lines(row: Pod, asked: logs.Wanted, reader: str) -> tuple[list[str], Sentence | None]:
    try:
        return logs.whole(row, asked, reader), None
    except (NoLog, NotAllowed) as error:
        return [], error.sentence
    except Unavailable:
        return [], _NO_ANSWER
