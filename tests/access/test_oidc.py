"""Log-in at a real OpenID Connect provider, over HTTP: who comes in, with which groups, and what is refused."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import oidc_provider_mock
import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from sgportal.access import oidc
from sgportal.models import ApiToken, AuditEvent, Grant, OidcIdentity
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def provider():
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(autouse=True)
def on(settings, provider):
    settings.SGPORTAL_OIDC_ISSUER = provider
    settings.SGPORTAL_OIDC_CLIENT_ID, settings.SGPORTAL_OIDC_CLIENT_SECRET = "portal", "secret"
    settings.SGPORTAL_OIDC_NAME = "Example SSO"
    settings.SGPORTAL_OIDC_SCOPES = "openid profile email"
    Grant.objects.create(group=Group.objects.create(name="oidc:ham-staff"), role="operator", namespaces="home")
    builders.a_grid("echo", "site", "home")
    builders.a_grid("foreign", "site", "away")
    builders.news()


def knows(provider: str, subject: str, name: str, *groups: str) -> None:
    claims = {"preferred_username": name, "groups": list(groups)}
    assert httpx.put(f"{provider}/users/{subject}", json=claims).status_code == 204


def browser() -> Client:
    return Client(headers={"host": "localhost"})


def sent_back(client: Client, subject: str, place: str = "/grids/") -> str:
    """Where the provider sends a browser whose person agreed, from the portal's page for log-in on."""
    page = client.get(f"/login/?next={place}")
    assert "Log in with Example SSO" in page.text
    there = client.get(re.search(r'href="(/oidc/[^"]*)"', page.text)[1])
    assert there.status_code == 302
    return httpx.post(there["Location"], data={"sub": subject}).headers["Location"]


def log_in(provider: str, subject: str, name: str, *groups: str) -> Client:
    knows(provider, subject, name, *groups)
    client = browser()
    back = client.get(sent_back(client, subject))
    assert (back.status_code, back["Location"]) == (302, "/grids/")
    return client


def changed(url: str, **asked: str) -> str:
    parts = urlsplit(url)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    return urlunsplit(parts._replace(query=urlencode({**query, **asked})))


def test_a_person_comes_in_with_the_scope_of_their_groups(provider, settings):
    client = log_in(provider, "s1", "sam", "ham-staff", "admin")
    assert client.get("/api/v1/me").json()["role"] == "operator"  # a provider's group “admin” is none of ours
    assert client.get("/grids/deploymentgrids/home/echo/").status_code == 200
    assert client.get("/grids/deploymentgrids/away/foreign/").status_code == 404
    assert "foreign" not in client.get("/grids/").text
    assert client.session.get_expiry_age() <= settings.SGPORTAL_OIDC_SESSION_SECONDS
    user = User.objects.get(username="oidc:sam")
    assert not user.has_usable_password()
    assert AuditEvent.objects.filter(verb="log-in", actor="oidc:sam", door="oidc").count() == 1


def test_who_left_a_group_has_its_role_no_more_from_the_next_log_in_on(provider, django_capture_on_commit_callbacks):
    first = log_in(provider, "s2", "tom", "ham-staff")
    ApiToken.issue(User.objects.get(username="oidc:tom"), "ci", "write")
    with django_capture_on_commit_callbacks(execute=True):
        second = log_in(provider, "s2", "tom")
    assert second.get("/api/v1/me").status_code in (401, 403)
    assert first.get("/api/v1/me").status_code in (401, 403)
    assert not ApiToken.objects.exists()


def test_a_token_ends_where_its_owner_was_not_seen_for_long(provider, settings):
    log_in(provider, "s3", "ute", "ham-staff")
    _, text = ApiToken.issue(User.objects.get(username="oidc:ute"), "ci", "write")
    theirs = Client(headers={"host": "localhost", "Authorization": f"Bearer {text}"})
    assert theirs.get("/api/v1/me").status_code == 200
    OidcIdentity.objects.update(seen_at=timezone.now() - timedelta(days=settings.SGPORTAL_OIDC_TOKEN_DAYS, minutes=1))
    assert theirs.get("/api/v1/me").status_code == 401


