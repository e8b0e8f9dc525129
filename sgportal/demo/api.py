"""From a request to an answer."""

import re
from typing import Any

import orjson
import yaml

from . import discovery
from .errors import ApiError
from .faults import Faults
from .kinds import Kinds
from .reading import list_objects, shown, watch_objects
from .requests import Request, Response, Target, target_of
from .scopes import scale_of
from .store import Store
from .values import Object, now
from .writing import APPLY, Writer

MAX_BODY = 3 * 1024 * 1024
_NOT_DONE = {"exec", "attach", "portforward", "proxy", "ephemeralcontainers", "resize", "token", "approval"}


class _JsonLoader(yaml.CSafeLoader):
    """YAML as the API server reads it: what looks like a time is a string, and a bare y or n is true or false."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_JsonLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
_JsonLoader.bool_values = {**yaml.CSafeLoader.bool_values, "y": True, "n": False}


class Api:
    """The API server's logic, without the wire."""

    def __init__(self, store: Store, kinds: Kinds, faults: Faults) -> None:
        self.store = store
        self.kinds = kinds
        self.faults = faults
        self.writer = Writer(store, kinds)

    def handle(self, request: Request) -> Response:
        """The answer to a request. Raises ApiError."""
        if request.path in ("/healthz", "/livez", "/readyz"):
            return Response(200, b"ok", "text/plain")
        if request.method == "GET" and (found := discovery.answer(request, self.kinds)):
            return found
        if request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            return Response.of({**_decode(request), "status": {"allowed": True}}, 201)
        target = target_of(request.path, self.kinds)
        if target is None:
            raise ApiError(404, "the server could not find the requested resource")
        if target.subresource:
            return self._subresource(target, request)
        return self._object(target, request) if target.name else self._collection(target, request)

    def _collection(self, target: Target, request: Request) -> Response:
        if request.method == "GET":
            if request.flag("watch"):
                return watch_objects(self.store, target, request, self.faults)
            return list_objects(self.store, target, request)
        if request.method == "POST":
            return self._answer(target, request, self.writer.create(target, _decode(request), request), 201)
        if request.method == "DELETE":
            return self._delete_collection(target, request)
        raise ApiError(405, "the server does not allow this method on the requested resource")

    def _object(self, target: Target, request: Request) -> Response:
        if request.method == "GET":
            if request.flag("watch"):
                one = Request(
                    request.method,
                    request.path,
                    {**request.query, "fieldSelector": f"metadata.name={target.name}"},
                    request.headers,
                )
                return watch_objects(self.store, target, one, self.faults)
            return self._answer(target, request, self.writer.existing(target))
        if request.method == "PUT":
            return self._answer(target, request, self.writer.replace(target, _decode(request), request))
        if request.method == "PATCH":
            body, created = self.writer.patch(target, request, _decode(request))
            return self._answer(target, request, body, 201 if created else 200)
        if request.method == "DELETE":
            return self._delete(target, request)
        raise ApiError(405, "the server does not allow this method on the requested resource")

    def _answer(self, target: Target, request: Request, body: Object, status: int = 200) -> Response:
        metadata = {"resourceVersion": body["metadata"].get("resourceVersion", "")}
        return Response.of(shown(target.kind, [body], request, metadata, single=True), status)

    def _delete(self, target: Target, request: Request) -> Response:
        body, gone = self.writer.delete(target, request, _options(request))
        if not gone:
            return self._answer(target, request, body)
        details = {
            "name": target.name,
            "group": target.kind.group,
            "kind": target.kind.plural,
            "uid": body["metadata"]["uid"],
        }
        return Response.of(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def _delete_collection(self, target: Target, request: Request) -> Response:
        options = _options(request)
        listing = orjson.loads(
            list_objects(
                self.store,
                target,
                Request("GET", request.path, {k: v for k, v in request.query.items() if k.endswith("Selector")}),
            ).body
        )
        for body in listing["items"]:
            one = Target(target.kind, body["metadata"].get("namespace", ""), body["metadata"]["name"], "")
            self.writer.delete(one, request, {**options, "preconditions": {"uid": body["metadata"]["uid"]}})
        return Response.of(listing)

    def _subresource(self, target: Target, request: Request) -> Response:
        if target.subresource in _NOT_DONE:
            raise ApiError(501, f"{target.kind.plural}/{target.subresource} is not done by the embedded cluster")
        if target.subresource not in target.kind.subresources:
            raise ApiError(404, "the server could not find the requested resource")
        if target.subresource == "log":
            return self._log(target)
        if target.subresource == "scale":
            return self._scale(target, request)
        if target.subresource == "eviction" and request.method == "POST":
            self.writer.delete(target, request, {})
            return Response.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)
        if target.subresource == "binding":
            raise ApiError(501, "pods/binding is not done by the embedded cluster")
        return self._object(target, request)

    def _log(self, target: Target) -> Response:
        body = self.writer.existing(target)
        lines = [
            f"{now()} {name} started on {body['spec'].get('nodeName', '')}\n"
            for name in (each["name"] for each in body["spec"]["containers"])
        ]
        return Response(200, "".join(lines).encode(), "text/plain")

    def _scale(self, target: Target, request: Request) -> Response:
        whole = Target(target.kind, target.namespace, target.name, "")
        live = self.writer.existing(whole)
        if request.method == "GET":
            return Response.of(scale_of(live))
        sent = _decode(request)
        replicas = (sent.get("spec") or {}).get("replicas")
        if not isinstance(replicas, int) or replicas < 0:
            raise ApiError(422, "spec.replicas: Invalid value: must be greater than or equal to 0")
        body = {**live, "spec": {**live["spec"], "replicas": replicas}, "metadata": dict(live["metadata"])}
        return Response.of(scale_of(self.writer.update(whole, live, body, request)))


def _options(request: Request) -> Any:
    """The DeleteOptions in a body, {} where there is none. Raises 400 for what is no object."""
    options = _decode(request) if request.body else {}
    if not isinstance(options, dict) or not isinstance(options.get("preconditions") or {}, dict):
        raise ApiError(400, "DeleteOptions must be an object")
    return options


def _decode(request: Request) -> Any:
    """The value in a body. Raises 400, 413 or 415."""
    if len(request.body) > MAX_BODY:
        raise ApiError(413, f"Request entity too large: limit is {MAX_BODY}", "RequestEntityTooLarge")
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if "protobuf" in media:
        raise ApiError(501, "protobuf bodies are not done by the embedded cluster; send JSON (kubectl create -f does)")
    try:
        if media in (APPLY, "application/yaml"):
            value = yaml.load(request.body, _JsonLoader)  # noqa: S506 - it is a CSafeLoader
            return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
        return orjson.loads(request.body)
    except (yaml.YAMLError, orjson.JSONEncodeError, ValueError) as error:
        raise ApiError(400, f"the object provided is unrecognized (must be of type JSON or YAML): {error}") from None
