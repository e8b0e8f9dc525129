"""How names, labels and ports are written (RFC 1123, RFC 1035, kubernetes.io/docs "Object Names and IDs")."""

import re
from collections.abc import Iterator
from typing import Any

from .errors import cause
from .values import Object

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORT_NAME = re.compile(r"(?!.*--)(?=.*[a-z])[a-z0-9]([-a-z0-9]*[a-z0-9])?")


_ENDS = "and must start and end with an alphanumeric character"
_USED = "regex used for validation is"
NO_LABEL = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS} "
    f"(e.g. 'my-name',  or '123-abc', {_USED} '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
NO_SUBDOMAIN = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS} "
    f"(e.g. 'example.com', {_USED} '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_NO_VALUE = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', {_USED} '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_NAME_PART = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', {_USED} '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def is_label(text: object) -> bool:
    """Whether a text is the name of a label of DNS."""
    return isinstance(text, str) and len(text) <= 63 and bool(LABEL.fullmatch(text))


def is_subdomain(text: object) -> bool:
    """Whether a text is a name of DNS, perhaps of several labels."""
    return isinstance(text, str) and len(text) <= 253 and bool(SUBDOMAIN.fullmatch(text))


def is_port(value: object) -> bool:
    """Whether a value is the number of a port."""
    return isinstance(value, int) and 1 <= value <= 65535


def is_port_or_name(value: object) -> bool:
    """Whether a value is the number of a port, or a name that a container's port can have."""
    return is_port(value) or (isinstance(value, str) and len(value) <= 15 and bool(_PORT_NAME.fullmatch(value)))


def label_values(labels: Object, field: str) -> Iterator[dict[str, str]]:
    """The causes for refusing the values of labels."""
    for value in labels.values():
        if len(value) > 63:
            yield cause(field, f'Invalid value: "{value}": must be no more than 63 bytes')
        if not LABEL_VALUE.fullmatch(value):
            yield cause(field, f'Invalid value: "{value}": {_NO_VALUE}')


def qualified_name(key: str, field: str) -> Iterator[dict[str, str]]:
    """The causes for refusing the key of a label or of an annotation."""
    start, (prefix, slash, name) = f'Invalid value: "{key}": ', key.rpartition("/")
    if "/" in prefix:
        words = f"a valid label key {_NAME_PART} with an optional DNS subdomain prefix and '/'"
        yield cause(field, f"{start}{words} (e.g. 'example.com/MyName')")
        return
    if slash and not prefix:
        yield cause(field, f"{start}prefix part must be non-empty")
    elif slash and not SUBDOMAIN.fullmatch(prefix):
        yield cause(field, f"{start}prefix part {NO_SUBDOMAIN}")
    elif len(prefix) > 253:
        yield cause(field, f"{start}prefix part must be no more than 253 bytes")
    if not name:
        yield cause(field, f"{start}name part must be non-empty")
    elif len(name) > 63:
        yield cause(field, f"{start}name part must be no more than 63 bytes")
    if not (name and LABEL_VALUE.fullmatch(name)):
        yield cause(field, f"{start}name part {_NAME_PART}")


def one_of(value: Any, field: str, *allowed: str) -> Iterator[dict[str, str]]:
    """The cause for refusing a word that is none of these; none where there is no word."""
    if value is not None and value not in allowed:
        listed = ", ".join(f'"{each}"' for each in allowed)
        message = f'Unsupported value: "{value}": supported values: {listed}'
        yield cause(field, message, "FieldValueNotSupported")
