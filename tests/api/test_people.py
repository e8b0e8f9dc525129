"""Who may do what, with which token, and what is left behind of it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from sgportal.api.urls import urlpatterns
from sgportal.core.addresses import read_networks
from sgportal.models import ApiToken, AuditEvent, Grid, ServiceToken

from . import builders
from .conftest import Api, pointers

pytestmark = pytest.mark.django_db
NAMES = {
    "namespace": "default",
    "name": "nothing",
    "key": "site",
    "unit": "a",
    "pk": "00000000-0000-0000-0000-000000000000",
}


def addresses():
    """Every address of the API, its view and the methods it takes."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        if view is None:
            continue
        route = str(pattern.pattern).replace("<int:pk>", "1")
        for name, value in NAMES.items():
            route = (
                route.replace(f"<str:{name}>", value).replace(f"<uuid:{name}>", value).replace(f"<path:{name}>", value)
            )
        for method in view.http_method_names:
            if method != "head" and hasattr(view, method):
                yield pytest.param(f"/api/v1/{route}", method.upper(), view, id=f"{method} {route}")


AT_ONCE = ("/events", "/crds", "/takeover")  # what asks the cluster at once; here there is none


@pytest.fixture(autouse=True)
def _logs(settings):
    settings.SGPORTAL_POD_LOGS = "viewer"  # by default nobody reads these
    settings.SGPORTAL_EXEC = "operator"


def least_role(view, method):
    if method == "GET":
        return getattr(view(), "read_role", "viewer")  # which may depend on a setting
    return getattr(view(), "write_role", "operator")


@pytest.fixture
def logged_in(people):
    """Somebody in a browser, whose script speaks to the API."""

    def session(name):
        api = Api()
        api.client.force_login(people[name])
        return api

    return session


def service(role):
    """Who calls with a token that is no person's."""
    ServiceToken.objects.all().delete()
    return Api(ServiceToken.issue("robot", role, 1)[1])


CAST = (("mallory", ""), ("vic", "viewer"), ("olga", "operator"), ("ada", "admin"))


@pytest.mark.parametrize(("path", "method", "view"), addresses())
def test_each_address_asks_who_calls(as_, logged_in, path, method, view):
    """Four roles, each with a session, with tokens that may write and only read, and with one that is no person's."""
    order = ["", "viewer", "operator", "admin"]
    needed, no_tokens = least_role(view, method), method in getattr(view, "sessions_only", ())
    assert Api()(method, path).status_code == 401
    for name, role in CAST:
        lesser = order.index(role) < order.index(needed)
        for caller, refused in (
            (logged_in(name), lesser),
            (as_(name), lesser or no_tokens),
            (as_(name, scope="read"), lesser or method != "GET"),
            *([(service(role), lesser or no_tokens or (role == "viewer" and method != "GET"))] if role else []),
        ):
            status = caller(method, path).status_code
            assert status != 401, name
            assert (status == 403) == refused, (name, status)
            assert status < 500 or (status == 503 and path.endswith(AT_ONCE)), (name, status)


@pytest.mark.parametrize(("path", "method", "view"), addresses())
def test_flags_of_djangos_own_lend_no_role(people, path, method, view):
    """Neither staff nor Django's permissions count; a superuser is an admin."""
    needed = least_role(view, method)
    vic = people["vic"]
    vic.is_staff = True
    vic.save()
    vic.user_permissions.set(Permission.objects.all())
    api = Api()
    api.client.force_login(vic)
    assert (api(method, path).status_code == 403) == (needed != "viewer")


def test_the_challenge_names_the_scheme(db):
    answer = Api().get("nodes")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer wrong", "Bearer sgp_a_b", "bearer sgp__x", "Bearer é"])
def test_a_wrong_token_opens_nothing(db, header):
    assert Api(**{"Authorization": header.encode().decode("latin-1")}).get("nodes").status_code == 401


def test_an_expired_token_opens_nothing(people):
    text = builders.token(people["olga"])
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Api(text).get("nodes").status_code == 401


def test_a_token_of_somebody_who_left_opens_nothing(people):
    text = builders.token(people["olga"])
    people["olga"].is_active = False
    people["olga"].save()
    assert Api(text).get("nodes").status_code == 401


def test_the_last_use_is_noted_once_a_minute(people, django_assert_num_queries):
    api = Api(builders.token(people["olga"]))
    api.get("me")
    first = ApiToken.objects.get().last_used_at
    assert first
    with django_assert_num_queries(2):  # the token with its user; the role
        api.get("me", Accept_Language="en")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    api.get("me")
    assert ApiToken.objects.get().last_used_at >= first


def test_a_session_writes_with_the_csrf_token_only(people):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["olga"])
    assert client.get("/api/v1/nodes").status_code == 200
    answer = client.post("/api/v1/apply", "[]", "application/json")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "the header X-CSRFToken is missing or wrong"
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/api/v1/apply", "[]", "application/json", headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 422


