"""One fault from a steady state to a steady state, and what was found."""

import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import psycopg

from .api import MERGE
from .comparison import DOUBLED, LOST, UNEXPLAINED, Finding, Snapshot, findings
from .kinds import Fault
from .setting import Setting
from .snapshot import KEY, take
from .work import Work, manifest, service

PATIENCE = float(os.environ.get("FAULTS_PATIENCE", "240"))  # seconds in which all has to be as wanted after a fault
LEAD = 3.0  # seconds of work before and after it
CALM = ("calm-0", "calm-1", "calm-web")


@dataclass
class Result:
    """What a fault did. `recovered`: seconds from its end until all was as wanted, None where that did not come."""

    name: str
    what: str
    seconds: float
    recovered: float | None
    before: dict[str, int]
    after: dict[str, int]
    answers: dict[str, int]
    notes: list[str]
    found: list[Finding] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """How many findings there are of a kind."""
        return sum(each.kind == kind for each in self.found)

    def as_json(self) -> dict[str, Any]:
        """For the file of results."""
        counted = {kind: self.count(kind) for kind in (LOST, DOUBLED, UNEXPLAINED)}
        return {**asdict(self), **counted}


def furnish(at: Setting, units: int, spares: int) -> list[str]:
    """Nodes with labels and the grids that the faults happen to; the names of the nodes that move between units."""
    door = at.door()
    kept = [manifest("DeploymentGrid", name) for name in (*CALM, "busy-0", "beside")]
    kept += [manifest("StatefulSetGrid", "calm-set"), service("calm-service", "calm-web")]
    plural = {"DeploymentGrid": "deploymentgrids", "StatefulSetGrid": "statefulsetgrids", "ServiceGrid": "servicegrids"}
    nodes = sorted(each["metadata"]["name"] for each in at.api.list("/api/v1/nodes"))[: units + spares]
    at.until(lambda: len(door.ask("GET", "nodes")[1]["items"]) >= len(nodes), "the nodes have been seen")
    for node in nodes[units:]:  # without pods: one that runs on stays where its node was
        at.api.request("PATCH", f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}}, MERGE)
    for number, node in enumerate(nodes):
        status, answer, _ = door.ask(
            "PATCH", f"nodes/{node}", {"metadata": {"labels": {KEY: f"unit-{number % units}"}}}
        )
        assert status in (200, 202), answer
    for body in kept:
        status, answer, _ = door.ask("POST", plural[body["kind"]], body)
        assert status in (201, 202), answer
    return nodes[units:]


def steady(at: Setting, before: Snapshot | None = None, work: Work | None = None) -> tuple[Snapshot, list[Finding]]:
    """Wait until all is as wanted; what is there then, and what is still not as wanted once waiting is of no use."""
    deadline, last, calm_since = time.monotonic() + PATIENCE, "", 0.0
    while True:
        try:
            now = take(at.api, at.database)
            found = findings(before or now, now, work.wishes if work else {})
            last = ""
        except (OSError, psycopg.Error) as error:
            found, last = [Finding(UNEXPLAINED, f"nothing could be read: {error}")], str(error)
        waits = any(not each.lasting for each in found)
        if not waits and calm_since and time.monotonic() - calm_since > 2:
            return now, found
        calm_since = 0.0 if waits else calm_since or time.monotonic()
        if time.monotonic() > deadline:
            assert not last, last
            return now, found
        time.sleep(0.5)


def run(at: Setting, fault: Fault, spares: Sequence[str]) -> Result:
    """Try a fault."""
    before, found = steady(at)
    assert not found, f"it is not steady before {fault.name}: {found}"
    at.notes.clear()
    at.ended.clear()
    at.anew = False
    began, door = time.monotonic(), at.door()
    trouble = []
    at.work_goes_on.set()
    tag = f"{fault.name}-{int(time.time()) % 10000}"
    with Work(door, at.api, before, list(spares), tag, at.work_goes_on) as work:
        time.sleep(LEAD)
        try:
            fault.run(at)
        except Exception:
            trouble = [Finding(UNEXPLAINED, f"the fault did not go as planned: {traceback.format_exc()}", lasting=True)]
        at.work_goes_on.set()
        seconds = time.monotonic() - began - LEAD
        time.sleep(LEAD)
    over = time.monotonic()
    after, found = steady(at, replace(before, grids={}, children={}, pods={}) if at.anew else before, work)
    recovered = None if any(not each.lasting for each in found) else max(0.0, time.monotonic() - over - 2)
    _tidy(at, after)
    trouble += [Finding(UNEXPLAINED, each, lasting=True) for each in work.refused if not fault.is_reason_for(each)]
    ended = [] if fault.excused else [Finding(UNEXPLAINED, each, lasting=True) for each in at.ended]
    notes = [*at.notes, *(at.ended if fault.excused else [])]
    answers = {**door.answers, **{f"kubectl {code}": count for code, count in work.beside.items()}}
    all_found = [*found, *trouble, *ended]
    return Result(fault.name, fault.what, seconds, recovered, before.counts, after.counts, answers, notes, all_found)


def _tidy(at: Setting, after: Snapshot) -> None:
    """Delete what was made in a fault, so that each begins with as much."""
    door = at.door()
    for path in [f"deploymentgrids/default/{name}" for _, name in after.grids if name.startswith("new-")]:
        headers = door.ask("GET", path)[2]
        door.ask("DELETE", path, **{"If-Match": headers.get("ETag", "")})
