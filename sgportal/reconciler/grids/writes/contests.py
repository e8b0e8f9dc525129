"""Fields that do not keep what they are set to: counted per unit, so that we stop writing them after a few tries."""

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....cluster import RESOURCES, Cluster, ClusterError, NotFound
from ....core.grids.kinds import KINDS
from ....core.plans.alike import once_for_alike
from ....core.plans.contest import Attempt, Attempts, after_admission, after_writing, remembered
from ....core.plans.desired import Finding
from ....core.plans.drift import contests, resisted
from ....core.plans.plan import World
from ....models import GridUnit
from .apply import StepResult

log = logging.getLogger(__name__)
_ADMISSION = ("MutatingWebhookConfiguration", "MutatingAdmissionPolicy")


@dataclass(frozen=True, slots=True)
class Count:
    """The attempts of each unit that has or had any, and what the answers to the last writes showed."""

    attempts: Mapping[str, Attempts]
    findings: tuple[Finding, ...] = ()


def counted(seen: World, results: Sequence[StepResult], cluster: Cluster) -> Count:
    """The attempts after these writes. Asks the cluster who may have changed them, where somebody did."""
    attempts: dict[str, Attempts] = {unit: remembered(each, seen.now) for unit, each in seen.attempts.items()}
    findings: list[Finding] = []
    suspects = functools.cache(lambda kind: _suspects(kind, cluster))
    left_of = once_for_alike(resisted)
    for result in results:
        step = result.step
        if result.done and step.verb == "create":
            attempts.pop(step.unit, None)
        elif result.done and result.live and step.verb in ("update", "adopt"):
            written = [each for each in step.changes if step.drift and not each.released]
            found: Attempts = after_writing(attempts.get(step.unit, {}), written, seen.now)
            if left := left_of(step.body, result.live):
                found = after_admission(found, left, suspects(step.kind), seen.now)
                findings += contests(step.unit, left, found)
            attempts[step.unit] = found
    return Count(attempts, tuple(findings))


def reconsider(cluster: Cluster) -> set[str]:
    """Let fields be set again that a webhook or policy had changed which is not asked any more; the paths of their
    grids. Asks the cluster only where there are such fields, and changes nothing where it cannot be told."""
    asked = functools.cache(lambda kind: _asked(kind, cluster))
    paths: set[str] = set()
    for cell in GridUnit.objects.exclude(attempts={}).select_related("grid").iterator():
        attempts = {name: Attempt.from_json(each) for name, each in cell.attempts.items()}
        if any(each.suspects for each in attempts.values()):
            now = asked(KINDS[cell.grid.kind].child_kind)
            kept = {name: each.to_json() for name, each in attempts.items() if not each.has_lost_a_rival(now)}
            unchanged = GridUnit.objects.filter(pk=cell.pk, attempts=cell.attempts)
            if len(kept) < len(attempts) and unchanged.update(attempts=kept):
                paths.add(cell.grid.path)
    return paths


def _asked(kind: str, cluster: Cluster) -> list[str] | None:
    """The mutating webhooks and policies that the API server asks about writes of a kind, by name; None where it could
    not be told."""
    found = []
    for each in _ADMISSION:
        try:
            found += _named(each, kind, cluster)
        except NotFound:  # not served here
            continue
        except ClusterError as error:
            log.info("%s cannot be listed: %s", each, error)
            return None
    return found


def _suspects(kind: str, cluster: Cluster) -> list[str]:
    """As many of them as we may see."""
    found = []
    for each in _ADMISSION:
        try:
            found += _named(each, kind, cluster)
        except ClusterError as error:
            log.info("%s cannot be listed: %s", each, error)
    return sorted(found)


def _named(admission: str, kind: str, cluster: Cluster) -> list[str]:
    return [body["metadata"]["name"] for body in cluster.list(admission).items if _is_asked(body, kind)]


def _is_asked(body: Mapping[str, Any], kind: str) -> bool:
    resource = RESOURCES[kind]
    group = resource.api_version.rpartition("/")[0]
    return any(
        {group, "*"} & set(rule.get("apiGroups") or ())
        and {resource.plural, "*", "*/*"} & set(rule.get("resources") or ())
        and {"UPDATE", "*"} & set(rule.get("operations") or ())
        for rule in _rules(body)
    )


def _rules(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for webhook in body.get("webhooks") or ():
        yield from webhook.get("rules") or ()
    yield from ((body.get("spec") or {}).get("matchConstraints") or {}).get("resourceRules") or ()
