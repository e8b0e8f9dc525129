"""API tokens on a person's own page."""

import re

from sgportal.models import ApiToken

from .. import builders
from .conftest import browser


def test_a_token_is_shown_once_and_works(operator):
    page = operator.post(
        "/profile/tokens/", {"name": "ci", "scope": "write", "days": "30"}, follow=True
    ).content.decode()
    text = re.search(r'id="token">([^<]+)<', page)[1]
    token = ApiToken.find(text)
    assert (token.name, token.scope, token.user.username) == ("ci", "write", "some-operator")
    assert text not in operator.get("/profile/").content.decode()


def test_a_token_can_be_taken_back(operator):
    token, _ = ApiToken.issue(ApiToken._meta.get_field("user").related_model.objects.get(), "ci")
    operator.post(f"/profile/tokens/{token.pk}/revoke/")
    assert not ApiToken.objects.exists()


def test_nobody_takes_back_what_is_not_theirs(operator, db):
    token, _ = ApiToken.issue(builders.a_person("bo"), "of bo")
    assert operator.post(f"/profile/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.exists()
    assert "of bo" not in operator.get("/profile/").content.decode()


def test_odd_wishes_make_no_token(operator):
    for wish in ({"name": ""}, {"name": "x", "scope": "root"}, {"name": "x", "days": "9999"}):
        operator.post("/profile/tokens/", {"scope": "read", "days": "30", **wish})
    assert not ApiToken.objects.exists()


def test_a_viewer_gets_no_token_that_may_write(db):
    viewer = browser("viewer")
    assert "read and write" not in viewer.get("/profile/").content.decode()
    viewer.post("/profile/tokens/", {"name": "x", "scope": "write", "days": "30"})
    assert not ApiToken.objects.filter(scope="write").exists()
