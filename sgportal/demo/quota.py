"""Resource quotas, as far as they count objects (kubernetes.io/docs "Resource Quotas", "Object count quota")."""

from .errors import ApiError
from .kinds import Kind
from .store import Store
from .values import Object

QUOTAS = "resourcequotas"
_SHORT = {
    "pods", "services", "configmaps", "secrets", "resourcequotas", "persistentvolumeclaims",
}  # fmt: skip


def _key(name: str) -> str:
    """The kind that a name in `hard` counts, as the store files it; "" for what is no count of objects."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    return name if name in _SHORT else ""


def used(store: Store, quota: Object) -> Object:
    """How much there is of what a quota counts."""
    namespace, hard = quota["metadata"]["namespace"], (quota.get("spec") or {}).get("hard") or {}
    return {name: str(sum(1 for _ in store.each(key, namespace))) for name in hard if (key := _key(name))}


def check_quotas(store: Store, kind: Kind, namespace: str, name: str) -> None:
    """Raise 403 where one more object of a kind is more than a quota of the namespace allows."""
    for quota in store.each(QUOTAS, namespace) if namespace else ():
        hard = (quota.get("spec") or {}).get("hard") or {}
        have = used(store, quota)
        for resource in have:
            if _key(resource) == kind.key and int(have[resource]) >= int(hard[resource]):
                words = f"exceeded quota: {quota['metadata']['name']}, requested: {resource}=1, used: {resource}="
                words += f"{have[resource]}, limited: {resource}={hard[resource]}"
                details = {"name": name, "group": kind.group, "kind": kind.plural}
                raise ApiError(403, f'{kind.key} "{name}" is forbidden: {words}', details=details)
