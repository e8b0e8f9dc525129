"""Bodies in protobuf, as kubectl's typed commands send them (kubernetes.io/docs "API Concepts", "Kubernetes Protobuf
encoding").

`protobuf.json` has what is needed of Kubernetes' types: made by `python -m tests.contract.api.protobuf`, not by hand.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from ..objects.values import Object
from .wire import Fields, fields

FILE = Path(__file__).parent / "protobuf.json"
MEDIA = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _table() -> Object:
    found: Object = orjson.loads(FILE.read_bytes())
    return found


def known() -> set[str]:
    """The kinds that can be read: `<apiVersion> <kind>`."""
    return set(_table()["kinds"])


def decode(body: bytes) -> Object:
    """The object in a body, as its JSON would have it. Raises ValueError for what is no such encoding, or of a kind
    that is not known."""
    if not body.startswith(MAGIC):
        raise ValueError("it does not begin as Kubernetes' protobuf does")
    envelope = fields(body[len(MAGIC) :])
    meta = fields(_last(envelope, 1, b""))
    api_version, kind = (_text(_last(meta, number, b"")) for number in (1, 2))
    name = _table()["kinds"].get(f"{api_version} {kind}")
    if name is None:
        raise ValueError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_message(name, _last(envelope, 2, b""))}


def _last(found: Fields, number: int, otherwise: Any) -> Any:
    return found.get(number, [otherwise])[-1]


def _message(name: str, data: bytes) -> Object:
    """A message of a named type as JSON."""
    types = _table()["types"][name]
    made: Object = {}
    for number, values in fields(data).items():
        if str(number) in types:
            key, kind, many, zero_is_left_out = types[str(number)]
            value = _many(kind, many, values)
            if not key:
                made |= value
            elif not zero_is_left_out or value not in (None, "", 0, False, [], {}):
                made[key] = value
    return made


def _many(kind: str, many: str, values: list[Any]) -> Any:
    read = _SCALARS.get(kind) or (lambda each: _message(kind, each))
    if many == "list":
        return [read(each) for each in values]
    if many == "map":
        entries = [fields(each) for each in values]
        return {_text(_last(each, 1, b"")): read(_last(each, 2, b"")) for each in entries}
    return read(values[-1])


def _text(value: bytes) -> str:
    return value.decode()


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _json(value: bytes) -> Any:
    """What a type keeps as JSON: in its only field."""
    raw = _last(fields(value), 1, b"")
    return orjson.loads(raw) if raw else None


def _int_or_string(value: bytes) -> int | str:
    found = fields(value)
    return _text(_last(found, 3, b"")) if _last(found, 1, 0) else _signed(_last(found, 2, 0))


def _time(micro: bool) -> Callable[[bytes], str | None]:
    def read(value: bytes) -> str | None:
        found = fields(value)
        if not found:
            return None
        at = _EPOCH + timedelta(seconds=_signed(_last(found, 1, 0)), microseconds=_last(found, 2, 0) // 1000)
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")

    return read


_META = "apimachinery/pkg/apis/meta/v1."
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "bytes": lambda value: base64.b64encode(value).decode(),
    "integer": _signed,
    "bool": bool,
    "items": lambda value: [_text(each) for each in fields(value).get(1, [])],
    f"{_META}Time": _time(micro=False),
    f"{_META}MicroTime": _time(micro=True),
    f"{_META}FieldsV1": _json,
    "apimachinery/pkg/runtime.RawExtension": _json,
    "apimachinery/pkg/api/resource.Quantity": lambda value: _text(_last(fields(value), 1, b"")),
    "apimachinery/pkg/util/intstr.IntOrString": _int_or_string,
}
