"""One class that reaches the API server: get, list, apply, patch, delete, watch."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError

from ..core.diff import FIELD_MANAGER
from .errors import ClusterError, Expired, NotFound, Unreachable, error_of
from .kinds import RESOURCES, Resource
from .transport import Transport, parse

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_SERVES_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection as it was at one `resource_version`, from which a watch can go on."""

    items: list[dict[str, Any]]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An object after server-side apply, and whether it did not exist before."""

    body: dict[str, Any]
    created: bool


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """ADDED, MODIFIED, DELETED or BOOKMARK, and the object (of a bookmark: its resourceVersion only)."""

    type: str
    body: dict[str, Any]


class Cluster:
    """The API server, for any number of threads. Every method may raise a ClusterError."""

    def __init__(self, target: str, threads: int = 32) -> None:
        self._transport = Transport(target, threads)
        self._served: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def version(self) -> str:
        """The API server's version, such as `v1.34.1`."""
        return str(self._transport.call("GET", "/version")[1]["gitVersion"])

    def serves(self, kind: str) -> bool:
        """Whether the API server knows this kind now (asked at most every five seconds)."""
        resource = RESOURCES[kind]
        with self._lock:
            when, plurals = self._served.get(resource.base, (0.0, frozenset()))
        if time.monotonic() - when > _SERVES_SECONDS:
            plurals = self._discover(resource)
            with self._lock:
                self._served[resource.base] = (time.monotonic(), plurals)
        return resource.plural in plurals

    def _discover(self, resource: Resource) -> frozenset[str]:
        try:
            _, body = self._transport.call("GET", resource.base)
        except NotFound:
            return frozenset()
        return frozenset(each["name"] for each in body.get("resources") or ())

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """An object, or None where there is none."""
        try:
            body: dict[str, Any] = self._transport.call("GET", RESOURCES[kind].path(namespace, name))[1]
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
    ) -> Listing:
        """Every object of a kind that the selectors choose, read `limit` at a time; begun once more where the server
        forgot the place in between."""
        query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": limit}
        headers = {"Accept": _METADATA_ONLY} if metadata_only else {}
        try:
            return self._pages(RESOURCES[kind], namespace, query, headers)
        except Expired:
            return self._pages(RESOURCES[kind], namespace, query, headers)

    def _pages(
        self, resource: Resource, namespace: str, query: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Listing:
        items: list[dict[str, Any]] = []
        place = ""
        while True:
            _, body = self._transport.call(
                "GET", resource.path(namespace), query={**query, "continue": place}, headers=headers
            )
            identity = {"apiVersion": resource.api_version, "kind": resource.kind}
            items.extend({**item, **identity} for item in body.get("items") or ())
            metadata = body.get("metadata") or {}
            place = metadata.get("continue") or ""
            if not place:
                return Listing(items, str(metadata.get("resourceVersion") or ""))

    def apply(self, body: Mapping[str, Any], *, force: bool = False, dry_run: bool = False) -> Applied:
        """Server-side apply as our field manager; without `force` a field of another manager is a Conflict."""
        metadata = body["metadata"]
        path = RESOURCES[body["kind"]].path(metadata.get("namespace", ""), metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower(), **_dry(dry_run)}
        status, answer = self._transport.call(
            "PATCH", path, query=query, body=dict(body), headers={"Content-Type": _APPLY}
        )
        return Applied(answer, status == 201)

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
    ) -> dict[str, Any]:
        """The object after a patch of the given content type (JSON_PATCH, MERGE_PATCH)."""
        path = RESOURCES[kind].path(namespace, name, subresource)
        query = {"fieldManager": FIELD_MANAGER, **_dry(dry_run)}
        headers = {"Content-Type": content_type}
        body: dict[str, Any] = self._transport.call("PATCH", path, query=query, body=patch, headers=headers)[1]
        return body

    def delete(self, kind: str, namespace: str, name: str, *, uid: str = "", propagation: str = "Background") -> None:
        """Delete an object, if it is still the one with this uid; one that is gone already counts as deleted."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self._transport.call(
                "DELETE",
                RESOURCES[kind].path(namespace, name),
                body=options,
                headers={"Content-Type": "application/json"},
            )
        except NotFound:
            return

    def watch(
        self, kind: str, resource_version: str, *, silence_seconds: float = 75.0, timeout_seconds: int = 300
    ) -> Iterator[WatchEvent]:
        """Changes since `resource_version`, until the server ends the stream or nothing (not even a bookmark) was heard
        for `silence_seconds`. Raises Expired where the version is too old."""
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": timeout_seconds,
        }
        answer = self._transport.open(
            "GET", RESOURCES[kind].path(), query=query, read_seconds=silence_seconds, stream=True
        )
        try:
            if answer.status >= 300:
                raise error_of(answer.status, parse(answer.read()), answer.headers.get("Retry-After"))
            yield from _events(answer)
        except (HTTPError, OSError) as error:
            raise Unreachable(f"the watch broke off: {error}") from error
        finally:
            answer.close()


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _events(answer: Any) -> Iterator[WatchEvent]:
    rest = b""
    for chunk in answer.stream(amt=None):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield _event(line)


def _event(line: bytes) -> WatchEvent:
    value = parse(line)
    if not isinstance(value, dict) or "type" not in value:
        raise Unreachable("the watch sent something that is no event")
    if value["type"] == "ERROR":
        raise error_of(int(value["object"].get("code") or 500), value["object"])
    return WatchEvent(value["type"], value["object"])


def connect(target: str, *, threads: int = 32) -> Cluster:
    """The cluster that `target` names: `in-cluster`, `kubeconfig[:context]`, or `demo` (the kubeconfig named by
    SGPORTAL_DEMO_KUBECONFIG). Raises ClusterError where the configuration cannot be used."""
    return Cluster(target, threads)


__all__ = ["Applied", "Cluster", "ClusterError", "Listing", "WatchEvent", "connect"]
