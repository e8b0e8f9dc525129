"""Fields that do not keep what they are set to: counted per unit, so that we stop writing them after a few tries."""

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....cluster import RESOURCES, Cluster, ClusterError
from ....core.plans.alike import once_for_alike
from ....core.plans.contest import Attempts, after_admission, after_writing, remembered
from ....core.plans.desired import Finding
from ....core.plans.drift import contests, resisted
from ....core.plans.plan import World
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


def _suspects(kind: str, cluster: Cluster) -> list[str]:
    """The mutating webhooks and policies that the API server asks about writes of a kind, by name; none where we may
    not look, or they are not served."""
    found = []
    for each in _ADMISSION:
        try:
            found += [body["metadata"]["name"] for body in cluster.list(each).items if _is_asked(body, kind)]
        except ClusterError as error:
            log.info("%s cannot be listed: %s", each, error)
    return sorted(found)


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
