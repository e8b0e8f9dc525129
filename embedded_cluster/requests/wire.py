"""Protobuf's wire format, without types (protobuf.dev/programming-guides/encoding)."""

from collections.abc import Iterable
from typing import Any

Fields = dict[int, list[Any]]  # by number: whole numbers, or bytes


def fields(data: bytes) -> Fields:
    """The values of a message by field number. Raises ValueError for what is no message."""
    found: Fields = {}
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        value, place = _value(data, place, tag & 7)
        found.setdefault(tag >> 3, []).append(value)
    return found


def _value(data: bytes, place: int, wire: int) -> tuple[Any, int]:
    if wire == 0:
        return _varint(data, place)
    if wire not in (1, 2, 5):
        raise ValueError(f"wire type {wire} is not in use")
    length = {1: 8, 5: 4}.get(wire, 0)
    if wire == 2:
        length, place = _varint(data, place)
    if place + length > len(data):
        raise ValueError("unexpected EOF")
    return data[place : place + length], place + length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("unexpected EOF")
        value |= (data[place] & 0x7F) << shift
        place += 1
        if data[place - 1] < 0x80:
            return value & (2**64 - 1), place
    raise ValueError("integer overflow")


def message(pairs: Iterable[tuple[int, bytes | str | bool]]) -> bytes:
    """The message that has these values, by field number."""
    return b"".join(_pair(number, value) for number, value in pairs)


def _pair(number: int, value: bytes | str | bool) -> bytes:
    if isinstance(value, bool):
        return _number(number << 3) + (b"\x01" if value else b"\x00")
    data = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(data)) + data


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*made, value))
