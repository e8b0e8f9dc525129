"""Template filters for plans: their id, their sum, their steps folded."""

from collections import Counter
from collections.abc import Sequence

from django import template
from django.utils.translation import gettext, gettext_lazy

from ...core.fleet.activity import APPROVED
from ...core.plans.desired import Finding
from ...core.plans.plan import Plan
from ...core.plans.preview.binding import Summary, plan_id, summary_of
from ...core.plans.preview.folding import Fold, folded
from ...core.text import Sentence

register = template.Library()
_APPROVAL_STATES = {
    "waiting": gettext_lazy("waits for another person"),
    "approved": gettext_lazy("approved by"),
    "refused": gettext_lazy("refused by"),
    "outdated": gettext_lazy("the plan has changed"),
    "done": gettext_lazy("carried out; approved by"),
    "expired": gettext_lazy("expired"),
}


@register.filter
def approval_word(status: str) -> str:
    """What became of a request for approval, before the name of who decided."""
    return str(_APPROVAL_STATES.get(status, status))


@register.filter
def guarded_word(action: str) -> str:
    """An action that takes two people, in words."""
    found = APPROVED.get(action)
    return found.render(gettext) if found else action


@register.filter
def id_of_plan(plan: Plan) -> str:
    """What a form brings back of the plan it shows."""
    return plan_id(plan.steps)


@register.filter
def restarted(plan: Plan) -> Summary | None:
    """What a plan comes to, where it has pods replaced."""
    found = summary_of(plan.steps)
    return found if found.restarts else None


@register.filter
def tally(plan: Plan) -> list[tuple[str, int]]:
    """How many steps of each verb a plan has, in the order of their first."""
    return list(Counter(step.verb for step in plan.steps).items())


@register.filter
def alike(found: Sequence[Finding]) -> list[tuple[str, Sentence, list[str]]]:
    """Findings that say the same, each once with the NodeUnits of which it is said, in the order of their first."""
    together: dict[tuple[str, Sentence], list[str]] = {}
    for each in found:
        units = together.setdefault((each.reason, each.sentence), [])
        if each.unit:
            units.append(each.unit)
    return [(reason, sentence, units) for (reason, sentence), units in together.items()]


@register.filter
def folds(plan: Plan) -> Sequence[Fold]:
    """The steps of a plan, alike ones together."""
    return folded(plan.steps)
