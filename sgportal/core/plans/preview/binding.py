"""What a plan comes to in a few numbers, and its id: whoever agreed to a plan agreed to exactly these steps."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ...names import RESTARTED
from ..plan import Step

_POD_TEMPLATE = "/spec/template/"
# A restart writes the time of the request, which is another each time it is asked for.
_NOW = re.compile(rf'"{re.escape(RESTARTED)}":"[^"]*"')
_NOW_PATH = RESTARTED.replace("/", "~1")


@dataclass(frozen=True, slots=True)
class Summary:
    """How many objects would be created, updated, adopted, released, deleted; how many workloads would replace their
    pods, and how many pods that are."""

    creates: int = 0
    updates: int = 0
    adopts: int = 0
    releases: int = 0
    deletes: int = 0
    restarts: int = 0
    restarted_pods: int = 0


def summary_of(steps: Iterable[Step]) -> Summary:
    """The numbers of some steps. Kubernetes replaces the pods of a workload for any change of its pod template, of the
    resources of a container as well; not those of a StatefulSet whose update strategy is OnDelete."""
    found = list(steps)
    count = {
        verb: sum(step.verb == verb for step in found) for verb in ("create", "update", "adopt", "release", "delete")
    }
    restarting = [step for step in found if restarts(step)]
    return Summary(
        creates=count["create"],
        updates=count["update"],
        adopts=count["adopt"],
        releases=count["release"],
        deletes=count["delete"],
        restarts=len(restarting),
        restarted_pods=sum(int((step.seen.get("spec") or {}).get("replicas", 1)) for step in restarting),
    )


def restarts(step: Step) -> bool:
    """Whether a step has Kubernetes replace the pods of a workload."""
    if step.verb not in ("update", "adopt") or step.kind not in ("Deployment", "StatefulSet"):
        return False
    strategy = (step.body.get("spec") or {}).get("updateStrategy") or {}
    by_hand = step.kind == "StatefulSet" and strategy.get("type") == "OnDelete"
    return not by_hand and any(each.path.startswith(_POD_TEMPLATE) and not each.released for each in step.changes)


def plan_id(steps: Iterable[Step]) -> str:
    """The id of some steps: the same for the same steps, in whatever language they are explained; another as soon as
    one of them writes something else, or to an object that is no longer as it was."""
    essence = [_essence(each) for each in steps]
    text = orjson.dumps(essence, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str).decode()
    return hashlib.sha256(_NOW.sub('"":""', text).encode()).hexdigest()[:32]


def digest(*parts: Any) -> str:
    """The id of what is no grid's plan alone, from what it consists of (JSON)."""
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:32]


def _essence(step: Step) -> list[Any]:
    changes = [[each.path, each.old, each.new if not each.path.endswith(_NOW_PATH) else ""] for each in step.changes]
    return [step.verb, step.kind, step.namespace, step.name, step.unit, step.uid, changes, step.body]


def id_of(several: Mapping[str, str]) -> str:
    """The id of the plans for several objects, from the id of each by its path."""
    return hashlib.sha256(json.dumps(sorted(several.items())).encode()).hexdigest()[:32]
