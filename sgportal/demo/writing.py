"""Create, update, patch, apply and delete: the API server's write path for every kind."""

from typing import Any

from . import crd as crds
from . import deletion
from .addresses import allocate
from .apply import apply, track_update
from .defaults import set_defaults
from .errors import ApiError, cause, invalid, not_found
from .kinds import Kind, Kinds
from .patches import json_patch, merge_patch, strategic_patch
from .preconditions import check_uid, check_version
from .requests import Request, Target
from .scopes import counts_generation, same, scoped
from .shapes import check_patched, check_shape
from .store import Store
from .validation import problems
from .values import Object, copy, new_uid, now

_PATCHES = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_patch,
}
CRDS = "customresourcedefinitions.apiextensions.k8s.io"
APPLY = "application/apply-patch+yaml"
_SERVER_OWNED = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
)


class Writer:
    """The write path over a store."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self.store = store
        self.kinds = kinds

    def existing(self, target: Target) -> Object:
        """The object a request is about. Raises 404."""
        body = self.store.get(target.kind.key, target.namespace, target.name)
        if body is None:
            raise not_found(target.kind.plural, target.kind.group, target.name)
        return body

    def create(self, target: Target, body: Object, request: Request) -> Object:
        """A new object. Raises 404 for a missing namespace, 409 where it exists, 422 where it is refused."""
        kind = target.kind
        body = self._addressed(kind, target, copy(body))
        metadata = body["metadata"]
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + new_uid()[:5]
        if not metadata.get("name"):
            raise ApiError(
                422, f"{kind.kind} is invalid: metadata.name: Required value: name or generateName is required"
            )
        if self.store.get(kind.key, metadata.get("namespace", ""), metadata["name"]):
            details = {"name": metadata["name"], "group": kind.group, "kind": kind.plural}
            raise ApiError(409, f'{kind.key} "{metadata["name"]}" already exists', "AlreadyExists", details=details)
        self._check_namespace(kind, target.namespace)
        body = self._new(kind, body, request)
        body = track_update(None, body, request.manager, "", bool(kind.crd))
        return self._store(kind, body, request)

    def _new(self, kind: Kind, body: Object, request: Request) -> Object:
        for name in _SERVER_OWNED:
            body["metadata"].pop(name, None)
        if kind.has_status and kind.kind != "CustomResourceDefinition":
            body.pop("status", None)
        body["metadata"] |= {"uid": new_uid(), "creationTimestamp": now()}
        if counts_generation(kind):
            body["metadata"]["generation"] = 1
        return self._admit(kind, body, None, request)

    def _addressed(self, kind: Kind, target: Target, body: Any) -> Object:
        if not isinstance(body, dict):
            raise ApiError(400, "the body must be an object")
        body.setdefault("apiVersion", kind.api_version)
        body.setdefault("kind", kind.kind)
        if body["apiVersion"] != kind.api_version or body["kind"] != kind.kind:
            sent = f"{body['apiVersion']}, Kind={body['kind']}"
            raise ApiError(
                400, f"{sent} in the body does not match the endpoint's {kind.api_version}, Kind={kind.kind}"
            )
        check_shape(kind, body)
        metadata = body["metadata"] = dict(body.get("metadata") or {})
        if target.name and metadata.setdefault("name", target.name) != target.name:
            raise ApiError(
                400, f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
            )
        if kind.namespaced:
            if metadata.setdefault("namespace", target.namespace) != target.namespace:
                raise ApiError(
                    400, "the namespace of the provided object does not match the namespace sent on the request"
                )
        else:
            metadata.pop("namespace", None)
        return body

    def _check_namespace(self, kind: Kind, namespace: str) -> None:
        if not kind.namespaced:
            return
        found = self.store.get("namespaces", "", namespace)
        if found is None:
            raise not_found("namespaces", "", namespace)
        if found["metadata"].get("deletionTimestamp"):
            raise ApiError(403, f"unable to create new content in namespace {namespace} because it is being terminated")

    def _admit(self, kind: Kind, body: Object, before: Object | None, request: Request) -> Object:
        """Default, prune and validate. Raises 400 (strict, unknown field) or 422."""
        if kind.crd:
            body = self._admit_custom(kind, body, request)
            causes = list(crds.validate(body, crds.schema_of(kind.crd)))
            causes += problems("", body, before)
        elif kind.kind == "CustomResourceDefinition":
            causes = crds.crd_problems(body)
        else:
            set_defaults(kind.kind, body)
            causes = problems(kind.kind, body, before)
            if kind.kind == "Service" and not causes:
                allocate(body, before, self.store)
        if causes:
            raise invalid(kind.kind, kind.group, body["metadata"]["name"], causes)
        return body

    def _admit_custom(self, kind: Kind, body: Object, request: Request) -> Object:
        schema = crds.schema_of(kind.crd or {})
        pruned, dropped = crds.prune(body, schema)
        if dropped and request.query.get("fieldValidation") == "Strict":
            fields = ", ".join(f'unknown field "{path}"' for path in dropped)
            name = body["metadata"]["name"]
            raise ApiError(
                400,
                f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
                f"strict decoding error: {fields} ({name})",
            )
        crds.fill(pruned, schema)
        return dict(pruned)

    def _store(self, kind: Kind, body: Object, request: Request) -> Object:
        if request.dry_run:
            return {**body, "metadata": {**body["metadata"], "resourceVersion": ""}}
        if kind.kind == "CustomResourceDefinition":
            body = crds.established(body)
            self.kinds.define(body)
        return self.store.put(kind.key, body)

    def replace(self, target: Target, body: Object, request: Request) -> Object:
        """An object put in whole. Raises 404, 409 for a stale resourceVersion, 422."""
        live = self.existing(target)
        body = self._addressed(target.kind, target, copy(body))
        check_uid(target.kind, live, body["metadata"])
        return self.update(target, live, body, request)

    def update(self, target: Target, live: Object, body: Object, request: Request, tracked: bool = False) -> Object:
        """`body` in place of `live`, as far as this (sub)resource may change it."""
        kind = target.kind
        check_version(kind, live, body["metadata"])
        if body["metadata"].get("uid") not in (None, live["metadata"]["uid"]):
            wrong = f'Invalid value: "{body["metadata"]["uid"]}": field is immutable'
            raise invalid(kind.kind, kind.group, target.name, [cause("metadata.uid", wrong)])
        body = scoped(target, live, body)
        for name in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
            if live["metadata"].get(name) is not None:
                body["metadata"][name] = live["metadata"][name]
        body = self._admit(kind, body, live, request)
        if counts_generation(kind):
            unchanged = body.get("spec") == live.get("spec") if not kind.crd or kind.has_status else same(body, live)
            body["metadata"]["generation"] = live["metadata"].get("generation", 1) + (not unchanged)
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        if not tracked:
            body = track_update(live, body, request.manager, target.subresource, bool(kind.crd))
        if same(body, live):
            return live
        if _may_go(kind, live, body):
            return body if request.dry_run else self._remove(kind, body)
        return self._store(kind, body, request)

    def patch(self, target: Target, request: Request, patch: Any) -> tuple[Object, bool]:
        """The object after a patch, and whether server-side apply created it."""
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        if media == APPLY:
            return self._apply(target, request, patch)
        if media not in _PATCHES:
            raise ApiError(
                415,
                "the body of the request was in an unknown format - accepted media types include: "
                + ", ".join([*_PATCHES, APPLY]),
            )
        if media == "application/strategic-merge-patch+json" and target.kind.crd:
            raise ApiError(415, "strategic merge patch is not supported for custom resources")
        live = self.existing(target)
        body = copy(_PATCHES[media](live, patch))
        check_patched(target.kind, body)
        return self.update(target, live, body, request), False

    def _apply(self, target: Target, request: Request, config: Any) -> tuple[Object, bool]:
        if not request.query.get("fieldManager"):
            raise ApiError(
                422, "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
            )
        kind = target.kind
        config = self._addressed(kind, target, copy(config))
        live = self.store.get(kind.key, target.namespace, target.name)
        if "managedFields" in config["metadata"] and config["metadata"]["managedFields"]:
            raise ApiError(400, "metadata.managedFields must be nil")
        uid = config["metadata"].get("uid")
        manager = request.query["fieldManager"]
        if live is None:
            if uid:
                raise ApiError(
                    409,
                    f'Operation cannot be fulfilled on {kind.key} "{target.name}": uid mismatch: '
                    f"the provided object specified uid {uid}, and no existing object was found",
                )
            self._check_namespace(kind, target.namespace)
            body = apply(None, config, manager, True, bool(kind.crd))
            managed = body["metadata"]["managedFields"]
            body = self._new(kind, body, request)
            body["metadata"]["managedFields"] = managed
            return self._store(kind, body, request), True
        body = apply(live, config, manager, request.flag("force"), bool(kind.crd), target.subresource)
        return self.update(target, live, body, request, tracked=True), False

    def delete(self, target: Target, request: Request, options: Object) -> tuple[Object, bool]:
        """The object on its way out, and whether it is gone already."""
        live = self.existing(target)
        wanted = options.get("preconditions") or {}
        check_uid(target.kind, live, wanted)
        check_version(target.kind, live, wanted)
        policy = options.get("propagationPolicy") or request.query.get("propagationPolicy") or "Background"
        extra = {"Foreground": "foregroundDeletion", "Orphan": "orphan", "Background": ""}.get(policy)
        if extra is None:
            raise ApiError(422, f'DeleteOptions is invalid: propagationPolicy: Unsupported value: "{policy}"')
        finalizers = list(live["metadata"].get("finalizers") or [])
        if extra and extra not in finalizers:
            finalizers.append(extra)
        if request.dry_run:
            return live, not finalizers
        if target.kind.kind == "Namespace":
            return self._end_namespace(live), False
        if not finalizers and target.kind.key == CRDS:
            return self._remove(target.kind, live), True
        gone = deletion.begin(self.store, target.kind.key, live, finalizers, _grace(options, request))
        return (live if gone else self.existing(target)), gone

    def _end_namespace(self, live: Object) -> Object:
        """Mark a namespace; the life empties and removes it. Raises 403 for those that must stay."""
        name = live["metadata"]["name"]
        if name in ("default", "kube-system", "kube-public"):
            raise ApiError(403, f'namespaces "{name}" is forbidden: this namespace may not be deleted')
        if live["metadata"].get("deletionTimestamp"):
            return live
        metadata = {**live["metadata"], "deletionTimestamp": now()}
        return self.store.put("namespaces", {**live, "metadata": metadata, "status": {"phase": "Terminating"}})

    def _remove(self, kind: Kind, body: Object) -> Object:
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


def _grace(options: Object, request: Request) -> int | None:
    """How many seconds a pod may take to end; None where it is not said."""
    if isinstance(options.get("gracePeriodSeconds"), int):
        return int(options["gracePeriodSeconds"])
    return request.number("gracePeriodSeconds") if "gracePeriodSeconds" in request.query else None


def _may_go(kind: Kind, live: Object, body: Object) -> bool:
    """Whether a write took away the last finalizer of an object that is being deleted."""
    ends_elsewhere = kind.kind == "Namespace" or (kind.kind == "Pod" and body["spec"].get("nodeName"))
    going = body["metadata"].get("deletionTimestamp") and not body["metadata"].get("finalizers")
    return bool(going and live["metadata"].get("finalizers")) and not ends_elsewhere
