"""The second factor of local users: taken on, asked for at every form, braked, used once, reset, and required."""

import re
import time
from base64 import b32decode

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sgportal.access import second_factor
from sgportal.models import ApiToken, AuditEvent, OidcIdentity, SecondFactor
from tests import builders
from tests.dashboard.test_every_address import ROOT, patterns

from .conftest import FORMS, RIGHT, attempt
from .test_scopes import addresses

OWN, REMOVE, RENEW = (
    "/profile/second-factor/",
    "/profile/second-factor/remove/",
    "/profile/second-factor/recovery-codes/",
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch):
    """A clock of the test's own: a number of 30 seconds."""
    found = [int(time.time()) // 30]
    monkeypatch.setattr(second_factor, "_now", lambda: found[0] * 30 + 3)
    return found


def code_of(secret, now, later=0):
    return TOTP(b32decode(secret), 6, SHA1(), 30).generate((now[0] + later) * 30).decode()


def logged_in(name="ada"):
    client = Client(raise_request_exception=False)
    assert client.post("/login/", {"username": name, "password": RIGHT})["Location"] == "/"
    return client


def offer_of(client):
    page = client.get(OWN).text
    return re.search(r'id="key">([A-Z2-7]+)<', page)[1], re.search(r'name="offer" value="([^"]+)"', page)[1]


def take_on(client, now, **how):
    """Take a second factor on: the secret and the recovery codes."""
    secret, offer = offer_of(client)
    fields = {"offer": offer, "password": RIGHT, "code": code_of(secret, now)} | how
    page = client.post(OWN, fields).text
    found = re.search(r'id="codes"[^>]*>([^<]*)<', page)
    return secret, re.split(r"&#10;|\s", found[1].strip()) if found else page


def halfway(name="ada", form="/login/", password=RIGHT):
    """A browser in which the password was right."""
    client = Client()
    answer = attempt(name, password, client=client, form=form)
    assert answer["Location"] == "/login/code/", answer.text
    return client


def is_in(client):
    return client.get("/profile/").status_code == 200


def verbs():
    return list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))


@pytest.mark.parametrize("form", FORMS)
def test_the_password_alone_opens_nothing_and_a_code_opens_all(ada, now, form):
    secret, _ = take_on(logged_in(), now)
    now[0] += 1
    client = halfway(form=form)
    assert not is_in(client)
    assert client.get("/api/v1/nodes").status_code == 401
    assert client.get("/admin/").status_code == 302
    assert "wrong" in client.post("/login/code/", {"code": "000000"}).text
    assert not is_in(client)
    assert client.post("/login/code/", {"code": code_of(secret, now)})["Location"] == "/"
    assert is_in(client)
    assert client.session.get_expiry_age() > 3600
    assert verbs()[-2:] == ["login-failed", "log-in"]


def test_a_code_is_taken_once_and_none_before_it(ada, now):
    secret, _ = take_on(logged_in(), now)
    for later in (0, -1):
        assert "wrong" in halfway().post("/login/code/", {"code": code_of(secret, now, later)}).text
    assert halfway().post("/login/code/", {"code": code_of(secret, now, 1)}).status_code == 302
    assert "wrong" in halfway().post("/login/code/", {"code": code_of(secret, now, 1)}).text
    now[0] += 5
    for later in (-2, 2):
        assert "wrong" in halfway().post("/login/code/", {"code": code_of(secret, now, later)}).text
    for written in (code_of(secret, now, -1), code_of(secret, now)[:3] + " " + code_of(secret, now)[3:]):
        assert halfway().post("/login/code/", {"code": written}).status_code == 302


def test_a_recovery_code_works_once_however_it_is_typed(ada, now):
    _, codes = take_on(logged_in(), now)
    assert len(set(codes)) == 10
    for written in (codes[0], codes[1].upper().replace("-", " ")):
        assert halfway().post("/login/code/", {"code": written}).status_code == 302
        assert "wrong" in halfway().post("/login/code/", {"code": written}).text
    assert verbs().count("recovery-code-used") == 2
    assert len(SecondFactor.objects.get().recovery) == 8


