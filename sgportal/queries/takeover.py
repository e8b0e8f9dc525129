"""What taking over from SuperEdge's controller would do, by what was last seen."""

from ..core.plans.plan import Step
from ..core.text import Invalid
from ..models.intent import Grid
from .plans import plan_of


def takeover_steps() -> tuple[tuple[str, Step], ...]:
    """The path of a grid and a step that would run, for every step of every valid grid. None is what one hopes for: the
    children are accepted as SuperEdge left them."""
    found = []
    for grid in Grid.objects.exclude(spec={}):
        try:
            found += [(grid.path, step) for step in plan_of(grid).steps]
        except Invalid:
            continue
    return tuple(found)
