"""Get, list and watch."""

import base64
from collections.abc import Callable
from typing import Any

import orjson

from ..kinds.conversion import from_stored
from ..kinds.served import Kind
from ..objects.errors import ApiError
from ..objects.selectors import Test, field_test, label_test
from ..objects.store import Change, Store
from ..objects.values import Object
from ..requests.request import Request, Response, Target, bad_option
from ..tables.render import table
from .watching import Watch, bookmark

BOOKMARK_SECONDS = 2.0
DEFAULT_WATCH_SECONDS = 1800
Shape = Callable[[Object], Any]


def _wants(accept: str, form: str) -> bool:
    first = accept.split(",")[0]
    return f"as={form}" in first.replace(" ", "")


def _metadata_only(body: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def shown(kind: Kind, bodies: list[Object], request: Request, list_metadata: Object, single: bool) -> Any:
    """Objects in the form the caller accepts: whole, as a Table, or as metadata only."""
    bodies = [from_stored(kind, body) for body in bodies]
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
    """A page of a collection; later pages show what the first one saw. Raises 400 for a bad continue token, 410 for a
    forgotten resourceVersion, 504 for one that is yet to come."""
    kind, limit = target.kind, request.number("limit")
    version, after = _version_of_list(store, request)
    try:
        objects = store.at(kind.key, version)
    except ApiError as error:
        raise _go_on(error, store, after) if after else error from None
    test = _tests(kind, request, target)
    places = sorted(
        place
        for place in objects
        if (after is None or place > after) and (not target.namespace or place[0] == target.namespace)
    )
    bodies: list[Object] = []
    metadata: Object = {"resourceVersion": str(version)}
    for index, place in enumerate(places):
        if limit and len(bodies) == limit:  # full, whatever the selector says of the rest: the last page may be empty
            metadata["continue"] = _token(version, places[index - 1])
            if not request.query.get("labelSelector") and not request.query.get("fieldSelector"):
                metadata["remainingItemCount"] = len(places) - index
            break
        if test(objects[place]):
            bodies.append(objects[place])
    return Response.of(shown(kind, bodies, request, metadata, single=False))


def _version_of_list(store: Store, request: Request) -> tuple[int, tuple[str, str] | None]:
    """The resourceVersion that a list is to show, and the place after which it goes on."""
    if token := request.query.get("continue"):
        return _read_token(token)
    asked, match = request.number("resourceVersion"), request.query.get("resourceVersionMatch", "")
    given = request.query.get("resourceVersion", "")
    if match and (match not in ("Exact", "NotOlderThan") or not given or (match, given) == ("Exact", "0")):
        wrong = f'Forbidden: resourceVersionMatch "{match}" is forbidden for resourceVersion "{given}"'
        raise bad_option(request, "resourceVersionMatch", wrong)
    if asked > store.version:
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version", "field": ""}]
        raise ApiError(
            504, f"Too large resource version: {asked}, current: {store.version}", "Timeout", causes, retry_after=1
        )
    return (asked if match == "Exact" else store.version), None


def _go_on(error: ApiError, store: Store, after: tuple[str, str]) -> ApiError:
    """The 410 for a place in a list, with the place in the list as it is now."""
    words = "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    words += "without the continue parameter, or use the continue token in this response"
    return ApiError(error.code, words, metadata={"continue": _token(store.version, after)})


def _token(version: int, place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([version, *place])).decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise ApiError(400, "continue key is not valid") from None
    return int(version), (namespace, name)


def watch_objects(store: Store, target: Target, request: Request, faults: Any) -> Response:
    """A stream of changes since a resourceVersion; of one that is forgotten, an ERROR event that says 410."""
    kind, start = target.kind, request.query.get("resourceVersion", "")
    _check_initial_events(request)
    test = _tests(kind, request, target)
    watch = Watch(
        store,
        kind,
        faults,
        _encoder(kind, request, test),
        float(request.number("timeoutSeconds") or DEFAULT_WATCH_SECONDS),
        request.flag("allowWatchBookmarks"),
        BOOKMARK_SECONDS,
    )
    if start in ("", "0") or request.flag("sendInitialEvents"):
        watch.begin([Change(store.version, "ADDED", kind.key, body, None) for body in store.each(kind.key)])
        if request.flag("sendInitialEvents") and watch.bookmarks:
            watch.say(bookmark(kind, store.version, initial_events_end=True))
    else:
        try:
            watch.begin(store.since(kind.key, request.number("resourceVersion")))
        except ApiError as error:
            # A version that is too old is the stream's first and only event, as the API server's watch cache has it.
            watch.say(orjson.dumps({"type": "ERROR", "object": error.status()}) + b"\n", last=True)
    return Response(200, headers={"Cache-Control": "no-cache, private"}, stream=watch.stream())


def _check_initial_events(request: Request) -> None:
    """Raise 422 unless initial events are asked for with what they need (KEP-3157), and that without them."""
    match, asked = request.query.get("resourceVersionMatch", ""), "sendInitialEvents" in request.query
    if match and not asked:
        words = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        raise bad_option(request, "resourceVersionMatch", words)
    if asked and match != "NotOlderThan":
        words = 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to "NotOlderThan"'
        raise bad_option(request, "resourceVersionMatch", words)


def _encoder(kind: Kind, request: Request, test: Test) -> Callable[[Change], bytes]:
    as_table = _wants(request.accept, "Table")
    partial = _wants(request.accept, "PartialObjectMetadata")

    def encode(change: Change) -> bytes:
        now_in = change.type != "DELETED" and test(change.body)
        was_in = change.before is not None and test(change.before)
        if not now_in and not was_in:
            return b""
        verb = ("MODIFIED" if was_in else "ADDED") if now_in else "DELETED"
        body = from_stored(kind, change.body if now_in or change.type == "DELETED" else change.left())
        if as_table:
            include = request.query.get("includeObject", "Metadata")
            shape: Any = table(kind, [body], {"resourceVersion": str(change.version)}, include)
        elif partial:
            shape = _metadata_only(body)
        else:
            whole = change.encoded() if body is change.body else orjson.dumps(body)
            return b'{"type":"' + verb.encode() + b'","object":' + whole + b"}\n"
        return orjson.dumps({"type": verb, "object": shape}) + b"\n"

    return encode
