"""Quantities, as Kubernetes writes them (apimachinery's resource.Quantity)."""

import re
from decimal import Decimal, InvalidOperation, Overflow
from typing import Any

_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {suffix: 2 ** (10 * (power + 1)) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}


def quantity(value: Any) -> Decimal | None:
    """The number a Kubernetes quantity such as `500m` or `1Gi` stands for, or None where it is none."""
    found = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?", str(value))
    if found is None:
        return None
    suffix = found[2] or ""
    try:  # 1..2 is no number, and 1e9999999 one beyond any bounds
        number = Decimal(found[1])
        return number * _BINARY[suffix] if suffix in _BINARY else number.scaleb(_SUFFIXES[suffix])
    except (InvalidOperation, Overflow):
        return None
