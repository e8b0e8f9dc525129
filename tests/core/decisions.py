"""Has the core decide a great many cases and prints what it decided as JSON, every sentence left out.

`python -m tests.core.decisions reworded` has each sentence say something else first.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import product
from typing import Any

from sgportal.core import text


def _reworded(msgid: str, **params: Any) -> text.Sentence:
    return text.Sentence("Reworded: " + msgid[::-1].replace("%", "%%"), tuple(params.items()))


if sys.argv[1:] == ["reworded"]:
    text.say = _reworded  # before any module that says something is loaded

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402

from sgportal.core.grids.grid import parse  # noqa: E402
from sgportal.core.plans.desired import Finding  # noqa: E402
from sgportal.core.plans.plan import plan  # noqa: E402
from sgportal.core.plans.trial import may_not, told, verdict  # noqa: E402
from sgportal.core.pods import PodView  # noqa: E402
from sgportal.core.status.manifest import manifest_status  # noqa: E402
from sgportal.core.status.remedies import REMEDIES  # noqa: E402
from sgportal.core.status.service import service_status  # noqa: E402
from sgportal.core.status.status import Observed, complete, summarise  # noqa: E402
from sgportal.core.superedge.controller import Facts, Lock, Workload, judge  # noqa: E402
from sgportal.core.traffic import dataplane  # noqa: E402
from sgportal.core.traffic.closure import Closure  # noqa: E402
from sgportal.core.traffic.proof.loop import loop_of  # noqa: E402
from sgportal.core.traffic.proof.proof import proof  # noqa: E402
from sgportal.core.units import units_of  # noqa: E402

from . import builders  # noqa: E402
from .plans import test_trial  # noqa: E402
from .traffic import closing  # noqa: E402


def plain(value: Any) -> Any:
    """A value as JSON has it, without its sentences."""
    if isinstance(value, text.Sentence):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items() if key != "message"}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def paths(value: Any, so_far: tuple = ()) -> Iterator[tuple]:
    """Where something stands in a manifest."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*so_far, key)
        yield from paths(each, (*so_far, key))


def changed(manifest: dict, path: tuple, how: str) -> dict:
    """A copy of the manifest with a fault at the path."""
    copy = json.loads(json.dumps(manifest))
    node = copy
    for step in path[:-1]:
        node = node[step]
    if how == "gone":
        del node[path[-1]]
    elif how == "twice" and isinstance(node[path[-1]], list):
        node[path[-1]] = node[path[-1]] * 2
    elif how == "unknown" and isinstance(node[path[-1]], dict):
        node[path[-1]] |= {"replicaz": 1, "replicas": 2, "minReadySeconds": 1}
    else:
        node[path[-1]] = {"number": 7, "text": "Ä b", "list": [], "object": {}}.get(how)
    return copy


def manifests() -> Iterator[Any]:
    pool = {"p": builders.a_template()}
    kinds = [
        builders.a_manifest(templatePool=pool, templates={"a": "p"}),
        builders.a_manifest(kind="StatefulSetGrid", template={**builders.a_template(), "serviceName": "s"}),
        builders.a_service(ports=[{"port": 80, "name": "http"}, {"port": 81, "name": "m"}]),
    ]
    for manifest in kinds:
        for path, how in product(paths(manifest), ("gone", "twice", "unknown", "number", "text", "list", "object")):
            try:
                yield plain(parse(changed(manifest, path, how)))
            except text.Invalid as invalid:
                yield plain(invalid.problems)


