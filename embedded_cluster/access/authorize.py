"""Who asks: the holder of the cluster's token, a ServiceAccount with a token of its own, or whom one of these stands in
for (kubernetes.io/docs "Authenticating", "User impersonation")."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..objects.errors import ApiError
from ..objects.values import Object
from ..requests.request import Request

MASTERS, EVERYBODY, NOBODY = "system:masters", "system:authenticated", "system:unauthenticated"
OPEN = {"/healthz", "/livez", "/readyz", "/version"}
ACCOUNT = "system:serviceaccount"


@dataclass(frozen=True, slots=True)
class User:
    """A name and its groups."""

    name: str
    groups: tuple[str, ...] = (EVERYBODY,)

    def info(self) -> Object:
        """The UserInfo (authentication.k8s.io/v1)."""
        return {"username": self.name, "groups": list(self.groups)}


ADMIN = User("admin", (MASTERS, EVERYBODY))
ANONYMOUS = User("system:anonymous", (NOBODY,))


def account(namespace: str, name: str) -> User:
    """The user that a ServiceAccount is."""
    return User(f"{ACCOUNT}:{namespace}:{name}", (f"{ACCOUNT}s", f"{ACCOUNT}s:{namespace}", EVERYBODY))


class Tokens:
    """The cluster's token, and those issued to ServiceAccounts, which end with the process."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._issued: dict[str, tuple[User, datetime]] = {}

    def issue(self, user: User, seconds: int) -> Object:
        """A fresh token for a user: the status of a TokenRequest."""
        token, end = secrets.token_urlsafe(48), datetime.now(UTC) + timedelta(seconds=seconds)
        self._issued[token] = (user, end)
        return {"token": token, "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def user(self, request: Request) -> User:
        """Who sends a request. Raises 401 for a token that is none, 403 for an anonymous one."""
        if "authorization" not in request.headers:
            if request.path in OPEN:
                return ANONYMOUS
            raise ApiError(403, f'forbidden: User "system:anonymous" cannot use path "{request.path}"')
        sent = request.headers["authorization"].removeprefix("Bearer ").strip()
        if secrets.compare_digest(sent.encode(), self._token):
            return ADMIN
        user, end = self._issued.get(sent, (None, None))
        if user is None or end is None or end < datetime.now(UTC):
            raise ApiError(401, "Unauthorized")
        return user


def impersonated(request: Request) -> User | None:
    """Whom a request stands in for, None where nobody."""
    name = request.headers.get("impersonate-user")
    if name is None:
        return None
    if name.startswith(f"{ACCOUNT}:") and name.count(":") == 3:
        return account(*name.split(":")[2:])
    groups = request.headers.get("impersonate-group", "").split(",")
    return User(name, (*(each.strip() for each in groups if each), EVERYBODY))