def test_me_says_who_calls(as_):
    assert as_("vic", scope="read").get("me", Accept_Language="en").json() == {
        "name": "vic",
        "role": "viewer",
        "scope": "read",
        "language": "en",
    }


def test_a_token_is_shown_once_and_can_be_revoked(logged_in):
    api = logged_in("vic")
    made = api.post("tokens", {"name": "script", "scope": "read", "days": 7})
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    text = made.json()["token"]
    assert Api(text).get("me").status_code == 200
    listed = api.get("tokens")
    assert text.encode() not in listed.content
    assert "script" in {each["name"] for each in listed.json()["items"]}
    assert api("DELETE", made["Location"]).status_code == 204
    assert Api(text).get("me").status_code == 401


@pytest.mark.parametrize("name", ["vic", "olga", "ada"])
@pytest.mark.parametrize("scope", ["read", "write"])
def test_a_token_makes_no_tokens(as_, name, scope):
    api = as_(name, scope)
    before = set(ApiToken.objects.values_list("pk", flat=True))
    answer = api.post("tokens", {"name": "more", "scope": "read"})
    assert answer.status_code == 403
    assert set(ApiToken.objects.values_list("pk", flat=True)) == before


def test_no_token_may_do_more_than_whoever_makes_it(logged_in):
    answer = logged_in("vic").post("tokens", {"name": "x", "scope": "write"})
    assert answer.status_code == 422
    assert list(pointers(answer)) == ["/scope"]
    assert not ApiToken.objects.exists()
    assert logged_in("mallory").post("tokens", {"name": "x", "scope": "read"}).status_code == 403
    for name, role in (("olga", "operator"), ("ada", "admin")):
        made = logged_in(name).post("tokens", {"name": "x", "scope": "write"}).json()
        assert (made["scope"], made["role"]) == ("write", role)


def test_tokens_leave_entries_in_the_audit_trail(logged_in, as_):
    made = logged_in("olga").post("tokens", {"name": "ci", "scope": "write", "days": 7})
    logged_in("ada")("DELETE", made["Location"])
    issued, revoked = AuditEvent.objects.order_by("pk")
    path = f"users/olga/tokens/{made.json()['prefix']}"
    assert (issued.kind, issued.actor, issued.verb, issued.path) == ("access", "olga", "token-issued", path)
    assert (revoked.actor, revoked.verb, revoked.path) == ("ada", "token-revoked", path)
    assert issued.after == revoked.before
    assert (issued.after["scope"], issued.after["role"]) == ("write", "operator")
    assert made.json()["token"] not in str(list(AuditEvent.objects.values()))
    assert issued.address == "127.0.0.1"


def test_writes_leave_the_address_they_came_from(as_, settings):
    settings.SGPORTAL_TRUSTED_PROXIES = read_networks(["127.0.0.1"])
    builders.walkthrough()
    as_("olga").post("deploymentgrids", builders.manifest(), X_Forwarded_For="198.51.100.7")
    assert AuditEvent.objects.get().address == "198.51.100.7"


def test_tokens_of_others_are_for_admins(as_, people):
    other = ApiToken.issue(people["olga"], "hers")[0]
    assert as_("vic")("DELETE", f"tokens/{other.pk}").status_code == 404
    assert {each["user"] for each in as_("vic").get("tokens").json()["items"]} == {"vic"}
    admin = as_("ada")
    assert {each["user"] for each in admin.get("tokens").json()["items"]} == {"ada", "olga", "vic"}
    assert admin("DELETE", f"tokens/{other.pk}").status_code == 204


def test_the_audit_trail_shows_writes_to_admins(as_):
    builders.walkthrough()
    as_("olga").post("deploymentgrids", builders.manifest())
    (entry,) = as_("ada").get("audit?actor=olga&path=deploymentgrids/default/echo").json()["items"]
    assert (entry["actor"], entry["door"], entry["verb"]) == ("olga", "rest", "create")
    assert entry["after"]["metadata"]["name"] == "echo"
    assert [step["verb"] for step in entry["plan"]["steps"]] == ["create", "create"]
    assert as_("ada").get("audit?actor=nobody").json()["items"] == []


def test_who_writes_too_often_is_asked_to_wait(as_, throttled):
    api = as_("olga")
    answers = [api.post("apply", []) for _ in range(3)]
    assert [each.status_code for each in answers] == [422, 422, 429]
    assert answers[-1]["Retry-After"]
    assert answers[-1]["Content-Type"] == "application/problem+json"
    assert api.get("nodes").status_code == 200


def test_other_methods_are_refused_with_those_that_are_not(api):
    answer = api("PUT", "nodes")
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD"}
    assert api("OPTIONS", "nodes").status_code == 405
    assert api("HEAD", "nodes").status_code == 200


def test_the_api_has_no_address_outside_its_own(db):
    assert get_resolver().resolve("/api/v1/nodes").func.cls.__module__ == "sgportal.api.nodes.views"
    assert not Grid.objects.exists()
    assert not AuditEvent.objects.exists()
