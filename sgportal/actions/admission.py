"""What the API server itself says to grids before they are stored: its validation, quotas, policies, webhooks.

Decision record 0010 says what is asked, and what an answer means.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.conf import settings

from ..cluster import ClusterError, Conflict, Throttled, Unanswered
from ..core.grids.grid import GridSpec
from ..core.names import child_name
from ..core.plans.plan import IMMUTABLE, plan
from ..core.plans.trial import Trial, may_not, probes, told, trials, unchangeable, verdict, warnings
from ..core.text import Invalid, Problem, Sentence, first_of, say
from ..models import Child, Grid
from ..queries.per_unit.units import units_for
from ..queries.plans import world
from ..reconciler.process import connection, dry_run

MOST = 64  # objects that are tried for one save


@dataclass(slots=True)
class _Heard:
    """Of one grid: why it is refused, and what a person should know although it is not."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def ask(specs: Mapping[str, tuple[GridSpec, Grid | None]]) -> dict[str, tuple[Problem, ...]]:
    """Ask the API server about each of these grids (as it shall be, and its row), named by the JSON pointer of their
    manifests: what each is warned of, and why it could not be asked. Not within a transaction, for it may take
    SGPORTAL_DRY_RUN_SECONDS. Raises Invalid for what it refuses."""
    if not specs or not settings.SGPORTAL_DRY_RUN_SECONDS:
        return {}
    try:
        cluster = connection.cluster()
    except ClusterError as error:
        return dict.fromkeys(specs, (_not_asked(_why(error)),))
    if cluster.read_only:
        return dict.fromkeys(specs, (_not_asked(say("the portal is read-only")),))
    heard = {prefix: _Heard() for prefix in specs}
    wanted: list[tuple[str, Trial]] = []
    for prefix, (spec, grid) in specs.items():
        if len(wanted) < MOST:
            wanted += [(prefix, trial) for trial in _trials(spec, grid)]
        else:
            heard[prefix].warnings.append(_not_asked(say("a dry run covers at most %(most)s objects", most=MOST)))
    for (prefix, trial), reply in zip(wanted, dry_run.ask(cluster, [trial for _, trial in wanted]), strict=True):
        if reply.error:
            _sort(trial, reply.error, heard[prefix])
        else:
            heard[prefix].warnings += warnings(trial, reply.warnings)
    problems = [each.within(prefix) for prefix, one in heard.items() for each in dict.fromkeys(one.problems)]
    if problems:
        raise Invalid(*first_of(problems))
    return {prefix: tuple(dict.fromkeys(one.warnings)) for prefix, one in heard.items()}


def _trials(spec: GridSpec, grid: Grid | None) -> Iterator[Trial]:
    """What to try of a grid: for each of its templates, the child of one NodeUnit if it would be written, and a pod."""
    known = units_for(spec)
    for probe in probes(spec, known):
        name = child_name(spec.name, spec.kind.child_kind, probe.unit)
        rows = Child.objects.filter(kind=spec.kind.child_kind, namespace=spec.namespace, name=name)
        seen = world(probe.spec, grid, [probe.unit], list(rows.values_list("body", flat=True)), known)
        planned = plan(probe.spec, seen)
        yield from trials(probe, [step for step in planned.steps if step.unit == probe.unit], planned.wanted)
        # What differs already is known, and the way out is to recreate it: no other change has to wait for that.
        if grid and not grid.units.filter(name=probe.unit, reason=IMMUTABLE).exists():
            yield from unchangeable(probe, planned, seen.live)


def _sort(trial: Trial, error: ClusterError, into: _Heard) -> None:
    """Put what is no success where it belongs."""
    message = str(error)
    match verdict(trial, 409 if isinstance(error, Conflict) else error.status, message):
        case "refused":
            into.problems += told(trial, message, error.causes)
        case "warned":
            into.warnings += told(trial, message, error.causes)
        case "unasked":
            into.warnings.append(_not_asked(_WITHOUT_PODS if may_not(message) else _why(error)))


_WITHOUT_PODS = say(
    "the portal's account may not create pods, so quotas, limits and policies for pods were not checked "
    "(ClusterRole sgportal-dry-runs in deploy/rbac.yaml)"
)


def _why(error: ClusterError) -> Sentence | str:
    """Why the API server could not be asked: what we say of it in the reader's language, what it said as it said it."""
    match error:
        case dry_run.Late():
            return say("the API server did not answer within %(seconds)s s", seconds=settings.SGPORTAL_DRY_RUN_SECONDS)
        case Unanswered():
            return say("the API server does not answer: %(message)s", message=error.why)
        case Throttled(retry_after=float(seconds)):
            return say("the API server is busy and asks to try again in %(seconds)s s", seconds=round(seconds))
    if error.status < 400:
        return str(error)
    return say("the API server answered %(status)s: %(message)s", status=error.status, message=str(error))


def _not_asked(why: object) -> Problem:
    return Problem("", say("the dry run was not possible: %(why)s", why=why))
