"""What the fields of the built-in kinds are: as the API server's own OpenAPI document says.

`schemas.json` is made by `python -m tests.contract.api.openapi`, not by hand.
"""

from functools import cache
from pathlib import Path

import orjson

from ..objects.values import Object
from .served import Kind

FILE = Path(__file__).parent / "schemas.json"
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@cache
def schemas() -> dict[str, Object]:
    """Every schema by its name."""
    found: dict[str, Object] = orjson.loads(FILE.read_bytes())
    return found


@cache
def _names() -> dict[tuple[str, str, str], str]:
    return {
        (each["group"], each["version"], each["kind"]): name
        for name, schema in schemas().items()
        for each in schema.get("x-kubernetes-group-version-kind") or ()
    }


def name_of(kind: Kind) -> str:
    """The name of a built-in kind's schema."""
    return _names()[kind.group, kind.version, kind.kind]
