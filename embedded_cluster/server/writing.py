"""Create, update, patch and apply: the API server's write path for every kind."""

from typing import Any

from ..admission.admit import admit
from ..admission.quota import check_quotas
from ..fields.apply import apply, track_update
from ..fields.patches import json_patch, merge_patch, strategic_patch
from ..kinds import crd as crds
from ..kinds.conversion import from_stored, stored_as, to_stored
from ..kinds.served import Kind, Kinds
from ..kinds.shapes import shape_of
from ..objects.errors import ApiError, cause, invalid, not_found
from ..objects.store import Store
from ..objects.values import Object, copy, new_uid, now
from ..requests.bodies import APPLY
from ..requests.decoding import check_typed, cleaned, decoded, decoded_patch
from ..requests.naming import addressed, check_named, generate
from ..requests.preconditions import check_uid, check_version
from ..requests.request import Request, Target, bad_option
from ..requests.scopes import counts_generation, said, same, scoped
from .removing import Remover, may_go

_STRATEGIC = "application/strategic-merge-patch+json"
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", _STRATEGIC)
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
        self.remover = Remover(store, kinds)

    def existing(self, target: Target) -> Object:
        """The object a request is about. Raises 404."""
        body = self.store.get(target.kind.key, target.namespace, target.name)
        if body is None:
            raise not_found(target.kind.plural, target.kind.group, target.name)
        return body

    def create(self, target: Target, body: Any, request: Request) -> Object:
        """A new object. Raises 404 for a missing namespace, 409 where it exists, 422 where it is refused."""
        kind = target.kind
        body = addressed(kind, target, decoded(kind, check_named(kind, body), request))
        metadata = body["metadata"]
        generate(kind, metadata)
        kind, body = stored_as(kind), to_stored(kind, body)
        if self.store.get(kind.key, metadata.get("namespace", ""), metadata["name"]):
            details = {"name": metadata["name"], "group": kind.group, "kind": kind.plural}
            raise ApiError(409, f'{kind.key} "{metadata["name"]}" already exists', "AlreadyExists", details=details)
        self._check_namespace(kind, target.namespace)
        body = self._new(kind, body)
        check_quotas(self.store, kind, body)
        body = track_update(None, body, request.manager, "", shape_of(kind))
        return self._store(kind, body, request)

    def _new(self, kind: Kind, body: Object) -> Object:
        for name in _SERVER_OWNED:
            body["metadata"].pop(name, None)
        if kind.has_status and kind.kind != "CustomResourceDefinition":
            body.pop("status", None)
        body["metadata"] |= {"uid": new_uid(), "creationTimestamp": now()}
        if counts_generation(kind):
            body["metadata"]["generation"] = 1
        return admit(kind, body, None, self.store)

    def _check_namespace(self, kind: Kind, namespace: str) -> None:
        if not kind.namespaced:
            return
        found = self.store.get("namespaces", "", namespace)
        if found is None:
            raise not_found("namespaces", "", namespace)
        if found["metadata"].get("deletionTimestamp"):
            words = f"unable to create new content in namespace {namespace} because it is being terminated"
            ends = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
            raise ApiError(403, words, causes=[{**ends, "field": "metadata.namespace"}])

    def _store(self, kind: Kind, body: Object, request: Request) -> Object:
        if request.dry_run:
            version = (
                {}
                if not body["metadata"].get("resourceVersion")
                else {"resourceVersion": body["metadata"]["resourceVersion"]}
            )
            return {**body, "metadata": {**body["metadata"], **version}}
        if kind.kind == "CustomResourceDefinition":
            body = crds.established(body)
            self.kinds.define(body)
        return self.store.put(kind.key, body)

    def replace(self, target: Target, body: Any, request: Request) -> Object:
        """An object put in whole. Raises 404, 409 for a stale resourceVersion, 422."""
        kind = target.kind
        body = addressed(kind, target, decoded(kind, check_named(kind, body), request))
        live = self.existing(target)
        if kind.crd and not body["metadata"].get("resourceVersion"):
            missing = cause("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
            raise invalid(kind.plural, kind.group, target.name, [missing])
        check_uid(kind, live, body["metadata"])
        return self.update(_stored(target), live, to_stored(kind, body, live), request)

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
        body = admit(kind, body, live, self.store)
        check_quotas(self.store, kind, body, live)
        if counts_generation(kind):
            unchanged = said(kind, body) == said(kind, live)
            body["metadata"]["generation"] = live["metadata"].get("generation", 1) + (not unchanged)
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        if not tracked:
            body = track_update(live, body, request.manager, target.subresource, shape_of(kind))
        if same(body, live):
            return live
        if may_go(kind, live, body):
            return body if request.dry_run else self.remover.remove(kind, body)
        return self._store(kind, body, request)

    def patch(self, target: Target, request: Request, patch: Any) -> tuple[Object, bool]:
        """The object after a patch, and whether server-side apply created it."""
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        kind, shape = target.kind, shape_of(target.kind)
        if media == APPLY:
            return self._apply(target, request, patch)
        taken = [each for each in _PATCHES if each != _STRATEGIC or not kind.crd]
        if media not in taken:
            start = "the body of the request was in an unknown format - accepted media types include: "
            raise ApiError(415, start + ", ".join([*taken, APPLY]))
        if "force" in request.query:
            raise bad_option(request, "force", "Forbidden: may not be specified for non-apply patch")
        live = self.existing(target)
        before = from_stored(kind, live)
        if media == "application/json-patch+json":
            body: Any = json_patch(before, patch)
        elif not isinstance(patch, dict):
            raise ApiError(400, "error decoding patch: json: a patch is an object")
        else:
            body = strategic_patch(before, patch, shape) if media == _STRATEGIC else merge_patch(before, patch)
        body = to_stored(kind, decoded_patch(kind, copy(body), request), live)
        return self.update(_stored(target), live, body, request), False

    def _apply(self, target: Target, request: Request, config: Any) -> tuple[Object, bool]:
        kind = target.kind
        if not request.query.get("fieldManager"):
            missing = cause("fieldManager", "Required value: is required for apply patch", "FieldValueRequired")
            raise invalid("PatchOptions", "meta.k8s.io", "", [missing])
        if not isinstance(config, dict) or (config.get("apiVersion"), config.get("kind")) != (
            kind.api_version,
            kind.kind,
        ):
            raise ApiError(400, f"invalid object type: it must be {kind.api_version}, Kind={kind.kind}")
        if not isinstance(config.get("metadata"), dict) or not config["metadata"].get("name"):
            place = f"{target.name} based on URL"
            raise ApiError(400, f"the name of the object ({place}) was undeterminable: name must be provided")
        check_typed(kind, config, request)
        config = addressed(kind, target, copy(config))
        if config["metadata"].get("managedFields"):
            raise ApiError(400, "metadata.managedFields must be nil")
        config, target = to_stored(kind, config), _stored(target)
        kind, shape = target.kind, shape_of(target.kind)
        live, manager = self.store.get(kind.key, target.namespace, target.name), request.query["fieldManager"]
        if live is None:
            return self._apply_new(target, request, config), True
        body = apply(live, config, manager, request.flag("force"), shape, target.subresource)
        return self.update(target, live, cleaned(kind, body), request, tracked=True), False

    def _apply_new(self, target: Target, request: Request, config: Object) -> Object:
        kind, uid = target.kind, config["metadata"].get("uid")
        if target.subresource:
            raise not_found(kind.plural, kind.group, target.name)
        if uid:
            start = f'Operation cannot be fulfilled on {kind.key} "{target.name}": uid mismatch: '
            raise ApiError(409, f"{start}the provided object specified uid {uid}, and no existing object was found")
        self._check_namespace(kind, target.namespace)
        body = apply(None, config, request.query["fieldManager"], True, shape_of(kind))
        managed = body["metadata"]["managedFields"]
        body = self._new(kind, cleaned(kind, body))
        check_quotas(self.store, kind, body)
        body["metadata"]["managedFields"] = managed
        return self._store(kind, body, request)


def _stored(target: Target) -> Target:
    return Target(stored_as(target.kind), target.namespace, target.name, target.subresource)
