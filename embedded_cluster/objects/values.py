"""Small things about JSON values that every room needs."""

import uuid
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

Object = dict[str, Any]
T = TypeVar("T")


def copy(value: T) -> T:
    """A deep copy of a JSON value."""
    made: T = orjson.loads(orjson.dumps(value))
    return made


def now() -> str:
    """The time in RFC 3339, whole seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_uid() -> str:
    """A fresh uid."""
    return str(uuid.uuid4())


def controller_of(body: Object) -> Object | None:
    """The ownerReference that controls an object, or None."""
    return next((ref for ref in body["metadata"].get("ownerReferences") or () if ref.get("controller")), None)


def labels_of(body: Object) -> dict[str, str]:
    """An object's labels."""
    return body["metadata"].get("labels") or {}


def owned(parent_kind: str, parent_api: str, parent: Object) -> list[Object]:
    """The ownerReferences of an object that `parent` controls."""
    return [
        {
            "apiVersion": parent_api,
            "kind": parent_kind,
            "name": parent["metadata"]["name"],
            "uid": parent["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
