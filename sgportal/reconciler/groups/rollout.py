"""What is asked of the rollout of a package, for all of its members."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from ...core.overrides.requests import rollout_text, rollout_words
from ...core.text import Invalid
from ...models import Grid, ServiceGroup
from ...queries.plans import spec_of
from ..grids.rollouts import begin, package, turn
from ..queue.together import requests_together


def obey(group: ServiceGroup, body: Mapping[str, Any]) -> None:
    """Carry out what the annotation of the custom resource asks, once for each text that it has; a package that is not
    valid asks for nothing."""
    asked = rollout_text(body["metadata"].get("annotations"))
    if asked == group.command:
        return
    with transaction.atomic(), requests_together():
        row = ServiceGroup.objects.select_for_update().get(pk=group.pk)
        if asked != row.command and (words := rollout_words(asked)):  # else another was faster
            for grid in package.members(group):  # what came with it is another revision, which it means
                _begin(grid)
            turn.obey_all(package.members(group), words)
        ServiceGroup.objects.filter(pk=group.pk).update(command=asked)
    group.command = asked


def _begin(grid: Grid) -> None:
    try:
        begin.prepare(grid, spec_of(grid))
    except Invalid:  # which is never carried out
        return
