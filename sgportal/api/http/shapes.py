"""How a body is declared, once: the class that makes or checks it is the class that the OpenAPI document is made of.

Lists have thousands of rows, so an answer is not made field by field as Django REST framework does it: the values of
plain fields pass as they are. Tests hold every answer against its description.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, ClassVar, get_args

from rest_framework import serializers

from ...core.schema import check_fields
from ...core.text import Problem, pointer
from ...core.timestamps import rfc3339
from .language import localise

Getter = Callable[[Any], Any]
OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}  # of a field that a caller may leave out


def instant(when: datetime | None) -> str | None:
    """A time as Kubernetes writes it (RFC 3339, UTC)."""
    return rfc3339(when) if when else None


class Instant(serializers.DateTimeField):
    """A time, or null."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**{"allow_null": True, **how})


class Said(serializers.CharField):
    """A `Sentence`, in the caller's language."""


class Count(serializers.IntegerField):
    """A whole number, not negative."""

    def __init__(self, **how: Any) -> None:
        super().__init__(min_value=0, **how)


class Texts(serializers.ListField):
    """A list of texts."""

    child = serializers.CharField()


class Labels(serializers.DictField):
    """Texts by name."""

    child = serializers.CharField()


def one_of(*values: Any, **how: Any) -> serializers.ChoiceField:
    """A text that is one of these, or one of a `Literal`'s."""
    return serializers.ChoiceField([text for each in values for text in get_args(each) or (each,)], **how)


class Always(serializers.ChoiceField):
    """A text that is always this."""

    def __init__(self, value: str, **how: Any) -> None:
        super().__init__([value], **how)
        self.value = value


class Shape(serializers.Serializer[Any]):
    """The JSON of a value: a field shows the attribute that is its name in snake_case, or that its `source` says ("*":
    the value itself), or what the method `get_<attribute>` makes of the value. A field that is not `required` is left
    out where it would be null."""

    mappings: ClassVar[bool] = False  # whether the values have keys in the place of attributes

    @classmethod
    def of(cls, value: Any) -> dict[str, Any]:
        """The JSON of one value."""
        getters, optional = _getters(cls)
        made = {name: get(value) for name, get in getters}
        if not optional:
            return made
        return {name: each for name, each in made.items() if each is not None or name not in optional}

    @classmethod
    def each_of(cls, values: Any) -> list[dict[str, Any]]:
        """The JSON of each of several values."""
        return [*map(cls.of, values)]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The JSON of one value, for Django REST framework."""
        return self.of(instance)


def _snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


@cache
def _getters(shape: type[Shape]) -> tuple[list[tuple[str, Getter]], set[str]]:
    """How each field of a shape is made from a value, and which fields are left out where they would be null."""
    fields: dict[str, Any] = shape._declared_fields
    getters = [(name, _getter(shape, name, field)) for name, field in fields.items()]
    return getters, {name for name, field in fields.items() if not field.required}


def _getter(shape: type[Shape], name: str, field: Any) -> Getter:
    """How a field is made from a value."""
    if isinstance(field, Always):
        return lambda _value: field.value
    source = field.source or _snake(name)
    convert = _converter(field)
    if source == "*":
        return convert or (lambda value: value)
    get: Getter = getattr(shape(), f"get_{source}", None) or (itemgetter if shape.mappings else attrgetter)(source)
    return (lambda value: convert(get(value))) if convert else get


def _converter(field: Any) -> Getter | None:
    """What a field makes of a value, None where that passes as it is; null stays null where the field takes it."""
    if isinstance(field, serializers.ListSerializer):
        return _unless_null(field, field.child.each_of)  # type: ignore[union-attr]
    if isinstance(field, Shape):
        return _unless_null(field, field.of)
    if isinstance(field, serializers.ListField):
        convert = _converter(field.child)
        return (lambda values: [convert(each) for each in values]) if convert else None
    if isinstance(field, Instant):
        return instant
    return _unless_null(field, localise) if isinstance(field, Said) else None


def _unless_null(field: serializers.Field[Any, Any, Any, Any], convert: Getter) -> Getter:
    if field.required and not field.allow_null:
        return convert
    return lambda value: None if value is None else convert(value)


class Asked(serializers.Serializer[Any]):
    """The body of a call: it may have just these fields, and null counts as absent."""

    @classmethod
    def problems(cls, document: Any, where: str = "") -> Iterator[Problem]:
        """What is wrong with a body that is, or stands at, `where`."""
        fields: dict[str, Any] = cls._declared_fields
        kinds = {name: (_kind(field), field.required) for name, field in fields.items()}
        yield from check_fields(document, kinds, where)
        for name, field in fields.items():
            if isinstance(field, Asked) and isinstance(document, Mapping) and document.get(name) is not None:
                yield from field.problems(document[name], where + pointer(name))


def _kind(field: Any) -> str:
    """A field's type in the words of `core.schema`."""
    if isinstance(field, serializers.ListField):
        return f"[{_kind(field.child)}]"
    if isinstance(field, serializers.DictField):
        return f"{{{_kind(field.child)}}}"
    kinds = {serializers.BooleanField: "bool", serializers.IntegerField: "int", serializers.CharField: "str"}
    return next((kind for type_, kind in kinds.items() if isinstance(field, type_)), "any")