def plans() -> Iterator[Any]:
    spec = builders.a_grid(templatePool={"p": builders.a_template("img:2")}, templates={"b": "p"})
    live = builders.settled(spec, ("a", "b", "c"))
    foreign = json.loads(json.dumps(live[0]))
    foreign["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Other", "name": "o", "uid": "o"}]
    scaled = json.loads(json.dumps(live[1]))
    scaled["spec"]["replicas"] = 9
    immutable = json.loads(json.dumps(live[0]))
    immutable["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    leaving = json.loads(json.dumps(live[2]))
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    worlds = ([], live, live[:1], [foreign], [scaled, *live[2:]], [immutable], [leaving])
    long = builders.a_grid(template=builders.a_template(replicas=None))
    for one, units, seen in product((spec, long), ((), ("a",), ("a", "b", "x" * 63, "Ä")), worlds):
        made = plan(one, builders.a_world(units, seen))
        yield plain(made)


def statuses() -> Iterator[Any]:
    full = {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q"}
    counts = (
        full,
        {},
        {**full, "observedGeneration": 0},
        {**full, "updatedReplicas": 0},
        {**full, "replicas": 2},
        {**full, "availableReplicas": 0},
        {**full, "updatedReplicas": 0, "conditions": [late]},
        {"observedGeneration": 1, "conditions": [refused]},
    )
    reasons = ("", "CrashLoopBackOff", "ImagePullBackOff", "Unschedulable", "ContainerCreating", "OOMKilled")
    findings = ((), ("NameConflict",), ("UnitGone",), ("Contested",), ("DeletionHeld",))
    for kind, (status, reason, found, ready, pending) in product(
        ("DeploymentGrid", "StatefulSetGrid"), product(counts, reasons, findings, ("Ready", "Unknown"), (False, True))
    ):
        template = {**builders.a_template(), **({"serviceName": "s"} if kind == "StatefulSetGrid" else {})}
        spec = parse(builders.a_manifest(kind=kind, template=template))
        live = builders.settled(spec, ("a", "b"), **status)
        name = live[0]["metadata"]["name"]
        pods = [PodView("shop", name + "-1", {}, "n1", reason=reason, child=name)] if reason else []
        units = units_of((builders.a_node("n1", ready, zone="a"), builders.a_node("n2", zone="b")), "zone")
        those = tuple(Finding("a", each, text.say("because")) for each in found)
        observed = Observed(units, live, those, pods, pending=frozenset({name} if pending else ()))
        made = complete(summarise(spec, observed), those, those)
        yield plain(made), plain(manifest_status(made, 1, {}, "now")), made.state


def trials() -> Iterator[Any]:
    said = [value for name, value in vars(test_trial).items() if name.isupper() and isinstance(value, str)]
    tried = [test_trial.child(), test_trial.pod(), test_trial.existing(test_trial.pod())]
    for trial, status, message in product(tried, (0, 400, 403, 404, 409, 422, 429, 500), said):
        yield verdict(trial, status, message), may_not(message), plain(told(trial, message, ()))


def loops() -> Iterator[Any]:
    found: list[Any] = []

    @seed(7)
    @settings(
        max_examples=150,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(closing.worlds(12, 6))
    def draw(world: Any) -> None:
        nodes, pods = world
        for mode in ("strict", "prefer", "failover", "wrapper", "open"):
            service = closing.a_service(Closure(mode, ("a",) if mode == "failover" else ()))
            slices = closing.decide(service, nodes, pods).slices if service.closure.manages_slices else []
            for version in ("v1.34.1", "v1.30.0", ""):
                proofs = proof(service, slices, [replace(node, version=version) for node in nodes])
                loop = loop_of(proofs, ("stranger",) if len(pods) % 2 else ())
                found.append((plain(proofs), plain(loop), plain(service_status(Observed({}, ()), loop))))

    draw()
    yield from found


def surroundings() -> Iterator[Any]:
    for wanted, ready, renewed, wrote in product((0, 1), (0, 1), (None, 0.0, 990.0), (None, 0.0, 990.0)):
        locks = (Lock("Lease", "edge-system", renewed),) if renewed is not None else ()
        yield plain(judge(Facts((Workload("edge-system", wanted, ready),), locks, wrote=wrote), 1000.0))
    planes = (None, dataplane.groups_refused("no"), dataplane.Plane("kube-proxy"), dataplane.Plane("cilium"))
    for plane, kept, (nodes, obeying) in product(planes, (None, True, False), ((0, 0), (3, 0), (3, 2), (3, 3))):
        trial = None if kept is None else dataplane.Trial(kept)
        yield plain(dataplane.keeping(plane, trial, nodes, obeying))


FAMILIES = (manifests, plans, statuses, trials, loops, surroundings)

if __name__ == "__main__":
    decided = {family.__name__: list(family()) for family in FAMILIES}
    decided["remedies"] = [plain(dict(REMEDIES))]
    json.dump(decided, sys.stdout)
