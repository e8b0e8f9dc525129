"""The quota controller: what a quota allows and how much of it is used."""

from ..admission.quota import QUOTAS, used
from ..objects.store import Store
from ..objects.values import Object
from .children import set_status

KEY = QUOTAS


def quota(store: Store, body: Object) -> None:
    """One step of a ResourceQuota: its status."""
    hard = (body.get("spec") or {}).get("hard") or {}
    set_status(store, KEY, body, {"hard": hard, "used": used(store, body)})
