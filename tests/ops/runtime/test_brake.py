"""The brake on log-ins over two web processes that share nothing but their database, started as in production."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.services import free_port, wait_for

from .processes import Portal, command_of

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]
HOST = "portal.example"
RIGHT = "a long enough password"
PEOPLE = f"""
from django.contrib.auth.models import Group, User
for name in ("ada", "bo"):
    User.objects.create_user(name, password="{RIGHT}").groups.add(Group.objects.get(name="admin"))
"""
MINE, THEIRS = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def doors(postgres_server, tmp_path):
    """The addresses of two web processes behind a proxy on loopback."""
    settings = {
        "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
        "ALLOWED_HOSTS": HOST,
        "DATABASE_URL": postgres_server.url(),
        "SGPORTAL_TLS": "0",
        "SGPORTAL_STATIC_FROM_SOURCE": "1",
        "SGPORTAL_TRUSTED_PROXIES": "127.0.0.1",
        "UVICORN_HOST": "127.0.0.1",
    }
    portal = Portal(tmp_path, settings)
    portal.run(command_of("migrate"))
    portal.python(PEOPLE)
    ports = [free_port(), free_port()]
    for port in ports:
        portal.settings = {**settings, "UVICORN_PORT": str(port)}
        portal.start(f"web-{port}", command_of("web"))
    places = [f"http://127.0.0.1:{port}" for port in ports]
    for place in places:
        wait_for(lambda place=place: _answers(place), 75, f"{place} answers")
    yield places
    portal.stop()


def _answers(place):
    try:
        return requests.get(f"{place}/healthz", headers={"Host": HOST}, timeout=5).ok
    except requests.ConnectionError:
        return False


def attempt(place, name="ada", password="wrong", client=THEIRS, form="/login/", spoofed=""):
    """The status of an attempt that the proxy passes on for a client, who may have sent a header of its own."""
    forwarded = f"{spoofed}, {client}" if spoofed else client
    with requests.Session() as session:
        session.headers.update({"Host": HOST, "X-Forwarded-For": forwarded})
        page = session.get(place + form, timeout=75)
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        data = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        cookies = {"csrftoken": page.cookies["csrftoken"]}
        return session.post(place + form, data, cookies=cookies, allow_redirects=False, timeout=75).status_code


def test_parallel_guesses_at_two_processes_count_as_one_row(doors):
    def guess(number):
        form = ("/login/", "/admin/login/")[number // 2 % 2]
        return attempt(doors[number % 2], form=form, spoofed=f"192.0.2.{number}")

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(guess, range(36)))
    assert (found.count(200), found.count(429)) == (5, 31)
    for place in doors:
        assert attempt(place, password=RIGHT) == 429
        assert attempt(place, "ａda", RIGHT) == 429
        assert attempt(place, password=RIGHT, client=MINE) == 302
        assert attempt(place, "bo", RIGHT) == 302