def test_the_request_carries_state_nonce_and_a_challenge(provider):
    client = browser()
    asked = parse_qs(urlsplit(client.get("/oidc/")["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[each][0]) >= 16 for each in ("state", "nonce", "code_challenge"))
    assert asked["redirect_uri"] == ["http://localhost/oidc/callback/"]


def test_whoever_asks_for_the_way_there_leaves_nothing_in_the_database(provider):
    for _ in range(3):
        assert browser().get("/oidc/?next=/grids/").status_code == 302
    client = browser()
    answer = client.get(f"/oidc/?next=/{'é' * 3000}")
    assert answer.status_code == 302
    assert len(answer.cookies["sgportal_oidc"].value) < 4000
    assert not Session.objects.exists()
    assert "sessionid" not in client.cookies


def test_log_ins_begun_side_by_side_in_one_browser_both_end(provider):
    knows(provider, "s11", "ivy", "ham-staff")
    client = browser()
    first, second = sent_back(client, "s11", "/nodes/"), sent_back(client, "s11", "/grids/")
    assert [client.get(back)["Location"] for back in (first, second, second)] == ["/grids/", "/grids/", "/login/"]


@pytest.mark.parametrize("change", [{"state": "another"}, {"code": "another"}, {"error": "access_denied"}])
def test_an_answer_that_was_not_asked_for_lets_nobody_in(provider, change):
    knows(provider, "s4", "vic", "ham-staff")
    client = browser()
    answer = client.get(changed(sent_back(client, "s4"), **change))
    assert answer["Location"] == "/login/"
    assert "Single sign-on failed" in client.get("/login/").text
    assert not User.objects.filter(username="oidc:vic").exists()


def test_an_answer_belongs_to_the_browser_that_asked_and_holds_once(provider):
    knows(provider, "s5", "wim", "ham-staff")
    client = browser()
    back = sent_back(client, "s5")
    assert browser().get(back)["Location"] == "/login/"
    assert client.get(back)["Location"] == "/grids/"
    client.logout()
    assert client.get(back)["Location"] == "/login/"


def test_nobody_comes_in_by_the_name_of_another(provider):
    log_in(provider, "s6", "xia", "ham-staff")
    knows(provider, "s7", "xia", "ham-staff")
    client = browser()
    assert client.get(sent_back(client, "s7"))["Location"] == "/login/"
    assert OidcIdentity.objects.count() == 1


def test_who_was_deactivated_stays_out(provider):
    log_in(provider, "s8", "yan", "ham-staff")
    User.objects.filter(username="oidc:yan").update(is_active=False)
    client = browser()
    assert client.get(sent_back(client, "s8"))["Location"] == "/login/"


def test_an_administrator_deactivates_a_user_of_the_provider(provider):
    client = log_in(provider, "s10", "uma", "ham-staff")
    user = User.objects.get(username="oidc:uma")
    admin = browser()
    admin.force_login(builders.a_person("ada", "admin"))
    page = f"/admin/auth/user/{user.pk}/change/"
    assert admin.post(page, {"role": ""}).status_code == 302  # `is_active` is not ticked
    user.refresh_from_db()
    assert (user.is_active, user.username) == (False, "oidc:uma")
    assert client.get("/grids/").status_code == 302


def test_a_session_ends_in_time_whatever_is_asked_in_it(provider, settings):
    client = log_in(provider, "s11", "tom", "ham-staff")
    ends = Session.objects.get(pk=client.session.session_key).expire_date
    assert timedelta(0) < ends - timezone.now() <= timedelta(seconds=settings.SGPORTAL_OIDC_SESSION_SECONDS)
    assert client.get("/oidc/?next=/grids/").status_code == 302  # which saves the session
    assert Session.objects.get(pk=client.session.session_key).expire_date == ends


def test_failures_are_counted_as_those_of_passwords_are(provider):
    client = browser()
    for _ in range(30):
        assert client.get("/oidc/callback/?error=x%0Ay").status_code == 302
    verbs = list(AuditEvent.objects.values_list("verb", flat=True))
    assert 0 < verbs.count("login-failed") < 30
    assert verbs.count("login-refused") == 1


def test_a_place_elsewhere_is_not_gone_to(provider):
    knows(provider, "s9", "zoe", "ham-staff")
    client = browser()
    assert client.get(sent_back(client, "s9", "https://elsewhere.example/"))["Location"] == "/"


def test_local_users_log_in_while_the_provider_is_away(settings):
    settings.SGPORTAL_OIDC_ISSUER = "http://127.0.0.1:9"
    builders.a_person("ada")
    client = browser()
    assert client.get("/oidc/")["Location"] == "/login/"
    asked = {"username": "ada", "password": builders.PASSWORD}
    assert client.post("/login/", asked)["Location"] == "/"


def test_there_is_none_without_a_provider(settings):
    settings.SGPORTAL_OIDC_ISSUER = ""
    assert [browser().get(each).status_code for each in ("/oidc/", "/oidc/callback/")] == [404, 404]
    assert "/oidc/" not in browser().get("/login/").text


WHO = {"iss": "https://idp.example", "sub": "s9", "preferred_username": "una", "groups": ["ham-staff"]}


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({}, {"oidc:ham-staff"}),
        ({"groups": "ham-staff"}, {"oidc:ham-staff"}),
        ({"groups": [*map(str, range(499)), "ham-staff", None, 7, {}, "a\0b", "x" * 500]}, {"oidc:ham-staff"}),
        ({"groups": [*map(str, range(500)), "ham-staff"]}, set()),
        ({"groups": {"ham-staff": True}}, set()),
        ({"groups": None, "_claim_names": {"groups": "src1"}}, set()),
        ({"groups": 7}, set()),
    ],
)
@pytest.mark.django_db
def test_of_a_claim_of_groups_only_names_in_a_list_count(claims, groups):
    """A provider leaves it out where there are too many, and may say anything."""
    oidc.take_in(WHO)
    user = oidc.take_in(WHO | claims)
    assert set(user.groups.values_list("name", flat=True)) == groups
    renamed = oidc.take_in(WHO | {"preferred_username": "somebody-else", "email": "new@example.com"})
    assert renamed == user, "who somebody is does not depend on names or addresses"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"sub": each} for each in (None, "", 7, "x" * 300, "a\0", ["s9"])),
        {"iss": ["https://idp.example"]},
        *({"preferred_username": each} for each in ("una\0", "x" * 200, "", 7)),
    ],
)
@pytest.mark.django_db
def test_whoever_has_no_proper_identity_does_not_come_in(wrong):
    with pytest.raises(oidc.NotTaken):
        oidc.take_in(WHO | wrong)
    assert not User.objects.exists()
