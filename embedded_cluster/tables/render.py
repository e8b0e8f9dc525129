"""Tables (meta/v1): the columns that kubectl prints."""

import re
from collections.abc import Callable
from typing import Any

from ..kinds.served import Kind
from ..objects.values import Object
from .columns import BUILT_IN, NAME, PLAIN, age, column
from .more import MORE


def table(kind: Kind, bodies: list[Object], metadata: Object, include: str) -> Object:
    """The Table of some objects; `include` is Object, Metadata or None (what each row carries besides its cells)."""
    columns, cells = _custom(kind) if kind.crd else (BUILT_IN | MORE).get(kind.kind, PLAIN)
    rows = [{"cells": cells(body), **_carried(body, include)} for body in bodies]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    }


def _carried(body: Object, include: str) -> Object:
    if include == "Object":
        return {"object": body}
    about = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
    return {"object": about} if include == "Metadata" else {}


def _custom(kind: Kind) -> tuple[list[Object], Callable[[Object], list[Any]]]:
    version = next(each for each in (kind.crd or {})["spec"]["versions"] if each.get("served"))
    declared = version.get("additionalPrinterColumns") or [
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    ]
    columns = [NAME, *(column(each["name"], each.get("priority", 0), each["type"]) for each in declared)]

    def cells(body: Object) -> list[Any]:
        values = [_json_path(body, each["jsonPath"]) for each in declared]
        told = [age(value) if each["type"] == "date" else value for each, value in zip(declared, values, strict=True)]
        return [body["metadata"]["name"], *told]

    return columns, cells


def _json_path(body: Any, path: str) -> Any:
    """The value of the small part of JSONPath that printer columns use: names and one equality filter."""
    for name, key, value in re.findall(r'\.([\w-]+)(?:\[\?\(@\.(\w+)==["\'](\w+)["\']\)\])?', path):
        body = body.get(name) if isinstance(body, dict) else None
        if key:
            body = next((each for each in body or () if each.get(key) == value), None)
    return body
