"""What a user may do: what the rules of the roles say that are bound to the user (kubernetes.io/docs "Using RBAC
Authorization")."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..objects.errors import ApiError
from ..objects.store import Store
from ..objects.values import Object
from ..requests.request import Request, Target, verb_of
from .authorize import ACCOUNT, MASTERS, User, account

_GROUP = "rbac.authorization.k8s.io"
ROLES, CLUSTER_ROLES = f"roles.{_GROUP}", f"clusterroles.{_GROUP}"
BINDINGS, CLUSTER_BINDINGS = f"rolebindings.{_GROUP}", f"clusterrolebindings.{_GROUP}"
_ALL: Object = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "nonResourceURLs": ["*"]}


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody wants to do to a resource (with its subresource, as `pods/log`), or to a path that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def acts_of(request: Request, target: Target | None) -> Iterator[Act]:
    """What a request does; who asks for a WebSocket to a container has to be allowed to create that, too."""
    act = act_of(request, target)
    yield act
    if request.upgrades and act.resource in ("pods/exec", "pods/attach", "pods/portforward"):
        yield replace(act, verb="create")


def act_of(request: Request, target: Target | None) -> Act:
    """What a request does."""
    if target is None:
        parts = request.path.strip("/").split("/")
        if parts[0] == "apis" and len(parts) == 4:  # a review, or a resource that is none
            return Act(verb_of(request, None), parts[1], parts[3])
        return Act(verb_of(request, None), path=request.path)
    resource = "/".join(filter(None, (target.kind.plural, target.subresource)))
    return Act(verb_of(request, target), target.kind.group, resource, target.namespace, target.name)


def may(store: Store, user: User, act: Act) -> bool:
    """Whether a user may do that."""
    return any(_allows(rule, act) for rule in rules(store, user, act.namespace))


def check(store: Store, user: User, act: Act) -> None:
    """Raise 403 where a user may not do that."""
    if may(store, user, act):
        return
    if act.path:
        raise ApiError(403, f'forbidden: User "{user.name}" cannot {act.verb} path "{act.path}"')
    place = f'in the namespace "{act.namespace}"' if act.namespace else "at the cluster scope"
    plural = act.resource.partition("/")[0]
    what = f"{plural}.{act.group}" if act.group else plural
    named = f'{what} "{act.name}"' if act.name else what
    words = f'User "{user.name}" cannot {act.verb} resource "{act.resource}" in API group "{act.group}" {place}'
    details = {"name": act.name, "group": act.group, "kind": plural}
    raise ApiError(403, f"{named} is forbidden: {words}", details={key: each for key, each in details.items() if each})


def rules(store: Store, user: User, namespace: str) -> Iterator[Object]:
    """The rules that hold for a user in a namespace, or everywhere where it is ""."""
    if MASTERS in user.groups:
        yield _ALL
    for binding in store.each(CLUSTER_BINDINGS):
        if _bound(binding, user, ""):
            yield from _rules(store, binding["roleRef"], "")
    for binding in store.each(BINDINGS, namespace) if namespace else ():
        if _bound(binding, user, namespace):
            yield from _rules(store, binding["roleRef"], namespace)


def _bound(binding: Object, user: User, namespace: str) -> bool:
    return any(_is(subject, user, namespace) for subject in binding.get("subjects") or ())


def _is(subject: Object, user: User, namespace: str) -> bool:
    if subject["kind"] == "ServiceAccount":
        return user == account(subject.get("namespace") or namespace, subject["name"])
    return subject["name"] == user.name if subject["kind"] == "User" else subject["name"] in user.groups


def _rules(store: Store, reference: Object, namespace: str) -> Iterator[Object]:
    own = reference["kind"] == "Role"
    role = store.get(ROLES if own else CLUSTER_ROLES, namespace if own else "", reference["name"])
    yield from (role or {}).get("rules") or ()


def _allows(rule: Object, act: Act) -> bool:
    if not {"*", act.verb} & set(rule.get("verbs") or ()):
        return False
    if act.path:
        patterns = rule.get("nonResourceURLs") or ()
        return any(each == act.path or (each[-1:] == "*" and act.path.startswith(each[:-1])) for each in patterns)
    if not {"*", act.group} & set(rule.get("apiGroups") or ()):
        return False
    subresource = act.resource.partition("/")[2]
    wanted = {"*", act.resource, f"*/{subresource}"} if subresource else {"*", act.resource}
    names = rule.get("resourceNames") or ()
    return bool(wanted & set(rule.get("resources") or ())) and (not names or act.name in names)


def impersonation(user: User) -> Act:
    """What somebody does who stands in for a user."""
    if user.name.startswith(f"{ACCOUNT}:"):
        *_, namespace, name = user.name.split(":")
        return Act("impersonate", "", "serviceaccounts", namespace, name)
    return Act("impersonate", "", "users", "", user.name)
