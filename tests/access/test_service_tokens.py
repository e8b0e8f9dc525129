"""Tokens that are no person's: a role and a scope of their own, an end, and a trail."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sgportal.models import AuditEvent, ServiceToken
from tests import builders

pytestmark = pytest.mark.django_db
ASKED = {"name": "ci", "role": "operator", "days": 30, "namespaces": ["shop"]}


@pytest.fixture
def admin():
    client = Client(headers={"host": "localhost"})
    client.force_login(builders.a_person("ada"))
    return client


def make(client, **more):
    return client.post("/api/v1/service-tokens", {**ASKED, **more}, content_type="application/json")


def caller(text) -> Client:
    return Client(headers={"host": "localhost", "Authorization": f"Bearer {text}"})


def grid(namespace):
    labels = {"app": "x"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    template = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "DeploymentGrid",
        "metadata": {"name": "x", "namespace": namespace},
        "spec": {"gridUniqKey": "site", "template": template},
    }


def test_it_is_made_listed_used_in_its_scope_and_revoked(admin):
    made = make(admin)
    assert made.status_code == 201
    text = made.json()["token"]
    assert text.startswith("sgs_")
    (listed,) = admin.get("/api/v1/service-tokens").json()["items"]
    assert listed == {name: value for name, value in made.json().items() if name != "token"}
    assert listed["lastUsedAt"] is None
    robot = caller(text)
    assert robot.get("/api/v1/me").json()["name"] == "token:ci"
    assert admin.get("/api/v1/service-tokens").json()["items"][0]["lastUsedAt"]
    for namespace, status in (("shop", 201), ("other", 403)):
        answer = robot.post("/api/v1/deploymentgrids", grid(namespace), content_type="application/json")
        assert answer.status_code == status, answer.content
    assert list(AuditEvent.objects.filter(kind="change").values_list("actor", flat=True)) == ["token:ci"]
    assert admin.delete(made["Location"]).status_code == 204
    assert robot.get("/api/v1/me").status_code == 401
    trail = AuditEvent.objects.filter(path="service-tokens/ci").order_by("pk").values_list("verb", "actor")
    assert list(trail) == [("token-issued", "ada"), ("token-revoked", "ada")]


def test_it_outlives_who_made_it_and_not_its_end(admin):
    robot = caller(make(admin).json()["token"])
    from django.contrib.auth.models import User

    User.objects.filter(username="ada").delete()
    assert robot.get("/api/v1/me").status_code == 200
    ServiceToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert robot.get("/api/v1/me").status_code == 401


def test_its_text_is_kept_nowhere(admin):
    text = make(admin).json()["token"]
    secret = text.split("_", 2)[2]
    for each in ("/service-tokens/", "/api/v1/service-tokens", "/api/v1/audit", "/audit/"):
        assert secret not in admin.get(each).content.decode()
    row = ServiceToken.objects.values().get()
    assert secret not in str(row) + str(list(AuditEvent.objects.values()))
    assert caller(text[:-1] + ("a" if text[-1] != "a" else "b")).get("/api/v1/me").status_code == 401


def test_a_token_makes_no_tokens_and_a_viewers_does_not_write(admin):
    chief = caller(make(admin, name="chief", role="admin", namespaces=[]).json()["token"])
    assert make(chief, name="next").status_code == 403
    assert chief.post("/api/v1/tokens", {"name": "n"}, content_type="application/json").status_code == 403
    viewer = caller(make(admin, name="eye", role="viewer", namespaces=[]).json()["token"])
    answer = viewer.post("/api/v1/deploymentgrids", grid("shop"), content_type="application/json")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "Not A Name"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"role": "root"}, "/role"),
        ({"days": 0}, "/days"),
        ({"days": 367}, "/days"),
        ({"namespaces": ["Bad!"]}, "/namespaces/0"),
        ({"scope": "write"}, "/scope"),
    ],
)
def test_what_is_wrong_is_named_and_not_stored(admin, wrong, pointer):
    answer = make(admin, **wrong)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert not ServiceToken.objects.exists()


def test_the_page_makes_shows_once_and_revokes(admin):
    answer = admin.post("/service-tokens/issue/", {"name": "ci", "role": "viewer", "days": "7"}, follow=True)
    assert "sgs_" in answer.content.decode()
    assert "sgs_" not in admin.get("/service-tokens/").content.decode()
    admin.post(f"/service-tokens/{ServiceToken.objects.get().pk}/revoke/")
    assert not ServiceToken.objects.exists()
    assert "name:" in admin.post("/service-tokens/issue/", {"name": "No!"}, follow=True).content.decode()
