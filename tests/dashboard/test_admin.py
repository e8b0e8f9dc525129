"""The administration site shows rows to staff and changes none."""

import pytest
from django.contrib import admin as site
from django.test import Client

from .. import builders


@pytest.fixture
def staff(fleet):
    person = builders.a_person("sue", "viewer")
    person.is_staff = True
    person.save()
    client = Client()
    client.force_login(person)
    return client


def ours():
    return [model._meta.model_name for model in site.site._registry if model._meta.app_label == "sgportal"]


def test_pods_per_node_unit(staff):
    text = staff.get("/admin/sgportal/gridunit/node-units/").content.decode()
    assert "<caption>site</caption>" in text
    assert "ham" in text
    assert "node-units" in staff.get("/admin/sgportal/gridunit/").content.decode()


@pytest.mark.parametrize("model", ours())
def test_lists_open_and_nothing_can_be_added(staff, model):
    assert staff.get(f"/admin/sgportal/{model}/").status_code == 200
    assert staff.get(f"/admin/sgportal/{model}/add/").status_code == 403


def test_a_row_can_be_looked_at_and_not_changed(staff, fleet):
    place = f"/admin/sgportal/grid/{fleet.pk}/change/"
    assert staff.get(place).status_code == 200
    assert staff.post(place, {"name": "x"}).status_code == 403
    assert staff.post(f"/admin/sgportal/grid/{fleet.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_digest_of_a_token_is_not_shown(staff):
    from sgportal.models import ApiToken

    token, _ = ApiToken.issue(builders.a_person("bo"), "ci")
    assert token.digest not in staff.get(f"/admin/sgportal/apitoken/{token.pk}/change/").content.decode()


def test_others_stay_outside(admin):
    assert admin.get("/admin/").status_code == 302
