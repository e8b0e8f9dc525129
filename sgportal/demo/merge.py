"""How lists merge: which have entries with a key, which are sets, which are taken whole.

Source: the API server's OpenAPI extensions x-kubernetes-list-type, -list-map-keys and patchMergeKey.
"""

from typing import Any

_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
    "taints": ("key", "effect"),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "podIPs": ("ip",),
}
_SETS = {"finalizers"}
_CUSTOM_KEYS = {"ownerReferences": ("uid",)}  # in a custom resource, only metadata's lists are known


def list_keys(name: str, parent: tuple[str, ...], custom: bool) -> tuple[str, ...]:
    """The keys of the entries of the list `name` below `parent` (field names); () where it is taken whole."""
    if custom:
        return _CUSTOM_KEYS.get(name, ()) if parent == ("metadata",) else ()
    if name == "ports":
        return ("port", "protocol") if parent == ("spec",) else ("containerPort", "protocol")
    return _KEYS.get(name, ())


def is_set(name: str) -> bool:
    """Whether the list is a set of scalars."""
    return name in _SETS


def identity(entry: dict[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    """What identifies an entry among its list."""
    return tuple(entry.get(key, "TCP" if key == "protocol" else None) for key in keys)