def test_guessing_codes_is_braked_like_passwords_and_right_passwords_do_not_help(ada, now):
    secret, _ = take_on(logged_in(), now)
    now[0] += 1
    for _ in range(5):
        assert halfway().post("/login/code/", {"code": "000000"}, REMOTE_ADDR="203.0.113.9").status_code == 200
    client = halfway()
    refused = client.post("/login/code/", {"code": code_of(secret, now)}, REMOTE_ADDR="203.0.113.9")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert not is_in(client)
    elsewhere = client.post("/login/code/", {"code": code_of(secret, now)}, REMOTE_ADDR="198.51.100.7")
    assert elsewhere.status_code == 302
    assert verbs().count("login-refused") == 1


def test_wrong_codes_of_one_user_are_counted_together_whatever_the_addresses(ada, now):
    own = Client(raise_request_exception=False)
    own.post("/login/", {"username": "ada", "password": RIGHT})
    secret, _ = take_on(own, now)
    now[0] += 1
    stranger = halfway()
    answers = [
        stranger.post("/login/code/", {"code": "000000"}, REMOTE_ADDR=f"203.0.113.{number}") for number in range(12)
    ]
    assert [each.status_code for each in answers] == [200] * 10 + [429] * 2
    assert 300 < int(answers[-1]["Retry-After"]) <= 3600
    assert verbs().count("login-refused") == 1
    right = stranger.post("/login/code/", {"code": code_of(secret, now)}, REMOTE_ADDR="198.51.100.9")
    assert right.status_code == 429, "guessing right does not help then, wherever from"
    assert own.post(RENEW, {"code": code_of(secret, now)}).status_code == 200, "a session goes on"
    now[0] += 1
    own.post("/logout/")
    assert own.post("/login/", {"username": "ada", "password": RIGHT})["Location"] == "/login/code/"
    assert own.post("/login/code/", {"code": code_of(secret, now)}).status_code == 302, "a browser of the user's own"
    assert is_in(own)


