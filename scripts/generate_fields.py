"""Write sgportal/core/kubernetes_fields.py: which fields Kubernetes' workload and service specs have, and which of
their lists the API server merges by key.

The source is a real API server's own description of itself (`/openapi/v3`): `python -m scripts.generate_fields` starts
the control plane of the tests (`make kube`) and asks it. Run it after raising the version in tests/kube/go.mod.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

ROOTS = (
    "io.k8s.api.apps.v1.DeploymentSpec",
    "io.k8s.api.apps.v1.StatefulSetSpec",
    "io.k8s.api.core.v1.ServiceSpec",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
)
GROUPS = ("api/v1", "apis/apps/v1")
TARGET = Path(__file__).parent.parent / "sgportal" / "core" / "kubernetes_fields.py"
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "any"}
# Named schemas that are no objects with fields.
NAMED = {"Quantity": "quantity", "Time": "str", "MicroTime": "str", "IntOrString": "any", "FieldsV1": "any"}
HEADER = '''"""What Kubernetes' specs consist of; made by scripts/generate_fields.py from a real API server.

`FIELDS[type][field] = (type of the value, required)`. A type is `str`, `int`, `float`, `bool`, `any`, `quantity`,
another name in `FIELDS`, `[type]` for a list, or `{type}` for a map with string keys.

`LIST_KEYS[type][field] = ((key, default), ...)`: a list that the API server merges by these keys of its entries
(OpenAPI `x-kubernetes-list-type: map`; `default` is what an entry without the key has, None where there is none), so
that no two entries may have the same. Without keys it is a set (`x-kubernetes-list-type: set`). Other lists are atomic.
"""

'''


def short(name: str) -> str:
    """The name of a type in `FIELDS`: the last part, unique among those we need."""
    return name.rpartition(".")[2]


def reference(schema: Schema) -> str:
    """The name of the schema that a schema stands for, or ""."""
    parts = [schema, *schema.get("allOf", ())]
    return next((part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part), "")


def type_of(schema: Schema, needed: list[str]) -> str:
    """How `FIELDS` writes the type; the names of types it refers to are added to `needed`."""
    if name := reference(schema):
        if short(name) in NAMED:
            return NAMED[short(name)]
        needed.append(name)
        return short(name)
    if schema["type"] == "array":
        return f"[{type_of(schema['items'], needed)}]"
    if "additionalProperties" in schema:
        return f"{{{type_of(schema['additionalProperties'], needed)}}}"
    return SCALARS[schema["type"]]


def list_keys(schema: Schema, schemas: dict[str, Schema]) -> tuple[tuple[str, Any], ...] | None:
    """The keys of a list with their defaults; none for a set, None for an atomic list or what is no list."""
    kind = schema.get("x-kubernetes-list-type")
    if kind == "set":
        return ()
    if kind != "map":
        return None
    entry = schemas[reference(schema["items"])]
    required = entry.get("required", ())
    return tuple(
        (key, None if key in required else entry["properties"][key].get("default"))
        for key in schema["x-kubernetes-list-map-keys"]
    )


def collect(get: Callable[[str], Schema]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`FIELDS` and `LIST_KEYS` of all that the roots need. `get` answers a path of the API server."""
    schemas: dict[str, Schema] = {}
    for group in GROUPS:
        schemas |= get(f"/openapi/v3/{group}")["components"]["schemas"]
    fields: dict[str, Any] = {}
    keys: dict[str, Any] = {}
    needed = list(ROOTS)
    while needed:
        name = needed.pop()
        if short(name) in fields:
            continue
        properties = schemas[name].get("properties", {})
        required = schemas[name].get("required", ())
        fields[short(name)] = {
            field: (type_of(each, needed), field in required) for field, each in sorted(properties.items())
        }
        merged = {field: list_keys(each, schemas) for field, each in sorted(properties.items())}
        if merged := {field: found for field, found in merged.items() if found is not None}:
            keys[short(name)] = merged
    return fields, keys


def rows(table: dict[str, Any]) -> str:
    """The source text of a table, one type a line."""
    return "".join(f'    "{name}": {table[name]!r},\n' for name in sorted(table))


def write(fields: dict[str, Any], keys: dict[str, Any]) -> None:
    """Write the module that holds both tables."""
    tables = (
        f"FIELDS: dict[str, dict[str, tuple[str, bool]]] = {{\n{rows(fields)}}}\n\n"
        f"LIST_KEYS: dict[str, dict[str, tuple[tuple[str, str | None], ...]]] = {{\n{rows(keys)}}}\n"
    )
    TARGET.write_text(HEADER + tables)


def main() -> None:
    """Ask a control plane and write the file."""
    from tests.kube import control_plane

    with tempfile.TemporaryDirectory() as folder, control_plane.run(Path(folder)) as plane:
        write(*collect(lambda path: plane.request("GET", path)))


if __name__ == "__main__":
    main()
