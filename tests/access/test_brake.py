"""The brake on log-ins: it slows down who guesses, and locks out nobody else."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from sgportal.access import brake
from sgportal.core.addresses import read_networks
from sgportal.models import AuditEvent, LogInCount

from .. import builders
from .conftest import FORMS, RIGHT, attempt, fail

MINE, THEIRS = "198.51.100.7", "203.0.113.9"
LET_IN, WRONG, WAIT = 302, 200, 429


def later(**time):
    for row in LogInCount.objects.all():
        LogInCount.objects.filter(pk=row.pk).update(expires_at=row.expires_at - timedelta(**time))


def besiege(name="ada", addresses=30):
    for number in range(addresses):
        attempt(name, address=f"192.0.2.{number}")


@pytest.mark.parametrize("form", FORMS)
def test_the_sixth_wrong_password_waits(ada, form):
    assert fail(5, form=form).status_code == WRONG
    answer = attempt(form=form)
    assert answer.status_code == WAIT
    assert 0 < int(answer["Retry-After"]) <= 300
    assert "Wait 5 minutes" in answer.content.decode()
    assert attempt(password=RIGHT, form=form).status_code == WAIT, "guessing right does not help while one must wait"


def test_the_forms_count_together(ada):
    fail(3, form=FORMS[0])
    fail(2, form=FORMS[1])
    assert attempt(form=FORMS[0]).status_code == WAIT
    assert attempt(form=FORMS[1], password=RIGHT).status_code == WAIT


def test_nobody_else_is_locked_out(ada):
    builders.a_person("bo", "viewer")
    fail(50)
    assert attempt("bo", RIGHT).status_code == LET_IN, "another user, from the same address"
    assert attempt(password=RIGHT, address=MINE).status_code == LET_IN, "the same user, from another address"


def test_a_browser_known_to_the_user_is_not_held_up_by_its_neighbours(ada):
    """Behind one proxy or one company's address everybody has the same."""
    browser = Client()
    assert attempt(password=RIGHT, client=browser).status_code == LET_IN
    browser.post("/logout/")
    fail(50)
    assert attempt().status_code == WAIT
    assert attempt(password=RIGHT, client=browser).status_code == LET_IN


def test_a_known_browser_has_a_brake_of_its_own(ada):
    browser = Client()
    attempt(password=RIGHT, client=browser)
    browser.post("/logout/")
    assert fail(5, client=browser, address=MINE).status_code == WRONG
    assert attempt(password=RIGHT, client=browser, address=THEIRS).status_code == WAIT, "whatever its address"
    assert attempt(password=RIGHT, address=MINE).status_code == LET_IN


def test_a_browser_is_known_to_those_only_who_logged_in_with_it(ada):
    builders.a_person("eve", "viewer")
    browser = Client()
    attempt("eve", RIGHT, client=browser)
    browser.post("/logout/")
    fail(5, client=browser)
    assert attempt(password=RIGHT).status_code == WAIT, "Eve's browser counted as her address does"


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "W10:1abc:def", "é" * 50])
def test_a_made_up_cookie_helps_nobody(ada, cookie):
    fail(5)
    browser = Client()
    browser.cookies["device"] = cookie
    assert attempt(client=browser).status_code == WAIT


def test_guessing_from_everywhere_is_slow(ada):
    """From the 21st failure on each stranger has one try in 15 minutes, not five in five."""
    besiege()
    answers = [attempt(address="198.51.100.99").status_code for _ in range(3)]
    assert answers == [WRONG, WAIT, WAIT]
    later(minutes=6)
    assert attempt(address="198.51.100.99").status_code == WAIT
    later(minutes=10)
    assert attempt(address="198.51.100.99").status_code == WRONG


def test_guessing_from_everywhere_locks_out_nobody(ada):
    known = Client()
    attempt(password=RIGHT, client=known)
    known.post("/logout/")
    attempt(password=RIGHT, address=MINE)
    besiege()
    assert attempt(password=RIGHT, address="198.51.100.77").status_code == LET_IN, "a new address, the right password"
    assert fail(4, client=known, address="198.51.100.78").status_code == WRONG
    assert attempt(password=RIGHT, client=known, address="198.51.100.78").status_code == LET_IN, "a known browser"
    assert fail(4, address=MINE).status_code == WRONG
    assert attempt(password=RIGHT, address=MINE).status_code == LET_IN, "a known address"


def test_one_address_that_tries_all_names_waits_and_those_known_there_do_not(ada):
    attempt(password=RIGHT)
    for number in range(100):
        attempt(f"user{number}")
    builders.a_person("bo", "viewer")
    assert attempt("bo", RIGHT).status_code == WAIT
    assert attempt(password=RIGHT).status_code == LET_IN
    assert attempt("bo", RIGHT, address=MINE).status_code == LET_IN


