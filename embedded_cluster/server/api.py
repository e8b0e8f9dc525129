"""From a request to an answer."""

import orjson

from ..access import rbac, reviews
from ..access.authorize import MASTERS, Tokens, User, account, impersonated
from ..admission.budgets import check_eviction
from ..discovery import groups as discovery
from ..kinds.served import SCALE, Kinds
from ..objects.errors import ApiError
from ..objects.store import Store
from ..objects.values import Object
from ..requests.bodies import check_media, decode, delete_options
from ..requests.request import Request, Response, Target, target_of
from . import kubelet, metrics
from .faults import Faults
from .reading import list_objects, shown, watch_objects
from .scale import scale_of, scaled
from .writing import Writer

_NOT_DONE = {"proxy", "resize", "approval", "binding"}


class Api:
    """The API server's logic, without the wire."""

    def __init__(self, store: Store, kinds: Kinds, faults: Faults, token: str) -> None:
        self.store = store
        self.tokens = Tokens(token)
        self.kinds = kinds
        self.faults = faults
        self.writer = Writer(store, kinds)

    def handle(self, request: Request, user: User) -> Response:
        """The answer to a user's request, with what it has to warn of. Raises ApiError."""
        response = self._handle(request, user)
        if request.warnings:
            texts = [each.replace("\\", "\\\\").replace('"', '\\"') for each in request.warnings]
            response.headers["Warning"] = ", ".join(f'299 - "{text}"' for text in texts)
        return response

    def _handle(self, request: Request, user: User) -> Response:
        if request.path in ("/healthz", "/livez", "/readyz"):
            checks = f"[+]ping ok\n{request.path[1:]} check passed\n" if "verbose" in request.query else "ok"
            return Response(200, checks.encode(), "text/plain")
        _check_accept(request)
        target = target_of(request.path, self.kinds)
        if someone := impersonated(request):
            rbac.check(self.store, user, rbac.impersonation(someone))
            user = someone
        if MASTERS not in user.groups:
            for act in rbac.acts_of(request, target):
                rbac.check(self.store, user, act)
        if found := reviews.answer(self.store, user, request):
            return found
        if request.method == "GET" and (found := discovery.answer(request, self.kinds)):
            return found
        if target is None:
            raise ApiError(404, "the server could not find the requested resource")
        check_media(request, target.kind)
        if target.kind.measured:
            return metrics.answer(self.store, target, request)
        if target.kind.deprecated:
            about = f"{target.kind.api_version} {target.kind.kind}"
            request.warnings.append(f"{about} is deprecated in {target.kind.deprecated}")
        if target.subresource:
            return self._subresource(target, request)
        return self._object(target, request) if target.name else self._collection(target, request)

    def _collection(self, target: Target, request: Request) -> Response:
        if request.method == "GET":
            if request.flag("watch"):
                return watch_objects(self.store, target, request, self.faults)
            return list_objects(self.store, target, request)
        if request.method == "POST":
            return self._answer(target, request, self.writer.create(target, decode(request), request), 201)
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
            return self._answer(target, request, self.writer.replace(target, decode(request), request))
        if request.method == "PATCH":
            body, created = self.writer.patch(target, request, decode(request))
            return self._answer(target, request, body, 201 if created else 200)
        if request.method == "DELETE":
            return self._delete(target, request)
        raise ApiError(405, "the server does not allow this method on the requested resource")

    def _answer(self, target: Target, request: Request, body: Object, status: int = 200) -> Response:
        metadata = {"resourceVersion": body["metadata"].get("resourceVersion", "")}
        return Response.of(shown(target.kind, [body], request, metadata, single=True), status)

    def _delete(self, target: Target, request: Request) -> Response:
        options = delete_options(request)
        body, gone = self.writer.remover.delete(target, self.writer.existing(target), options)
        if not gone:
            return self._answer(target, request, body)
        group = {"group": target.kind.group} if target.kind.group else {}
        details = {"name": target.name, **group, "kind": target.kind.plural, "uid": body["metadata"]["uid"]}
        return Response.of(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def _delete_collection(self, target: Target, request: Request) -> Response:
        options = delete_options(request)
        listing = orjson.loads(
            list_objects(
                self.store,
                target,
                Request("GET", request.path, {k: v for k, v in request.query.items() if k.endswith("Selector")}),
            ).body
        )
        for body in listing["items"]:
            one = Target(target.kind, body["metadata"].get("namespace", ""), body["metadata"]["name"], "")
            live = self.writer.existing(one)
            self.writer.remover.delete(one, live, {**options, "preconditions": {"uid": live["metadata"]["uid"]}})
        return Response.of(listing)

    def _subresource(self, target: Target, request: Request) -> Response:
        if target.subresource in _NOT_DONE:
            raise ApiError(501, f"{target.kind.plural}/{target.subresource} is not done by the embedded cluster")
        if target.subresource not in target.kind.subresources:
            raise ApiError(404, "the server could not find the requested resource")
        if target.subresource == "log":
            return kubelet.log(self.store, self.writer.existing(target), request)
        if target.subresource == "exec":
            pod = self.writer.existing(target)
            if not request.upgrades:
                raise kubelet.spdy(pod, request)
            return kubelet.run(self.store, pod, request)
        if target.subresource in kubelet.STREAMS:
            raise kubelet.unreachable(self.store, self.writer.existing(target), target.subresource, request)
        if target.subresource == "scale":
            return self._scale(target, request)
        if target.subresource == "token":
            return self._issue(target, request)
        if target.subresource == "eviction" and request.method == "POST":
            return self._evict(target, request)
        return self._object(target, request)

    def _evict(self, target: Target, request: Request) -> Response:
        pod, sent = self.writer.existing(target), decode(request)
        wanted = (sent.get("deleteOptions") if isinstance(sent, dict) else None) or {}
        check_eviction(self.store, pod)
        self.writer.remover.delete(target, pod, {**wanted, **({"dryRun": ["All"]} if request.dry_run else {})})
        return Response.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)

    def _issue(self, target: Target, request: Request) -> Response:
        """A token for a ServiceAccount."""
        self.writer.existing(target)
        body = decode(request)
        seconds = (body.get("spec") or {}).get("expirationSeconds") or 3600
        status = self.tokens.issue(account(target.namespace, target.name), int(seconds))
        return Response.of({**body, "status": status}, 201)

    def _scale(self, target: Target, request: Request) -> Response:
        whole = Target(target.kind, target.namespace, target.name, "")
        live = self.writer.existing(whole)
        if request.method == "GET":
            return self._shown_scale(target, request, live)
        body = scaled(target.kind, live, decode(request))
        return self._shown_scale(target, request, self.writer.update(whole, live, body, request))

    def _shown_scale(self, target: Target, request: Request, body: Object) -> Response:
        scale = scale_of(target.kind, body)
        metadata = {"resourceVersion": scale["metadata"]["resourceVersion"]}
        return Response.of(shown(SCALE, [scale], request, metadata, single=True))


def _check_accept(request: Request) -> None:
    """Raise 406 where the caller takes no JSON."""
    taken = {each.partition(";")[0].strip() for each in request.accept.split(",")}
    if not taken & {"", "application/json", "application/*", "*/*"} and not request.path.startswith("/openapi"):
        raise ApiError(406, "406: Not Acceptable\n\nAvailable representations: application/json")
