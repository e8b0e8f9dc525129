"""Channels over REST and on their page: for admins alone, with a URL that is written and never read."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from sgportal.models import AuditEvent, Delivery, Grant, NotificationChannel, WorkKey
from sgportal.reconciler import worker
from sgportal.reconciler.notices import turn

from .servers import Hook, serving

pytestmark = pytest.mark.django_db
SECRET = "THEsecretPATH"
ASKED = {"name": "ops", "url": f"jsons://hooks.example/{SECRET}", "language": "zh-hans", "topics": ["units"]}
ADDRESSES = ("/api/v1/notifications", "/api/v1/notifications/{pk}", "/api/v1/notifications/{pk}/test")


def somebody(name, role, **bounds):
    user = User.objects.create_user(name)
    if bounds:
        Grant.objects.create(user=user, role=role, **bounds)
    elif role:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db):
    return somebody("ada", "admin")


def add(client, **more):
    return client.post("/api/v1/notifications", {**ASKED, **more}, content_type="application/json")


def test_a_channel_is_made_listed_tried_and_removed(admin):
    made = add(admin, nodeGroup="site", nodeUnits=["lyo"])
    assert made.status_code == 201
    found = made.json()
    assert found["service"] == "JSON"
    assert (found["topics"], found["resolved"], found["nodeUnits"]) == (["units"], True, ["lyo"])
    assert admin.get("/api/v1/notifications").json()["items"] == [found]
    assert admin.get(made["Location"]).json() == found
    assert admin.post(f"{made['Location']}/test").status_code == 202
    assert admin.post(f"{made['Location']}/test").status_code == 202
    assert Delivery.objects.filter(event="test").count() == 1
    assert admin.delete(made["Location"]).status_code == 204
    assert admin.get(made["Location"]).status_code == 404
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", "actor", "kind"))
    wanted = ("channel-added", "channel-tried", "channel-tried", "channel-removed")
    assert verbs == [(each, "ada", "access") for each in wanted]


def test_the_url_is_shown_nowhere(admin, caplog):
    made = add(admin)
    location = made["Location"]
    said = [made, admin.get("/api/v1/notifications"), admin.get(location), admin.post(f"{location}/test")]
    said += [admin.get("/notifications/"), admin.get("/audit/"), admin.get("/api/v1/audit")]
    assert all(each.status_code < 300 for each in said)
    assert all(SECRET not in each.content.decode() for each in said)
    assert SECRET not in caplog.text
    assert SECRET not in json.dumps(list(AuditEvent.objects.values("path", "before", "after")))


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"url": "file:///etc/passwd"}, "/url"),
        ({"url": "http://169.254.169.254/"}, "/url"),
        ({"language": "xx"}, "/language"),
        ({"topics": ["units", "weather"]}, "/topics/1"),
        ({"topics": "units"}, "/topics"),
        ({"resolved": "yes"}, "/resolved"),
        ({"nodeUnits": ["lyo"]}, "/nodeGroup"),
        ({"kinds": ["Pod"]}, "/kinds/0"),
        ({"password": "x"}, "/password"),
    ],
)
def test_what_is_wrong_is_named_and_not_stored(admin, wrong, pointer):
    answer = add(admin, **wrong)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert SECRET not in answer.content.decode()
    assert not NotificationChannel.objects.exists()


def test_a_name_is_there_once(admin):
    add(admin)
    assert [each["pointer"] for each in add(admin).json()["errors"]] == ["/name"]


@pytest.mark.parametrize("role", ["", "viewer", "operator", "of a site"])
def test_only_who_is_admin_of_everything_sees_and_changes_channels(role, admin):
    pk = NotificationChannel.objects.get(pk=add(admin).json()["id"]).pk
    other = somebody("eve", "admin", key="site") if role == "of a site" else somebody("eve", role)
    for address in ADDRESSES:
        for method in ("get", "post", "delete"):
            assert getattr(other, method)(address.format(pk=pk)).status_code in (403, 404, 405)
    assert other.get("/notifications/").status_code in (403, 404)
    for address in ("add/", f"{pk}/test/", f"{pk}/remove/"):
        assert other.post(f"/notifications/{address}", ASKED).status_code in (403, 404)
    assert NotificationChannel.objects.count() == 1
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_test_from_the_page_arrives_by_the_worker(admin):
    with serving(Hook()) as hook:
        admin.post("/notifications/add/", {**ASKED, "url": hook.url, "topics": ["units"], "nodeUnits": ""})
        row = NotificationChannel.objects.get()
        assert not row.resolved
        admin.post(f"/notifications/{row.pk}/test/")
        key = turn.key_of(row.pk)
        assert WorkKey.objects.due().filter(key=key).exists()
        worker.run(key)
        assert [each["message"] for each in hook.posted] == ["这是来自 sgportal 的一条测试通知。"]
        row.refresh_from_db()
        assert row.sent_at
        admin.post(f"/notifications/{row.pk}/remove/")
    assert not NotificationChannel.objects.exists()


def test_the_page_says_what_is_wrong(admin):
    answer = admin.post("/notifications/add/", {**ASKED, "url": "ftp://x"}, follow=True)
    assert "url:" in answer.content.decode()
    assert not NotificationChannel.objects.exists()
