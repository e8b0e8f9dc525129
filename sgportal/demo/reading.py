"""Get, list and watch."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson

from .errors import ApiError
from .kinds import Kind
from .requests import Request, Response, Target
from .selectors import Test, field_test, label_test
from .store import Change, Store
from .table import table
from .values import Object

BOOKMARK_SECONDS = 2.0
Shape = Callable[[Object], Any]


def _wants(accept: str, form: str) -> bool:
    first = accept.split(",")[0]
    return f"as={form}" in first.replace(" ", "")


def _metadata_only(body: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def shown(kind: Kind, bodies: list[Object], request: Request, list_metadata: Object, single: bool) -> Any:
    """Objects in the form the caller accepts: whole, as a Table, or as metadata only."""
    if _wants(request.accept, "Table"):
        return table(kind, bodies, list_metadata, request.query.get("includeObject", "Metadata"))
    partial = _wants(request.accept, "PartialObjectMetadata") or _wants(request.accept, "PartialObjectMetadataList")
    if single:
        return _metadata_only(bodies[0]) if partial else bodies[0]
    if partial:
        items: list[Any] = [_metadata_only(body) for body in bodies]
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": list_metadata,
            "items": items,
        }
    items = (
        [{k: v for k, v in body.items() if k not in ("apiVersion", "kind")} for body in bodies]
        if not kind.crd
        else bodies
    )
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": list_metadata, "items": items}


def _tests(kind: Kind, request: Request, target: Target) -> Test:
    labels = label_test(request.query.get("labelSelector", ""))
    fields = field_test(request.query.get("fieldSelector", ""), kind.kind)
    return lambda body: (
        (not target.namespace or body["metadata"].get("namespace") == target.namespace)
        and labels(body)
        and fields(body)
    )


def list_objects(store: Store, target: Target, request: Request) -> Response:
    """A page of a collection. Raises 400 for a bad continue token, 410 for a forgotten one."""
    kind, limit = target.kind, request.number("limit")
    version = store.version
    after: tuple[str, str] | None = None
    if token := request.query.get("continue"):
        version, after = _read_token(token)
        store.check_not_compacted(version)
    elif request.query.get("resourceVersionMatch") == "Exact":
        store.check_not_compacted(request.number("resourceVersion"))
    test = _tests(kind, request, target)
    places = sorted(place for place in store.objects.get(kind.key, {}) if after is None or place > after)
    bodies: list[Object] = []
    metadata: Object = {"resourceVersion": str(version)}
    for index, place in enumerate(places):
        body = store.objects[kind.key][place]
        if not test(body):
            continue
        if limit and len(bodies) == limit:
            metadata |= {
                "continue": _token(version, places[index - 1]),
                "remainingItemCount": sum(map(test, (store.objects[kind.key][each] for each in places[index:]))),
            }
            break
        bodies.append(body)
    return Response.of(shown(kind, bodies, request, metadata, single=False))


def _token(version: int, place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([version, *place])).decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise ApiError(400, "continue key is not valid") from None
    return int(version), (namespace, name)


def watch_objects(store: Store, target: Target, request: Request, faults: Any) -> Response:
    """A stream of changes since a resourceVersion. Raises 410 where it is forgotten."""
    kind, start = target.kind, request.query.get("resourceVersion", "")
    test = _tests(kind, request, target)
    queue: asyncio.Queue[Change | None] = asyncio.Queue()
    stop = store.listen(lambda change: queue.put_nowait(change) if change.key == kind.key else None)
    try:
        if start in ("", "0"):
            first = [Change(store.version, "ADDED", kind.key, body, None) for body in store.each(kind.key)]
        else:
            first = store.since(kind.key, request.number("resourceVersion"))
    except ApiError:
        stop()
        raise
    for change in first:
        queue.put_nowait(change)
    encode = _encoder(kind, request, test)
    seconds = float(request.number("timeoutSeconds") or 1800)
    bookmarks = request.flag("allowWatchBookmarks")
    stream = _stream(store, kind, queue, encode, seconds, bookmarks, stop, faults)
    return Response(200, headers={"Cache-Control": "no-cache, private"}, stream=stream)


def _encoder(kind: Kind, request: Request, test: Test) -> Callable[[Change], bytes]:
    as_table = _wants(request.accept, "Table")
    partial = _wants(request.accept, "PartialObjectMetadata")

    def encode(change: Change) -> bytes:
        now_in = change.type != "DELETED" and test(change.body)
        was_in = change.before is not None and test(change.before)
        if (change.type == "DELETED" and not was_in) or (not now_in and not was_in):
            return b""
        verb = ("MODIFIED" if was_in else "ADDED") if now_in else "DELETED"
        if as_table:
            shape: Any = table(kind, [change.body], {"resourceVersion": str(change.version)}, "Metadata")
            return orjson.dumps({"type": verb, "object": shape}) + b"\n"
        if partial:
            return orjson.dumps({"type": verb, "object": _metadata_only(change.body)}) + b"\n"
        return b'{"type":"' + verb.encode() + b'","object":' + change.encoded() + b"}\n"

    return encode


async def _stream(
    store: Store,
    kind: Kind,
    queue: "asyncio.Queue[Change | None]",
    encode: Callable[[Change], bytes],
    seconds: float,
    bookmarks: bool,
    stop: Callable[[], None],
    faults: Any,
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end, epoch = loop.time() + seconds, faults.watch_epoch
    try:
        while loop.time() < end and faults.watch_epoch == epoch:
            chunks = await _next_chunks(queue, encode, min(BOOKMARK_SECONDS, end - loop.time()))
            if faults.half_open:
                continue
            if chunks:
                yield b"".join(chunks)
            elif bookmarks and chunks is None:
                yield _bookmark(kind, store.version)
    finally:
        stop()


async def _next_chunks(
    queue: "asyncio.Queue[Change | None]", encode: Callable[[Change], bytes], wait: float
) -> list[bytes] | None:
    """What is waiting in the queue, encoded; None where nothing came in time."""
    try:
        change = await asyncio.wait_for(queue.get(), max(wait, 0.01))
    except TimeoutError:
        return None
    chunks = [encode(change)] if change else []
    while not queue.empty() and len(chunks) < 500:
        more = queue.get_nowait()
        if more:
            chunks.append(encode(more))
    return [chunk for chunk in chunks if chunk]


def _bookmark(kind: Kind, version: int) -> bytes:
    body = {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        "metadata": {"resourceVersion": str(version), "creationTimestamp": None},
    }
    return orjson.dumps({"type": "BOOKMARK", "object": body}) + b"\n"
