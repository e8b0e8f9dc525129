"""The schemas of the kinds that the embedded cluster serves, as a real API server describes them.

`python -m tests.contract.api.openapi` writes them anew (into embedded_cluster/kinds/schemas.json), from a control
plane of its own.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from embedded_cluster.kinds.schemas import FILE
from embedded_cluster.kinds.served import BUILT_IN

Object = dict[str, Any]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _about(schema: Object, kinds: set[tuple[str, str, str]]) -> list[Object]:
    """The kinds among `kinds` that a schema describes; what every kind's schema says (of DeleteOptions) is left out."""
    named = schema.get("x-kubernetes-group-version-kind") or ()
    return [each for each in named if (each["group"], each["version"], each["kind"]) in kinds]


def collect(get: Callable[[str], Object]) -> dict[str, Object]:
    """Every schema that the built-in kinds need, by name. `get` answers a path of the API server."""
    kinds = {(kind.group, kind.version, kind.kind) for kind in BUILT_IN}
    found: dict[str, Object] = {}
    for group, version in sorted({(kind.group, kind.version) for kind in BUILT_IN}):
        root = f"apis/{group}/{version}" if group else f"api/{version}"
        offered = get(f"/openapi/v3/{root}")["components"]["schemas"]
        wanted = [name for name, schema in offered.items() if _about(schema, kinds)]
        while wanted:
            name = wanted.pop()
            if name not in found:
                found[name] = {**offered[name], "x-kubernetes-group-version-kind": _about(offered[name], kinds)}
                wanted += _references(offered[name])
    return {name: {k: v for k, v in found[name].items() if v != []} for name in sorted(found)}


def main() -> None:
    from tests.kube import control_plane

    with tempfile.TemporaryDirectory() as folder, control_plane.run(Path(folder)) as plane:
        schemas = collect(lambda path: plane.request("GET", path))
    lines = [orjson.dumps({name: schema}, option=orjson.OPT_SORT_KEYS)[1:-1] for name, schema in schemas.items()]
    FILE.write_bytes(b"{\n" + b",\n".join(lines) + b"\n}\n")
    print(f"{len(lines)} schemas, {FILE.stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()
