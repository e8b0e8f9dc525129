"""What people ask of a rollout on pages, by verb: how it is done, its title, and what it means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from ... import actions
from ...core.plans.plan import Plan
from ...core.rollouts.verbs import Verb
from ...core.text import Problem
from ...models import Grid

PREFIX = "rollout-"


@dataclass(frozen=True, slots=True)
class Done:
    """What a verb comes to."""

    plan: Plan
    warnings: tuple[Problem, ...] = ()


def _steer(verb: Verb) -> Callable[..., Done]:
    def act(grid: Grid, units: Sequence[str], actor: actions.Actor, **how: Any) -> Done:
        return Done(actions.steer_rollout(grid, verb, actor, units=units, **how))

    return act


TOLD: dict[Verb, tuple[Promise, Promise]] = {
    "start": (gettext_lazy("Start rollout"), gettext_lazy("It begins with the first wave.")),
    "pause": (
        gettext_lazy("Pause rollout"),
        gettext_lazy("No more NodeUnits are given the revision. Those that are being changed go on."),
    ),
    "resume": (
        gettext_lazy("Resume rollout"),
        gettext_lazy("It goes on where it stood. NodeUnits that failed are waited for once more."),
    ),
    "approve": (gettext_lazy("Approve wave"), gettext_lazy("The next wave begins.")),
    "skip": (
        gettext_lazy("Skip"),
        gettext_lazy("A NodeUnit keeps what it has; of a wave, the next one begins without waiting for it."),
    ),
    "abort": (gettext_lazy("Abort rollout"), gettext_lazy("Every NodeUnit keeps the revision that it has now.")),
    "rollback": (
        gettext_lazy("Roll back"),
        gettext_lazy("Every NodeUnit gets the revision back that it had before. The spec stays as it is."),
    ),
}
VERBS = {f"{PREFIX}{verb}": (_steer(verb), *told) for verb, told in TOLD.items()}