@pytest.mark.parametrize("name", ["ａｄａ", " ada ", "ａda", "ada\u3000"])
@pytest.mark.parametrize("form", FORMS)
def test_a_name_written_otherwise_is_the_same_name(ada, name, form):
    """Full-width letters and blanks: Django reads them as it reads the plain name, and so does the brake."""
    assert attempt(name, RIGHT, address=MINE, form=form).status_code == LET_IN, "it opens the same account"
    fail(5)
    assert attempt(name, RIGHT, form=form).status_code == WAIT
    later(minutes=6)
    fail(5, name=name, form=form)
    assert attempt(password=RIGHT).status_code == WAIT


def test_one_network_of_ipv6_is_one_client(ada):
    for number in range(5):
        attempt(address=f"2001:db8::{number}")
    assert attempt(password=RIGHT, address="2001:db8::ffff").status_code == WAIT
    assert attempt(password=RIGHT, address="2001:db8:0:1::1").status_code == LET_IN


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"])
def test_a_header_of_the_clients_own_changes_nothing(ada, header):
    for number in range(5):
        attempt(**{header: f"198.51.100.{number}"})
    assert attempt(password=RIGHT, **{header: "198.51.100.200"}).status_code == WAIT


def test_a_trusted_proxy_tells_clients_apart(ada, settings):
    settings.SGPORTAL_TRUSTED_PROXIES = read_networks(["10.0.0.1"])
    for_client = lambda address: {"address": "10.0.0.1", "X-Forwarded-For": f"1.1.1.1, {address}"}  # noqa: E731
    fail(5, **for_client(THEIRS))
    assert attempt(password=RIGHT, **for_client(THEIRS)).status_code == WAIT
    assert attempt(password=RIGHT, **for_client(MINE)).status_code == LET_IN
    assert set(AuditEvent.objects.values_list("address", flat=True)) == {THEIRS, MINE}


def test_a_proxy_that_is_not_trusted_is_named_in_the_log_once(ada, caplog):
    for _ in range(3):
        attempt(address="10.9.9.9", **{"X-Forwarded-For": MINE})
    assert caplog.text.count("X-Forwarded-For from 10.9.9.9 is not believed") == 1


def test_after_its_time_one_may_try_again(ada):
    fail(6)
    later(minutes=5)
    assert attempt(password=RIGHT).status_code == LET_IN


def test_success_is_no_failure_and_clears_ones_own(ada):
    for _ in range(7):
        assert attempt(password=RIGHT).status_code == LET_IN
    fail(4)
    assert attempt(password=RIGHT).status_code == LET_IN
    assert fail(4).status_code == WRONG
    assert attempt(password=RIGHT).status_code == LET_IN


def test_success_does_not_clear_what_others_failed(ada):
    besiege()
    before = max(LogInCount.objects.values_list("count", flat=True))
    attempt(password=RIGHT, address=MINE)
    assert max(LogInCount.objects.values_list("count", flat=True)) == before


def test_whatever_asks_django_for_a_password_is_braked(ada):
    """A form that is yet to be written, as long as it hands its request over."""
    request = RequestFactory().post("/new/", REMOTE_ADDR=THEIRS)
    for _ in range(5):
        assert authenticate(request, username="ada", password="wrong") is None
    assert authenticate(request, username="ada", password=RIGHT) is None
    assert request.braked.seconds > 0
    assert authenticate(None, username="ada", password=RIGHT) == ada, "a shell has no brake"


def test_no_name_is_kept_in_the_counters(ada):
    attempt("my secret password")
    assert "secret" not in str(list(LogInCount.objects.values()))


@pytest.mark.parametrize("name", ["", "\0", "x" * 9999, "华东", "'; DROP TABLE auth_user; --"])
def test_odd_names_do_no_harm(db, name):
    assert attempt(name).status_code == WRONG


def test_counters_are_forgotten_when_their_time_is_long_over(ada):
    fail(5)
    assert brake.forget_expired() == 0
    later(hours=2)
    assert brake.forget_expired() == 3
    assert not LogInCount.objects.exists()


def test_a_client_is_known_for_ninety_days(ada):
    attempt(password=RIGHT)
    until = LogInCount.objects.order_by("-expires_at").first().expires_at
    assert timedelta(days=89) < until - timezone.now() <= timedelta(days=90)


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_are_counted_before_any_is_answered():
    """Twenty at once, each in a thread with a connection of its own: five are looked at."""
    builders.a_person("ada")
    start, seen = threading.Barrier(20), []

    def guess():
        start.wait()
        try:
            brake.begin(RequestFactory().post("/login/", REMOTE_ADDR=THEIRS), "ada")
            seen.append("looked at")
        except brake.Braked:
            seen.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen.count("looked at"), seen.count("refused")) == (5, 15)