def test_codes_that_are_guessed_in_a_session_are_counted_whatever_its_addresses(ada, now):
    own = logged_in()
    secret, _ = take_on(own, now)
    now[0] += 1
    answers = [own.post(REMOVE, {"code": "000000"}, REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(6)]
    assert answers == [200] * 5 + [429]
    assert halfway().post("/login/code/", {"code": code_of(secret, now)}, REMOTE_ADDR="198.51.100.9").status_code == 302


def test_the_second_step_ends_after_five_minutes_and_with_the_password(ada, now):
    secret, _ = take_on(logged_in(), now)
    late, changed, gone = halfway(), halfway(), halfway()
    ada.set_password("another long password")
    ada.save()
    assert changed.post("/login/code/", {"code": code_of(secret, now, 1)})["Location"] == "/login/"
    fresh = halfway(password="another long password")
    now[0] += 11
    for client in (late, fresh):
        assert client.post("/login/code/", {"code": code_of(secret, now)})["Location"] == "/login/"
        assert not is_in(client)
    ada.is_active = False
    ada.save()
    assert gone.post("/login/code/", {"code": code_of(secret, now)})["Location"] == "/login/"
    assert Client().post("/login/code/", {"code": code_of(secret, now)})["Location"] == "/login/"


def test_taking_on_asks_for_password_and_code_and_keeps_no_secret_in_the_open(ada, now):
    client = logged_in()
    for wrong in ({"password": "wrong"}, {"code": "000000"}, {"offer": "x"}, {"offer": offer_of(logged_in())[1] + "x"}):
        take_on(client, now, **wrong)
        assert not SecondFactor.objects.exists()
    builders.a_person("bo", "viewer")
    take_on(client, now, offer=offer_of(logged_in("bo"))[1])
    assert not SecondFactor.objects.exists()
    secret, codes = take_on(client, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, recovery FROM sgportal_secondfactor")
        kept = str(cursor.fetchall())
    page = client.get(OWN)
    for hidden in (secret, *codes):
        assert hidden not in kept
        assert hidden not in page.text
        assert hidden not in str(list(AuditEvent.objects.values()))
    assert page["Cache-Control"] == "no-store"
    first = SecondFactor.objects.get().secret
    client.post(OWN, {"offer": "x", "password": RIGHT, "code": "000000"})
    assert SecondFactor.objects.get().secret == first
    assert "second-factor-added" in verbs()


def test_sessions_from_before_end_and_tokens_go_on(ada, now):
    here, there = logged_in(), logged_in()
    text = ApiToken.issue(ada, "ci")[1]
    take_on(here, now)
    assert is_in(here)
    assert not is_in(there)
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_a_password_never_opens_the_rest_interface(ada):
    for text in ("Basic YWRhOmEgbG9uZyBlbm91Z2ggcGFzc3dvcmQ=", f"Bearer {RIGHT}"):
        assert Client().get("/api/v1/nodes", headers={"Authorization": text}).status_code == 401


def test_removing_and_renewing_need_a_code(ada, now):
    client = logged_in()
    secret, codes = take_on(client, now)
    for address in (REMOVE, RENEW):
        assert "wrong" in client.post(address, {"code": "000000"}).text
    page = client.post(RENEW, {"code": codes[0]}).text
    assert 'id="codes"' in page
    assert codes[1] not in page
    assert "wrong" in client.post(REMOVE, {"code": codes[1]}).text
    now[0] += 1
    assert client.post(REMOVE, {"code": code_of(secret, now)})["Location"] == "/profile/"
    assert not SecondFactor.objects.exists()
    assert logged_in()
    assert {"recovery-codes-renewed", "second-factor-removed"} <= set(verbs())


def test_a_session_that_takes_one_on_gets_another_key(ada, now):
    client = logged_in()
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert is_in(stolen)
    take_on(client, now)
    assert (is_in(client), is_in(stolen)) == (True, False)


def test_removing_it_ends_the_other_sessions_that_began_with_it(ada, now):
    client = logged_in()
    secret, _ = take_on(client, now)
    other = halfway()
    now[0] += 3
    other.post("/login/code/", {"code": code_of(secret, now)})
    assert is_in(other)
    now[0] += 3
    client.post(REMOVE, {"code": code_of(secret, now)})
    assert (is_in(client), is_in(other)) == (True, False)


def change(client, person, **fields):
    form = client.get(f"/admin/auth/user/{person.pk}/change/").context["adminform"].form
    values = {name: value for name, value in form.initial.items() if isinstance(value, str)}
    values |= {"role": form.fields["role"].initial, "is_active": "on"} | fields
    return client.post(f"/admin/auth/user/{person.pk}/change/", values)


def test_an_admin_resets_anothers_and_nobody_their_own(ada, now):
    bo = builders.a_person("bo", "viewer")
    theirs, mine = logged_in("bo"), logged_in()
    take_on(theirs, now)
    take_on(mine, now)
    change(mine, bo)
    change(mine, ada, reset_second_factor="on")
    assert set(SecondFactor.objects.values_list("user__username", flat=True)) == {"ada", "bo"}
    assert change(mine, bo, reset_second_factor="on").status_code == 302
    assert SecondFactor.objects.get().user == ada
    assert not is_in(theirs)
    entry = AuditEvent.objects.get(verb="second-factor-reset")
    assert (entry.actor, entry.door, entry.path, entry.kind) == ("ada", "admin", "users/bo", "access")
    assert logged_in("bo")


def test_a_command_resets_it_where_nobody_else_can(ada, now):
    client = logged_in()
    take_on(client, now)
    call_command("resetsecondfactor", "ada")
    assert not is_in(client)
    assert logged_in()
    for name in ("ada", "nobody"):
        with pytest.raises(CommandError):
            call_command("resetsecondfactor", name)
    assert verbs().count("second-factor-reset") == 1


def test_without_the_key_recovery_codes_still_work_and_with_the_old_one_codes_do(ada, now, settings):
    secret, codes = take_on(logged_in(), now)
    now[0] += 1
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 5
    assert "wrong" in halfway().post("/login/code/", {"code": code_of(secret, now)}).text
    assert halfway().post("/login/code/", {"code": codes[0]}).status_code == 302
    settings.SECRET_KEY_FALLBACKS = [before]
    assert halfway().post("/login/code/", {"code": code_of(secret, now)}).status_code == 302


OPEN = ("/login", "/logout/", "/preferences/", "/oidc/", OWN, "/healthz", "/readyz", "/api/v1/schema")


@pytest.mark.parametrize("asked", ["admins", "everyone"])
def test_where_it_is_required_no_address_opens_without_it(settings, asked):
    settings.SGPORTAL_SECOND_FACTOR = asked
    builders.a_person("ada")
    client = logged_in()
    wrong = []
    assert len(list(patterns(ROOT))) > 100
    for address in sorted({*addresses(), "/admin/", "/admin/auth/user/"}):
        for method in (client.get, client.post) if not address.startswith(OPEN) else ():
            answer = method(address)
            led = answer.status_code == 302 and answer["Location"].startswith((OWN, "/admin/login/"))
            if not led and answer.status_code not in (401, 403, 404, 405):
                wrong.append((address, method.__name__, answer.status_code))
    assert wrong == []
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == OWN
    said = client.get("/api/v1/nodes", headers={"Accept-Language": "en"})
    assert "second factor" in said.json()["detail"]


def test_who_must_have_one_is_led_to_it_and_goes_on(ada, now, settings):
    settings.SGPORTAL_SECOND_FACTOR = "admins"
    builders.a_person("vic", "viewer")
    assert is_in(logged_in("vic"))
    client = logged_in()
    assert client.get("/nodes/")["Location"] == OWN
    secret, _ = take_on(client, now)
    assert client.get("/nodes/").status_code == 200
    now[0] += 1
    client.post(REMOVE, {"code": code_of(secret, now)})
    assert SecondFactor.objects.exists()
    again = halfway()
    again.post("/login/code/", {"code": code_of(secret, now)})
    assert again.get("/nodes/").status_code == 200
    call_command("resetsecondfactor", "ada")
    assert logged_in().get("/nodes/")["Location"] == OWN


@pytest.mark.parametrize("address", ["/nodes/", "/api/v1/me"])
def test_what_somebody_may_do_is_read_once_for_each_request(ada, settings, address):
    settings.SGPORTAL_SECOND_FACTOR = "admins"
    builders.a_person("vic", "viewer")
    client = logged_in("vic")
    with CaptureQueriesContext(connection) as made:
        assert client.get(address).status_code == 200
    assert sum("sgportal_grant" in each["sql"] for each in made) == 1


def test_whom_a_provider_knows_has_none_here_but_no_password_gets_round_it(ada, settings):
    user = builders.a_person("oidc:kim", "viewer")
    OidcIdentity.objects.create(user=user, issuer="https://sso.example", subject="1")
    settings.SGPORTAL_SECOND_FACTOR = "everyone"
    assert logged_in("oidc:kim").get("/nodes/")["Location"] == OWN
    user.set_unusable_password()
    user.save()
    client = Client()
    client.force_login(user)
    assert client.get(OWN).status_code == 404
    assert client.get("/nodes/").status_code == 200, "a session of before an upgrade, which does not say how it began"
    assert client.get("/api/v1/me").status_code == 200
    assert OWN not in client.get("/profile/").text
