"""The plans of twenty grids in a thousand units, with overrides and variables, and the id of each."""

import time
from collections.abc import Mapping
from typing import Any

UNITS, GRIDS = 1000, 20


def run(units: str = str(UNITS), grids: str = str(GRIDS)) -> dict[str, Any]:
    """Seconds of one processor: a new image everywhere (`update`), nothing to do (`same`), from nothing (`create`)."""
    from sgportal.core.grids.grid import parse
    from sgportal.core.units import Unit

    names = [f"unit-{number:04}" for number in range(int(units))]
    known = {name: Unit(name, _nodes(number)) for number, name in enumerate(names)}
    old = [parse(manifest(number, "1.0")) for number in range(int(grids))]
    new = [parse(manifest(number, "1.1")) for number in range(int(grids))]
    nothing: list[list[dict[str, Any]]] = [[] for _ in old]
    create, plans = _timed(old, known, nothing)
    live = [[as_stored(step.body, number) for number, step in enumerate(each.steps)] for each in plans]
    same, unchanged = _timed(old, known, live)
    update, changed = _timed(new, known, live)
    steps = [sum(len(each.steps) for each in several) for several in (plans, unchanged, changed)]
    if steps != [len(names) * len(new), 0, len(names) * len(new)]:
        raise RuntimeError(f"the plans are not those that are meant: {steps} steps")
    return {"units": len(names), "grids": len(new), "create": create, "same": same, "update": update}


def _timed(specs: list[Any], known: Mapping[str, Any], live: list[list[dict[str, Any]]]) -> tuple[float, list[Any]]:
    from sgportal.core.ownership.identity import Owner
    from sgportal.core.plans.plan import plan
    from sgportal.core.plans.preview.binding import plan_id, summary_of
    from sgportal.core.plans.world import World

    began = time.process_time()
    owner = Owner("a-uid", True)
    plans = [
        plan(spec, World(list(known), bodies, owner, 0.0, known=known))
        for spec, bodies in zip(specs, live, strict=True)
    ]
    for each in plans:
        plan_id(each.steps)
        summary_of(each.steps)
    return time.process_time() - began, plans


def _nodes(number: int) -> tuple[Any, ...]:
    """Two nodes with ten labels each."""
    from sgportal.core.units import NodeView

    labels = {"tier": "flagship" if number % 10 == 0 else "store", "region": f"region-{number % 7}"}
    labels |= {f"example.com/label-{each}": f"value-{number % (each + 2)}" for each in range(7)}
    return tuple(
        NodeView(f"edge-{number}-{each}", {**labels, "kubernetes.io/hostname": f"edge-{number}-{each}"}, "Ready")
        for each in range(2)
    )


def manifest(number: int, tag: str) -> dict[str, Any]:
    """A grid as a chain of shops has it: variables in the environment and arguments, overrides by tier and by name."""
    app = {"app": f"app-{number}"}
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    container = {
        "name": "main",
        "image": f"registry.example/app-{number}:{tag}",
        "args": ["--site={{unit.name}}", "--region={{unit.labels.region}}", "--listen=:8080"],
        "env": [
            {"name": "SITE", "value": "{{unit.name}}"},
            {"name": "CITY", "value": "{{unit.vars.city}}"},
            *({"name": f"OPTION_{each}", "value": f"value-{each}"} for each in range(8)),
        ],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
    }
    pod = {"containers": [container], "volumes": [{"name": "config", "configMap": {"name": f"app-{number}"}}]}
    template = {"replicas": 2, "selector": {"matchLabels": app}, "template": {"metadata": {"labels": app}, "spec": pod}}
    large = {"limits": {"memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "256Mi"}}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "DeploymentGrid",
        "metadata": {"name": f"app-{number}", "namespace": "default"},
        "spec": {
            "gridUniqKey": "site",
            "template": template,
            "vars": {"city": "somewhere"},
            "unitVars": {f"unit-{each:04}": {"city": f"city-{each}"} for each in range(0, 1000, 50)},
            "overrides": [
                {"unitSelector": {"matchLabels": {"tier": "flagship"}}, "replicas": 4, "resources": large},
                {"units": ["unit-0003", "unit-0500"], "env": [{"name": "OPTION_1", "value": "special"}]},
            ],
        },
    }


def as_stored(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A child as the API server stores it."""
    import copy

    from sgportal.core.names import FIELD_MANAGER

    stored = copy.deepcopy(dict(body))
    fields = {f"f:{name}": _owned(stored[name]) for name in ("spec",)}
    fields["f:metadata"] = {"f:labels": {f"f:{each}": {} for each in stored["metadata"]["labels"]}}
    entry = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": "apps/v1",
        "time": "2026-11-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    stored["metadata"] |= {
        "uid": f"uid-{number}",
        "resourceVersion": str(number),
        "generation": 1,
        "managedFields": [entry],
    }
    return stored


def _owned(value: Any) -> dict[str, Any]:
    """FieldsV1 of what an apply sets."""
    if isinstance(value, dict):
        return {f"f:{name}": _owned(each) for name, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        import json

        key = next(each for each in ("mountPath", "containerPort", "name") if each in value[0])
        mark = {key: None}
        return {
            "k:"
            + json.dumps(
                {**mark, key: each[key]} | ({"protocol": "TCP"} if key == "containerPort" else {}),
                separators=(",", ":"),
            ): {".": {}, **_owned(each)}
            for each in value
        }
    return {}
