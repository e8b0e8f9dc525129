"""People who log in, and what they log in with."""

import pytest
from django.test import Client

from .. import builders

RIGHT = builders.PASSWORD
FORMS = ("/login/", "/admin/login/")


@pytest.fixture
def ada(db):
    return builders.a_person("ada", "admin")


def attempt(name="ada", password="wrong", address="203.0.113.9", client=None, form="/login/", **headers):
    """The answer to an attempt from an address, with the cookies of `client` if it has some."""
    client = client or Client()
    return client.post(form, {"username": name, "password": password}, REMOTE_ADDR=address, headers=headers)


def fail(times, **how):
    """The last of so many wrong attempts."""
    for _ in range(times):
        answer = attempt(**how)
    return answer
