"""What is asked of an API server and stored nowhere: who am I, and what may I do (kubernetes.io/docs "Authorization",
"Checking API access")."""

from typing import Any

from ..objects.errors import ApiError
from ..objects.store import Store
from ..objects.values import Object
from ..requests.bodies import decode
from ..requests.request import Request, Response
from .authorize import EVERYBODY, User
from .rbac import Act, may, rules

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_MAY = "/apis/authorization.k8s.io/v1/"
SELF, RULES, OTHER = f"{_MAY}selfsubjectaccessreviews", f"{_MAY}selfsubjectrulesreviews", f"{_MAY}subjectaccessreviews"


def answer(store: Store, user: User, request: Request) -> Response | None:
    """The answer to a review, or None where the path is none's. Raises 400, 405."""
    if request.path not in (WHO, SELF, RULES, OTHER):
        return None
    if request.method != "POST":
        raise ApiError(405, "the server does not allow this method on the requested resource")
    body = decode(request)
    if not isinstance(body, dict):
        raise ApiError(400, "the object provided is unrecognized: a review is an object")
    return Response.of({**body, "status": _status(store, user, request.path, body.get("spec") or {})}, 201)


def _status(store: Store, user: User, path: str, spec: Object) -> Object:
    if path == WHO:
        return {"userInfo": user.info()}
    if path == RULES:
        return _listed(list(rules(store, user, spec.get("namespace") or "")))
    if path == OTHER:
        user = User(str(spec.get("user")), (*(spec.get("groups") or ()), EVERYBODY))
    return {"allowed": True} if may(store, user, _act(spec)) else {"allowed": False}


def _act(spec: Object) -> Act:
    about = spec.get("resourceAttributes")
    if about is None:
        about = spec.get("nonResourceAttributes") or {}
        return Act(about.get("verb", ""), path=about.get("path") or "/")
    resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
    place = about.get("namespace", ""), about.get("name", "")
    return Act(about.get("verb", ""), about.get("group", ""), resource, *place)


def _listed(found: list[Object]) -> Object:
    def part(*keys: str) -> list[Any]:
        return [{key: each[key] for key in ("verbs", *keys) if key in each} for each in found if keys[0] in each]

    resources, paths = part("resources", "apiGroups", "resourceNames"), part("nonResourceURLs")
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
