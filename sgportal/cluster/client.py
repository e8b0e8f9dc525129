"""One class that reaches the API server: get, list, apply, patch, delete, watch."""

import copy
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Self

from ..core.names import FIELD_MANAGER
from .answers import Applied, Listing, before
from .errors import Expired, NotFound, ReadOnly
from .identity import Identity
from .kinds import RESOURCES, Resource
from .streams.watching import Log, Watch
from .transport import READ_SECONDS, Transport

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_JSON = {"Content-Type": "application/json"}
_SERVES_SECONDS = 5.0
_CONFIRMED_SECONDS = 0.5  # how long an answer about the cluster's identity is good for further writes
# The revision of an empty etcd: no object has it, and one that does not exist yet is not asked for its version.
_NO_VERSION = "1"


class Cluster:
    """The API server, for any number of threads. Every method may raise a ClusterError."""

    def __init__(self, target: str, threads: int = 32, read_seconds: float = READ_SECONDS) -> None:
        self._transport = Transport(target, threads, read_seconds)
        self.read_only = False
        self._identity: Identity | None = None
        self._bound_at = 0.0
        self._served: dict[str, float] = {}
        self._lock = threading.Lock()

    def reading(self) -> Self:
        """The same cluster by the same connections, which refuses every write of ours with ReadOnly. A dry run changes
        nothing and is no write."""
        view = copy.copy(self)
        view.read_only = True
        return view

    def bound(self, identity: Identity) -> Self:
        """The same cluster by the same connections, which makes sure before a write that it is the one `identity`
        means: before the first of this view, and then again after half a second. A dry run changes nothing."""
        view = copy.copy(self)
        view._identity, view._bound_at = identity, time.monotonic()
        return view

    def confirm(self, since: float | None = None) -> None:
        """Make sure that what was read until now, or until `since` on the monotonic clock, came from the cluster that
        is meant. Raises AnotherCluster, or the ClusterError for which it could not be told."""
        if self._identity:
            self._identity.confirm(self.uid, time.monotonic() if since is None else since)

    def _check_write(self, dry_run: bool) -> None:
        if dry_run:
            return
        if self.read_only:
            raise ReadOnly("the portal does not write to this cluster now")
        if self._identity:
            self._identity.confirm(self.uid, max(self._bound_at, time.monotonic() - _CONFIRMED_SECONDS))

    def uid(self, seconds: float | None = None) -> str:
        """The uid of the namespace kube-system, which tells clusters apart; "" where there is no such namespace. With
        `seconds`, no silence lasts longer."""
        body = self.get("Namespace", "", "kube-system", seconds=seconds)
        return str(body["metadata"]["uid"]) if body else ""

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def version(self, seconds: float | None = None) -> str:
        """The API server's version, such as `v1.34.1`; with `seconds`, within that time or Unreachable."""
        return str(self._transport.call("GET", "/version", seconds=seconds)[1]["gitVersion"])

    def serves(self, kind: str) -> bool:
        """Whether the API server knows this kind. A yes holds for five seconds; a no is asked again each time."""
        with self._lock:
            fresh = time.monotonic() - self._served.get(kind, float("-inf")) < _SERVES_SECONDS
        if fresh:
            return True
        known = self._discover(RESOURCES[kind])
        with self._lock:
            self._served.pop(kind, None)
            if known:
                self._served[kind] = time.monotonic()
        return known

    def groups(self) -> frozenset[str]:
        """The names of the API groups that are served."""
        return frozenset(str(each["name"]) for each in self._transport.call("GET", "/apis")[1]["groups"])

    def _discover(self, resource: Resource) -> bool:
        try:
            _, body = self._transport.call("GET", resource.base)
        except NotFound:
            return False
        return any(each["name"] == resource.plural for each in body.get("resources") or ())

    def get(
        self, kind: str | Resource, namespace: str, name: str, *, seconds: float | None = None
    ) -> dict[str, Any] | None:
        """An object, or None where there is none. With `seconds`, no silence lasts longer."""
        resource = RESOURCES[kind] if isinstance(kind, str) else kind
        try:
            body: dict[str, Any] = self._transport.call("GET", resource.path(namespace, name), seconds=seconds)[1]
        except NotFound:
            return None
        return body

    def list(
        self,
        kind: str,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        metadata_only: bool = False,
        seconds: float | None = None,
    ) -> Listing:
        """Every object of a kind that the selectors choose, read `limit` at a time; begun once more where the server
        forgot the place in between. `metadata_only` leaves out everything but metadata. With `seconds`, no silence
        lasts longer."""
        options = (label_selector, field_selector, limit, metadata_only, seconds)
        try:
            pages = list(self.pages(kind, namespace, *options))
        except Expired:
            pages = list(self.pages(kind, namespace, *options))
        return Listing([item for page in pages for item in page.items], pages[-1].resource_version)

    def pages(
        self,
        kind: str | Resource,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        metadata_only: bool = False,
        seconds: float | None = None,
    ) -> Iterator[Listing]:
        """What `list` gives, one page at a time, for collections that are better not held whole. Raises Expired in the
        middle where the server forgot the place; watch from the last page's version."""
        resource = RESOURCES[kind] if isinstance(kind, str) else kind
        query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": limit, "continue": ""}
        headers = {"Accept": _METADATA_LIST} if metadata_only else {}
        while True:
            path = resource.path(namespace)
            _, body = self._transport.call("GET", path, query=query, headers=headers, seconds=seconds)
            metadata = body.get("metadata") or {}
            items = [
                {**item, "apiVersion": resource.api_version, "kind": resource.kind} for item in body.get("items") or ()
            ]
            yield Listing(items, str(metadata.get("resourceVersion") or ""))
            query["continue"] = metadata.get("continue") or ""
            if not query["continue"]:
                return

    def before(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """`answers.before` of this cluster."""
        return before(self._transport, kind, body)

    def apply(self, body: Mapping[str, Any], *, force: bool = False, dry_run: bool = False) -> Applied:
        """Server-side apply as our field manager; without `force` a field of another manager is a Conflict.

        An unknown field is refused: dropped in silence, it would look like a difference for ever."""
        self._check_write(dry_run)
        metadata = body["metadata"]
        path = RESOURCES[body["kind"]].path(metadata.get("namespace", ""), metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower(), "fieldValidation": "Strict"}
        status, answer = self._transport.call(
            "PATCH", path, query=query | _dry(dry_run), body=dict(body), headers={"Content-Type": _APPLY}
        )
        return Applied(answer, status == 201)

    def apply_new(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A new object by server-side apply, so that exactly what was sent is ours; a plain create would make the
        defaults ours as well. Raises Conflict where there is one of that name, whoever made it: none is of the version
        that is asked for."""
        return self.apply({**body, "metadata": {**body["metadata"], "resourceVersion": _NO_VERSION}}).body

    def try_out(self, body: Mapping[str, Any], *, seconds: float) -> tuple[str, ...]:
        """What the API server warns of when this is made, or, where it has a uid, applied to that object: a dry run of
        the cluster that is meant. No silence lasts longer than `seconds`. Raises what the write would."""
        if self._identity:
            self._identity.confirm(lambda: self.uid(seconds), time.monotonic() - _CONFIRMED_SECONDS)
        metadata, resource = body["metadata"], RESOURCES[body["kind"]]
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **_dry(True)}
        if "uid" not in metadata:
            path, headers = resource.path(metadata["namespace"]), {"Content-Type": "application/json"}
            return self._transport.warnings("POST", path, query, dict(body), headers, seconds)
        path, headers = resource.path(metadata["namespace"], metadata["name"]), {"Content-Type": _APPLY}
        return self._transport.warnings("PATCH", path, query | {"force": "true"}, dict(body), headers, seconds)

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        patch: Any,
        content_type: str,
        *,
        subresource: str = "",
        dry_run: bool = False,
        metadata_only: bool = False,
    ) -> dict[str, Any]:
        """The object, or its metadata only, after a patch of the given content type (JSON_PATCH, MERGE_PATCH)."""
        self._check_write(dry_run)
        path = RESOURCES[kind].path(namespace, name, subresource)
        query = {"fieldManager": FIELD_MANAGER, **_dry(dry_run)}
        headers = {"Content-Type": content_type, **({"Accept": _METADATA_ONLY} if metadata_only else {})}
        body: dict[str, Any] = self._transport.call("PATCH", path, query=query, body=patch, headers=headers)[1]
        return body

    def create(self, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """A new object, all of it ours. Raises Conflict where there is one of that name."""
        return self._whole("POST", body, "", dry_run)

    def replace(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """An object that is all ours, as a whole; Conflict unless it is as its resourceVersion says. Cheaper than
        `apply`, which works out what belongs to whom."""
        return self._whole("PUT", body, body["metadata"]["name"])

    def _whole(self, method: str, body: Mapping[str, Any], name: str, dry_run: bool = False) -> dict[str, Any]:
        self._check_write(dry_run)
        path = RESOURCES[body["kind"]].path(body["metadata"].get("namespace", ""), name)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **_dry(dry_run)}
        answer: dict[str, Any] = self._transport.call(method, path, query=query, body=dict(body), headers=_JSON)[1]
        return answer

    def delete(
        self,
        kind: str,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: str = "Background",
        dry_run: bool = False,
    ) -> None:
        """Delete an object, if it is still the one with this uid (else Conflict); one that is gone already counts as
        deleted."""
        self._check_write(dry_run)
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            options["dryRun"] = ["All"]  # where there is a body, the API server does not look at the query
        path, headers = RESOURCES[kind].path(namespace, name), _JSON
        try:
            self._transport.call("DELETE", path, body=options, headers=headers)
        except NotFound:
            return

    def evict(self, namespace: str, name: str, uid: str) -> None:
        """Ask for the eviction of a pod, if it is still the one with this uid; one that is gone counts as evicted.
        Raises Throttled where a PodDisruptionBudget does not allow it now."""
        self._check_write(dry_run=False)
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": namespace, "name": name}}
        body["deleteOptions"] = {"preconditions": {"uid": uid}}
        try:
            self._transport.call("POST", RESOURCES["Pod"].path(namespace, name, "eviction"), body=body, headers=_JSON)
        except NotFound:
            return

    def watch(
        self,
        kind: str,
        resource_version: str,
        *,
        label_selector: str = "",
        silence_seconds: float = 75.0,
        timeout_seconds: int = 300,
    ) -> Watch:
        """Changes since `resource_version`, with bookmarks, for `timeout_seconds`. Not a byte for `silence_seconds`
        means that the connection is dead, whatever TCP believes. Raises Expired where the version is too old."""
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "labelSelector": label_selector,
            "timeoutSeconds": timeout_seconds,
        }
        return Watch(self._transport.stream(RESOURCES[kind].path(), query, silence_seconds))

    def log(self, namespace: str, name: str, query: Mapping[str, Any], silence_seconds: float) -> Log:
        """A pod's log, as `query` asks for it (PodLogOptions, v1); the longest silence in it is `silence_seconds`."""
        path = RESOURCES["Pod"].path(namespace, name, "log")
        return Log(self._transport.stream(path, query, silence_seconds))


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
