"""Write sgportal/core/kubernetes_fields.py: which fields Kubernetes' workload and service specs have.

The source is the `kubernetes` package's models, which are generated from the API server's own OpenAPI document.
Run after raising that package: `python scripts/generate_fields.py`.
"""

import inspect
import re
from pathlib import Path

from kubernetes.client import models

ROOTS = ("V1DeploymentSpec", "V1StatefulSetSpec", "V1ServiceSpec", "V1ObjectMeta")
QUANTITIES = {"limits", "requests", "capacity", "overhead", "sizeLimit", "divisor"}
HEADER = '''"""The fields of Kubernetes' specs and their types; made by scripts/generate_fields.py, not by hand.

`FIELDS[type][field] = (type of the value, required)`. A type is `str`, `int`, `float`, `bool`, `any`, `quantity`,
another name in `FIELDS`, `[type]` for a list, or `{type}` for a map with string keys.
"""

FIELDS: dict[str, dict[str, tuple[str, bool]]] = {
'''


def short(name: str) -> str:
    return re.sub(r"^(Core)?V\d((alpha|beta)\d)?", "", name)


def real(name: str) -> str:
    """The model that a declared type means; the generator has given one kind a group's prefix."""
    return {"V1ResourceClaim": "CoreV1ResourceClaim"}.get(name, name)


def type_of(field: str, declared: str) -> str:
    inner = re.fullmatch(r"(list\[|dict\[str, )(.+)\]", declared)
    if inner:
        value = type_of(field, inner[2])
        return f"[{value}]" if declared.startswith("list") else f"{{{value}}}"
    if declared == "str" and field in QUANTITIES:
        return "quantity"
    return {"datetime": "str", "object": "any"}.get(declared, short(real(declared)))


def fields_of(name: str) -> tuple[dict[str, tuple[str, bool]], list[str]]:
    model = getattr(models, real(name))
    needed, fields = [], {}
    for attribute, declared in model.openapi_types.items():
        field = model.attribute_map[attribute]
        setter = inspect.getsource(getattr(model, attribute).fset)
        fields[field] = (type_of(field, declared), f"and {attribute} is None" in setter)
        needed += [each for each in re.findall(r"\w+", declared) if hasattr(models, real(each))]
    return fields, needed


def main() -> None:
    todo, done = list(ROOTS), {}
    while todo:
        name = todo.pop()
        if name not in done:
            done[name], more = fields_of(name)
            todo += more
    rows = (f'    "{short(name)}": {fields!r},\n' for name, fields in sorted(done.items()))
    target = Path(__file__).parent.parent / "sgportal" / "core" / "kubernetes_fields.py"
    target.write_text(HEADER + "".join(rows) + "}\n")


if __name__ == "__main__":
    main()
