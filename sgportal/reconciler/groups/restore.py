"""All members of a package back to one of its revisions, where the annotation `operation` asks for it."""

from collections.abc import Mapping
from typing import Any

from ...cluster import Cluster
from ...core.grids.operations import members_asking_as
from ...core.overrides.operation import operation_of, operation_text
from ...core.overrides.requests import rollout_text
from ...core.text import Invalid, Problem, say
from ...models import Grid, PackageRevision, ServiceGroup
from ...queries.policy import closed
from ..grids.events import kube_events
from ..grids.operations import MOST_SHOWN, done, ignored, not_stored
from .members import take_in

Body = Mapping[str, Any]


def obey(group: ServiceGroup, body: Body, cluster: Cluster) -> bool:
    """Do what the annotation of the custom resource asks, once for each text that it has; whether the members are
    other ones now. What makes no sense is told as an Event and changes nothing. Raises Refusal, where it is still to be
    done, and ClusterError."""
    annotations = body["metadata"].get("annotations")
    asked = operation_text(annotations)
    if group.operation is None:  # as a restored backup leaves it: nor is it known what was asked of the rollout
        group.operation, group.command = asked, rollout_text(annotations)
        ServiceGroup.objects.filter(pk=group.pk).update(operation=asked, command=group.command)
    if asked == group.operation or closed(group.namespace):
        return False
    try:
        spec = _wanted(group, asked)
    except Invalid as invalid:
        kube_events.emit(group, [ignored(asked, invalid)], cluster)
        spec = None
    if spec is None:
        ServiceGroup.objects.filter(pk=group.pk).update(operation=asked)
        group.operation = asked
        return False
    take_in(group, {**body, "spec": spec}, cluster, asked)
    kube_events.emit(group, [done(asked)], cluster)
    return True


def _wanted(group: ServiceGroup, asked: str) -> dict[str, Any] | None:
    """The spec that is asked for, None where nothing is. Raises Invalid."""
    operation = operation_of(asked)
    if operation is None:
        return None
    if operation.verb != "restore":
        text = say(
            "a ServiceGroup takes “restore” alone; ask “%(text)s” of one of its members", text=asked[:MOST_SHOWN]
        )
        raise Invalid(Problem("", text))
    revisions = PackageRevision.objects.filter(group=group)
    revision = revisions.filter(number=operation.revision).first()
    if revision is None:
        latest = revisions.first()
        raise not_stored(operation.revision, latest.number if latest else 0)
    return members_asking_as(revision.spec, [grid.source() for grid in Grid.objects.filter(group=group)])
