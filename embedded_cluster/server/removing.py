"""Delete: what goes at once, what is held by finalizers, and what goes along."""

from ..kinds.served import Kind, Kinds
from ..objects import deletion
from ..objects.errors import ApiError
from ..objects.store import Store
from ..objects.values import Object, now
from ..requests.preconditions import check_uid, check_version
from ..requests.request import Target

CRDS = "customresourcedefinitions.apiextensions.k8s.io"


class Remover:
    """Deletion over a store."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self.store = store
        self.kinds = kinds

    def delete(self, target: Target, live: Object, options: Object) -> tuple[Object, bool]:
        """The object on its way out, and whether it is gone already. Raises 403, 409, 422."""
        wanted = options.get("preconditions") or {}
        check_uid(target.kind, live, wanted)
        check_version(target.kind, live, wanted)
        policy = options.get("propagationPolicy") or "Background"
        extra = {"Foreground": "foregroundDeletion", "Orphan": "orphan", "Background": ""}.get(policy)
        if extra is None:
            raise ApiError(422, f'DeleteOptions is invalid: propagationPolicy: Unsupported value: "{policy}"')
        finalizers = list(live["metadata"].get("finalizers") or [])
        if extra and extra not in finalizers:
            finalizers.append(extra)
        if options.get("dryRun"):
            return live, not finalizers
        if target.kind.kind == "Namespace":
            return self._end_namespace(live), False
        if not finalizers and target.kind.key == CRDS:
            return self.remove(target.kind, live), True
        gone = deletion.begin(self.store, target.kind.key, live, finalizers, _grace(options))
        marked = None if gone else self.store.get(target.kind.key, target.namespace, target.name)
        return marked or live, gone

    def _end_namespace(self, live: Object) -> Object:
        """Mark a namespace; the life empties and removes it. Raises 403 for those that must stay."""
        name = live["metadata"]["name"]
        if name in ("default", "kube-system", "kube-public"):
            raise ApiError(403, f'namespaces "{name}" is forbidden: this namespace may not be deleted')
        if live["metadata"].get("deletionTimestamp"):
            return live
        metadata = {**live["metadata"], "deletionTimestamp": now()}
        return self.store.put("namespaces", {**live, "metadata": metadata, "status": {"phase": "Terminating"}})

    def remove(self, kind: Kind, body: Object) -> Object:
        """Take an object away, and with a definition all objects of its kind."""
        metadata = body["metadata"]
        if kind.kind == "CustomResourceDefinition":
            self._forget_kind(metadata["name"], body)
        self.store.remove(kind.key, metadata.get("namespace", ""), metadata["name"])
        return body

    def _forget_kind(self, name: str, crd: Object) -> None:
        key = f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"
        for body in list(self.store.each(key)):
            self.store.remove(key, body["metadata"].get("namespace", ""), body["metadata"]["name"])
        self.kinds.forget(name)


def _grace(options: Object) -> int | None:
    """How many seconds a pod may take to end; None where it is not said."""
    asked = options.get("gracePeriodSeconds")
    return asked if isinstance(asked, int) else None


def may_go(kind: Kind, live: Object, body: Object) -> bool:
    """Whether a write took away the last finalizer of an object that is being deleted."""
    ends_elsewhere = kind.kind == "Namespace" or (kind.kind == "Pod" and body["spec"].get("nodeName"))
    going = body["metadata"].get("deletionTimestamp") and not body["metadata"].get("finalizers")
    return bool(going and live["metadata"].get("finalizers")) and not ends_elsewhere
