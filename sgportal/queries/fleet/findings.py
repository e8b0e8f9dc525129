"""What there is to tell people of, now: a few statements, however many grids and nodes there are."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, Exists, OuterRef, Q

from ...core.access.notices import (
    ROLLOUT_PHASES,
    Finding,
    closure_leaks,
    queue_old,
    rollout_stuck,
    units_down,
)
from ...core.grids.group import PLURAL
from ...core.grids.kinds import KINDS
from ...models import Grid, NodeLabel, Rollout, WorkKey

QUEUE_MINUTES = 5


def findings() -> list[Finding]:
    """Every cause, each once. Five statements."""
    return [*_units(), *_rollouts(), *_closure(), *_queue()]


def _units() -> list[Finding]:
    keys = Grid.objects.order_by().values("key")
    labels = NodeLabel.objects.filter(key__in=keys).exclude(value="").order_by()
    counted = labels.values_list("key", "value").annotate(ready=Count("pk", filter=Q(node__ready="Ready")))
    down = set(counted.filter(ready=0).values_list("key", "value"))
    if not down:
        return []
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    of_down = labels.filter(key__in={key for key, _ in down}, value__in={value for _, value in down})
    for key, value, node in of_down.values_list("key", "value", "node__name"):
        if (key, value) in down:
            members[key, value].append(node)
    return units_down(members)


def _rollouts() -> Iterator[Finding]:
    later = Rollout.objects.filter(grid=OuterRef("grid"), pk__gt=OuterRef("pk"))
    stuck = Rollout.objects.filter(~Exists(later), phase__in=ROLLOUT_PHASES).order_by("pk")
    seen: set[str] = set()
    names = ("phase", "grid__kind", "grid__namespace", "grid__name", "grid__key", "grid__group__name")
    for phase, kind, namespace, name, key, group in stuck.values_list(*names):
        path = f"{PLURAL}/{namespace}/{group}" if group else f"{KINDS[kind].plural}/{namespace}/{name}"
        found = rollout_stuck(path, phase, key, kind, namespace)
        if found.id not in seen:
            seen.add(found.id)
            yield found


def _closure() -> Iterator[Finding]:
    leaking = Grid.objects.filter(kind="ServiceGrid", status__nodes__leaking__gt=0).order_by("pk")
    for namespace, name, key, nodes in leaking.values_list("namespace", "name", "key", "status__nodes__leaking"):
        yield closure_leaks(f"servicegrids/{namespace}/{name}", nodes, key, namespace)


def _queue() -> Iterator[Finding]:
    if WorkKey.objects.oldest_seconds() > QUEUE_MINUTES * 60:
        yield queue_old(QUEUE_MINUTES)
