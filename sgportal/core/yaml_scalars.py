"""YAML's plain scalars as Kubernetes reads them (sigs.k8s.io/yaml): `12:30` is text, `1e3` a number, `y` is true.

The rules are those of go-yaml. By PyYAML's own, kubectl and we would read the same manifest differently.
"""

import re
from typing import Any

_BOOLS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_TAG = "tag:yaml.org,2002:"
# (tag, pattern, the characters a scalar of it begins with), in the order in which they are tried
_RULES = (
    ("bool", "|".join(_BOOLS), "yYnNtTfFoO"),
    ("int", r"[-+]?(?:0[bB][01_]+|0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|[1-9][0-9_]*|0)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
_REPLACED = {_TAG + name for name in ("bool", "int", "float", "timestamp", "value")}


def use(loader: Any) -> None:
    """Have a loader class of PyYAML read scalars by these rules."""
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag not in _REPLACED]
        for first, rules in loader.yaml_implicit_resolvers.items()
    }
    add_to(loader)
    loader.add_constructor(_TAG + "bool", lambda _, node: _bool(node.value))
    loader.add_constructor(_TAG + "int", lambda _, node: _int(node.value))
    loader.add_constructor(_TAG + "float", lambda _, node: _float(node.value))


def add_to(dumper: Any) -> None:
    """Have a dumper class put quotes around text that these rules would read as something else."""
    for name, pattern, first in _RULES:
        dumper.add_implicit_resolver(_TAG + name, re.compile(f"(?:{pattern})$"), first)


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError(text)  # marked as one by hand
    return _BOOLS[text]


def _int(text: str) -> int:
    digits = text.replace("_", "")
    bare = digits.lstrip("+-")
    if len(bare) > 1 and bare[0] == "0" and bare[1] in "01234567":
        return int(digits, 8)
    return int(digits, 0)


def _float(text: str) -> int | float:
    """A number without a fraction is a whole one, as it is in the JSON that kubectl makes of it."""
    digits = text.replace("_", "")
    if "n" in digits.lower():
        return float(digits.replace(".", "", 1))
    value = float(digits)
    return int(value) if value.is_integer() and abs(value) < 2**63 else value
