"""Quantities such as `100m` and `1Gi` (apimachinery's resource.Quantity), and what a pod asks for and may use."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from .values import Object

_BINARY = {suffix: 1024 ** (place + 1) for place, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}
_DECIMAL = {suffix: Decimal(10) ** (3 * place - 9) for place, suffix in enumerate(("n", "u", "m", "", "k", "M", "G"))}
_DECIMAL |= {suffix: Decimal(10) ** (3 * place + 12) for place, suffix in enumerate(("T", "P", "E"))}
_QOS = ("cpu", "memory")  # the resources that decide a pod's quality of service
Amounts = dict[str, Decimal]
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_VALID = re.compile(rf"{_NUMBER}(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?")
_LOOKS_RIGHT = re.compile(r"[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*")


def problem(text: Any) -> str:
    """Why a text is no quantity, in apimachinery's words; "" where it is one."""
    if _VALID.fullmatch(str(text)):
        return ""
    if _LOOKS_RIGHT.fullmatch(str(text)):
        return "unable to parse quantity's suffix"
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse(text: Any) -> Decimal:
    """The amount that a quantity names. Raises ValueError for what is none."""
    text = str(text)
    binary = text[-2:] if text[-2:] in _BINARY else ""
    suffix = binary or (text[-1:] if text[-1:] in _DECIMAL and not text[-1:].isdigit() else "")
    factor = Decimal(_BINARY[binary]) if binary else _DECIMAL[suffix]
    try:
        return Decimal(text.removesuffix(suffix)) * factor
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no quantity") from error


def is_binary(text: Any) -> bool:
    """Whether a quantity is written in powers of 1024."""
    return str(text)[-2:] in _BINARY


def written(amount: Decimal, binary: bool = False) -> str:
    """An amount in Kubernetes' canonical form: the largest suffix that leaves a whole number."""
    if not amount:
        return "0"
    if binary and amount == int(amount) and amount >= 1024:
        fitting = [(factor, suffix) for suffix, factor in _BINARY.items() if not int(amount) % factor]
        factor, suffix = max(fitting, default=(1, ""))
        return f"{int(amount) // factor}{suffix}"
    whole = [(factor, suffix) for suffix, factor in _DECIMAL.items() if not amount % factor]
    least, name = max(whole, default=(_DECIMAL["n"], "n"))
    return f"{int(amount / least)}{name}"


def total(texts: Iterable[Any]) -> str:
    """The sum of some quantities; written as the first that is not nothing is."""
    texts = list(texts)
    first = next((each for each in texts if parse(each)), "0")
    return written(sum(map(parse, texts), Decimal(0)), is_binary(first))


def pod_amounts(spec: Object, among: str) -> Amounts:
    """What a pod `requests`, or is `limits`-ed to: its containers together, or the hungriest init container where that
    is more (kubernetes.io/docs "Init Containers", "Resource sharing within containers")."""
    held: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = _amounts(container, among)
        if container.get("restartPolicy") == "Always":
            held = _sum(held, asked)
            peak = _most(peak, held)
        else:
            peak = _most(peak, _sum(held, asked))
    for container in spec.get("containers") or ():
        held = _sum(held, _amounts(container, among))
    return _sum(_most(held, peak), {name: parse(each) for name, each in (spec.get("overhead") or {}).items()})


def is_written_binary(spec: Object, among: str, resource: str) -> bool:
    """Whether the containers of a pod write an amount in powers of 1024."""
    found = (
        ((each.get("resources") or {}).get(among) or {}).get(resource, "")
        for each in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    )
    return any(map(is_binary, found))


def _amounts(container: Object, among: str) -> Amounts:
    return {name: parse(each) for name, each in ((container.get("resources") or {}).get(among) or {}).items()}


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, Decimal(0)) + other.get(name, Decimal(0)) for name in (*one, *other)}


def _most(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, Decimal(0)), other.get(name, Decimal(0))) for name in (*one, *other)}


def qos_class(spec: Mapping[str, Any]) -> str:
    """A pod's quality of service (kubernetes.io/docs "Pod Quality of Service Classes")."""
    every = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    asked = [{name: (each.get("resources") or {}).get(name) or {} for name in ("requests", "limits")} for each in every]
    said = [value for each in asked for among in each.values() for name, value in among.items() if name in _QOS]
    if not any(map(parse, said)):
        return "BestEffort"
    equal = all(
        name in each["limits"]
        and parse(each["requests"].get(name, each["limits"][name])) == parse(each["limits"][name])
        for each in asked
        for name in _QOS
    )
    return "Guaranteed" if equal else "Burstable"
