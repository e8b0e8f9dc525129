"""How a body is declared, once: the class that makes or checks it is the class that the OpenAPI document is made of.

Lists have thousands of rows, so an answer is not made field by field as Django REST framework does it: the values of
plain fields are fetched together and pass as they are. Tests hold every answer against its description.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
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

    def to_representation(self, value: datetime) -> str:
        """The time as Kubernetes writes it."""
        return rfc3339(value)


class Said(serializers.CharField):
    """A `Sentence`, in the caller's language."""

    def to_representation(self, value: Any) -> str:
        """The sentence translated."""
        return localise(value)


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


class Shape(serializers.Serializer[Any]):
    """The JSON of a value: a field shows the attribute that is its name in snake_case, or that its `source` says ("*":
    the value itself), or what the method `get_<attribute>` makes of the value. A field that is not `required` is left
    out where it would be null."""

    reader: ClassVar[Callable[..., Getter]] = attrgetter  # itemgetter: where the values are mappings

    @classmethod
    def of(cls, value: Any) -> dict[str, Any]:
        """The JSON of one value."""
        return _maker(cls)(value)

    @classmethod
    def each_of(cls, values: Any) -> list[dict[str, Any]]:
        """The JSON of each of several values."""
        return [cls.of(each) for each in values]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The JSON of one value, for Django REST framework."""
        return self.of(instance)


def _snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


@cache
def _maker(shape: type[Shape]) -> Callable[[Any], dict[str, Any]]:
    """The function that makes the JSON of a shape's values."""
    fields: dict[str, Any] = shape._declared_fields
    sources = {name: field.source or _snake(name) for name, field in fields.items()}
    converters = {name: _converter(field) for name, field in fields.items()}
    whole = {name: get for name in fields if (get := _of_whole(shape, sources[name], converters[name]))}
    read = [name for name in fields if name not in whole]
    fetch = _fetcher(shape.reader, [sources[name] for name in read])
    converts = {name: convert for name in read if (convert := converters[name])}
    optional = [name for name, field in fields.items() if not field.required]

    def make(value: Any) -> dict[str, Any]:
        made = dict(zip(read, fetch(value), strict=True))
        for name, convert in converts.items():
            made[name] = convert(made[name])
        for name, get in whole.items():
            made[name] = get(value)
        for name in optional:
            if made[name] is None:
                del made[name]
        return made

    return make


def _of_whole(shape: type[Shape], source: str, convert: Getter | None) -> Getter | None:
    """What makes a field of the whole value; None where the field is just an attribute of it."""
    if source == "*":
        return convert
    get = getattr(shape(), f"get_{source}", None)
    if get is None or convert is None:
        return get
    shown, fetch = convert, get
    return lambda value: shown(fetch(value))


def _fetcher(reader: Callable[..., Getter], sources: list[str]) -> Getter:
    """What fetches all of these as a sequence."""
    if len(sources) > 1:
        return reader(*sources)
    one = reader(*sources) if sources else None
    return lambda value: (one(value),) if one else ()


def _converter(field: Any) -> Getter | None:
    """What a field makes of a value, None where that passes as it is; null stays null."""
    if isinstance(field, serializers.ListSerializer):
        child: Any = field.child
        return _unless_null(child.each_of)
    if isinstance(field, Shape):
        return _unless_null(field.of)
    if isinstance(field, serializers.ListField):
        convert = _converter(field.child)
        return (lambda values: [convert(each) for each in values]) if convert else None
    return _unless_null(field.to_representation) if isinstance(field, Instant | Said) else None


def _unless_null(convert: Getter) -> Getter:
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
