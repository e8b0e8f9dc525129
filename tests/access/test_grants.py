"""Giving a role in a scope and taking it back: over REST and on the administration site, audited, effective at once."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from sgportal.models import ApiToken, AuditEvent, Grant
from tests import builders

pytestmark = pytest.mark.django_db
WHOLE = {"user": "sam", "role": "operator", "namespaces": ["home"], "kinds": ["DeploymentGrid"]}


@pytest.fixture
def admin():
    client = Client(headers={"host": "localhost"})
    client.force_login(builders.a_person("ada"))
    return client


@pytest.fixture
def sam():
    return builders.a_person("sam", "")


def give(client, **asked):
    return client.post("/api/v1/grants", asked, content_type="application/json")


def log_in(person) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    return client


def test_a_grant_is_given_listed_used_and_taken_back(admin, sam, django_capture_on_commit_callbacks):
    theirs = log_in(sam)
    ApiToken.issue(sam, "mine")
    assert theirs.get("/api/v1/me").status_code == 403
    made = give(admin, **WHOLE)
    assert made.status_code == 201
    assert admin.get("/api/v1/grants").json()["items"] == [made.json()]
    assert made.json()["namespaces"] == ["home"]
    assert theirs.get("/api/v1/me").json()["role"] == "operator"
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.delete(made["Location"]).status_code == 204
    assert theirs.get("/api/v1/me").status_code == 401  # without a role there is no session any more
    assert not ApiToken.objects.filter(user=sam).exists()
    verbs = list(AuditEvent.objects.filter(path__contains="/grants/").order_by("pk").values_list("verb", "actor"))
    assert verbs == [("grant-given", "ada"), ("grant-taken", "ada")]


def test_a_group_gives_its_members_a_role_until_they_leave(admin, sam):
    assert give(admin, group="staff", role="viewer", nodeGroup="site", nodeUnits=["ham"]).status_code == 201
    assert log_in(sam).get("/api/v1/me").status_code == 403
    sam.groups.add(Group.objects.get(name="staff"))
    theirs = log_in(sam)
    assert theirs.get("/api/v1/me").json()["role"] == "viewer"
    sam.groups.clear()
    assert theirs.get("/api/v1/me").status_code in (401, 403)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({**WHOLE, "user": "nobody"}, "/user"),
        ({**WHOLE, "group": "x"}, ""),
        ({"role": "viewer"}, ""),
        ({**WHOLE, "role": "root"}, "/role"),
        ({"group": "admin", "role": "viewer"}, "/group"),
        ({**WHOLE, "namespaces": ["A b"]}, "/namespaces/0"),
        ({**WHOLE, "namespaces": "home"}, "/namespaces"),
        ({**WHOLE, "kinds": ["Pod"]}, "/kinds/0"),
        ({**WHOLE, "nodeUnits": ["ham"]}, "/nodeGroup"),
        ({**WHOLE, "nodeGroup": "site", "nodeUnits": ["a b"]}, "/nodeUnits/0"),
        ({**WHOLE, "nodeGroup": "site", "nodeUnits": [""]}, "/nodeUnits/0"),
        ({**WHOLE, "namespace": "home"}, "/namespace"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(admin, sam, asked, pointer):
    answer = give(admin, **asked)
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert not Grant.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_admins_see_and_give_grants(role, sam):
    client = log_in(builders.a_person("olga", role))
    assert give(client, **WHOLE).status_code == 403
    assert client.get("/api/v1/grants").status_code == 403


def test_the_administration_site_gives_and_takes_back_and_says_what_is_wrong(admin, sam):
    form = {"user": sam.pk, "role": "viewer", "namespaces": "home shop", "units": "ham", "key": ""}
    wrong = admin.post("/admin/sgportal/grant/add/", form)
    assert wrong.status_code == 200
    assert "is required with “nodeUnits”" in wrong.text
    assert admin.post("/admin/sgportal/grant/add/", {**form, "key": "site"}).status_code == 302
    row = Grant.objects.get()
    assert (row.bounds.namespaces, row.bounds.units) == (("home", "shop"), ("ham",))
    assert "home shop" in admin.get("/admin/sgportal/grant/").text
    assert admin.post(f"/admin/sgportal/grant/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Grant.objects.exists()
    assert AuditEvent.objects.filter(verb="grant-taken", door="admin").count() == 1


def test_a_role_in_a_scope_is_no_role_of_the_form_for_people(admin, sam):
    Grant.objects.create(user=sam, role="admin", namespaces="home")
    page = admin.get(f"/admin/auth/user/{sam.pk}/change/").text
    assert '<option value="" selected>' in page


def test_a_token_is_issued_for_less_than_its_owner_may(sam):
    sam.groups.add(Group.objects.get_or_create(name="operator")[0])
    client = log_in(sam)
    asked = {"name": "ci", "scope": "write", "namespaces": ["home"]}
    made = client.post("/api/v1/tokens", asked, content_type="application/json").json()
    assert made["namespaces"] == ["home"]
    theirs = Client(headers={"host": "localhost", "Authorization": f"Bearer {made['token']}"})
    builders.a_grid("far", namespace="away")
    assert theirs.get("/api/v1/deploymentgrids/away/far").status_code == 404
    wrong = client.post("/api/v1/tokens", {**asked, "namespaces": ["A"]}, content_type="application/json")
    assert [each["pointer"] for each in wrong.json()["errors"]] == ["/namespaces/0"]
