"""Small pieces for core tests, and frozen copies of them: the core must never change what it is given."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgportal.core.documents import read_document
from sgportal.core.grids.grid import GridSpec, parse
from sgportal.core.ownership.identity import Owner
from sgportal.core.plans.plan import Plan, World, plan
from sgportal.core.units import NodeView

DATA = Path(__file__).parent.parent / "data"
OWNER = Owner("grid-uid", True, "row-uid")


def seed(name: str) -> dict[str, Any]:
    return read_document((DATA / f"{name}.yaml").read_bytes())


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("the core changed its input")


_CHANGES = {
    *("__setitem__", "__delitem__", "__ior__", "__iadd__", "append", "clear", "extend", "insert", "pop", "popitem"),
    *("remove", "reverse", "setdefault", "sort", "update"),
}
FrozenDict = type("FrozenDict", (dict,), {name: _refuse for name in _CHANGES if hasattr(dict, name)})
FrozenList = type("FrozenList", (list,), {name: _refuse for name in _CHANGES if hasattr(list, name)})


def frozen(value: Any) -> Any:
    """A copy that raises on any attempt to change it."""
    if isinstance(value, dict):
        return FrozenDict({key: frozen(each) for key, each in value.items()})
    if isinstance(value, list):
        return FrozenList([frozen(each) for each in value])
    return value


def a_template(image: str = "img:1", replicas: int | None = 1, **pod: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    body = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}], **pod}},
    }
    return body if replicas is None else {"replicas": replicas, **body}


def a_manifest(name: str = "g", key: str = "zone", kind: str = "DeploymentGrid", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "superedge.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"gridUniqKey": key, "template": a_template(), **spec},
    }


def a_service(name: str = "g", key: str = "zone", **template: Any) -> dict[str, Any]:
    body = {"selector": {"app": "web"}, "ports": [{"port": 80}], **template}
    return a_manifest(name, key, "ServiceGrid", template=body)


def a_grid(**spec: Any) -> GridSpec:
    return parse(a_manifest(**spec))


def a_node(name: str, ready: str = "Ready", **labels: str) -> NodeView:
    return NodeView(name, labels, ready)


def live_of(body: Mapping[str, Any], **status: Any) -> dict[str, Any]:
    """A child as the cluster would return it after our apply: uid, defaults, managed fields."""
    body = copy.deepcopy(dict(body))
    body["metadata"] |= {"uid": f"uid-{body['metadata']['name']}", "generation": 1, "resourceVersion": "7"}
    owned = {"f:spec": _owned(body["spec"]), "f:metadata": _owned(_said(body["metadata"]))}
    body["metadata"]["managedFields"] = [managed("sgportal", owned, "Apply")]
    for container in (body["spec"].get("template") or {}).get("spec", {}).get("containers", []):
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("resources", {})
    body["spec"].setdefault("progressDeadlineSeconds", 600)
    body["status"] = status
    return body


def managed(manager: str, fields: dict[str, Any], operation: str = "Update", subresource: str = "") -> dict[str, Any]:
    """An entry of managedFields."""
    entry = {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1"}
    return {**entry, "fieldsV1": fields, **({"subresource": subresource} if subresource else {})}


def set_by(manager: str, live: dict[str, Any], *field: str, operation: str = "Update", subresource: str = "") -> None:
    """Note that another manager set a field, given in the steps of FieldsV1, and so has it alone."""
    fields: dict[str, Any] = {}
    node = fields
    for step in field:
        node = node.setdefault(step, {})
    for entry in live["metadata"]["managedFields"]:
        _take(entry["fieldsV1"], field)
    live["metadata"]["managedFields"].append(managed(manager, fields, operation, subresource))


def _take(fields: dict[str, Any], field: tuple[str, ...]) -> None:
    if len(field) == 1:
        fields.pop(field[0], None)
    elif field[0] in fields:
        _take(fields[field[0]], field[1:])


def _said(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: metadata[name] for name in ("labels", "annotations", "ownerReferences") if name in metadata}


_ATOMIC = {"nodeSelector", "matchLabels"}


def _owned(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and name not in _ATOMIC:
        return {f"f:{key}": _owned(each, key) for key, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict) and name in _LISTS:
        return {_key(each, name): {".": {}, **_owned(each)} for each in value}
    return {}


_LISTS = {"containers": "name", "env": "name", "volumes": "name", "ports": "", "ownerReferences": "uid"}


def _key(entry: dict[str, Any], name: str) -> str:
    keys = {_LISTS[name]: entry.get(_LISTS[name])}
    if name == "ports":
        number = "containerPort" if "containerPort" in entry else "port"
        keys = {number: entry[number], "protocol": entry.get("protocol", "TCP")}
    return "k:" + json.dumps(keys, separators=(",", ":"))


def a_world(units: Any = ("a", "b"), live: Any = (), **options: Any) -> World:
    return World(units, live, options.pop("owner", OWNER), options.pop("now", 1000.0), **options)


def settled(spec: GridSpec, units: Any = ("a", "b"), **status: Any) -> list[dict[str, Any]]:
    """The live children after a first plan was carried out."""
    return [live_of(step.body, **status) for step in plan(spec, a_world(units)).steps]


def verbs(made: Plan) -> list[tuple[str, str]]:
    return [(step.verb, step.name) for step in made.steps]


def reasons(made: Plan) -> dict[str, str]:
    return {finding.unit: finding.reason for finding in made.findings}
