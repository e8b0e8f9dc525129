"""What the API server makes of an object before it stores it: defaults, validation, allocation."""

from ..kinds import crd as crds
from ..kinds.served import Kind
from ..kinds.structural import fill, validate
from ..objects.errors import invalid
from ..objects.store import Store
from ..objects.values import Object
from .addresses import allocate, settle
from .defaults import set_defaults
from .pods import admit_pod
from .validation import problems


def admit(kind: Kind, body: Object, before: Object | None, store: Store) -> Object:
    """The object as it is to be stored; `before` is what it was, None on create. Raises 422."""
    if kind.crd:
        schema = crds.schema_of(kind.crd)
        fill(body, schema)
        causes = [*validate(body, schema), *problems("", body, before)]
    elif kind.kind == "CustomResourceDefinition":
        crds.set_defaults(body)
        causes = crds.crd_problems(body, before)
    else:
        set_defaults(kind.kind, body)
        if kind.kind == "Service" and body.get("spec"):
            settle(body["spec"], (before or {}).get("spec") or {})
        if kind.kind == "Pod" and before is None and (body.get("spec") or {}).get("containers"):
            admit_pod(store, body, body["metadata"].get("generateName", ""))
        causes = problems(kind.kind, body, before)
        if kind.kind == "Service" and not causes:
            causes = allocate(body, before, store)
    if causes:
        raise invalid(kind.kind, kind.group, body["metadata"]["name"], causes)
    return body
