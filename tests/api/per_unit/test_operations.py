"""Pause, resume, restart, set image and scale, over REST."""

import pytest

from sgportal.models import AuditEvent, Grid

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
ONE = "deploymentgrids/default/echo"


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


@pytest.fixture
def made(api):
    answer = api.post("deploymentgrids", builders.manifest("echo"))
    assert answer.status_code == 201, answer.content
    return answer


def done(api, verb, body, **how):
    answer = api.post(f"{ONE}/{verb}", body, **how)
    assert answer.status_code in (200, 202), answer.content
    return answer.json()


def test_each_verb_is_a_change_of_the_manifest_with_a_revision_and_an_entry_in_the_audit_trail(api, made):
    done(api, "pause", {"units": ["nodeunit1"]})
    done(api, "resume", {"units": ["nodeunit1"]})
    done(api, "restart", {})
    done(api, "image", {"image": "img:9"})
    body = done(api, "scale", {"replicas": 5, "units": ["nodeunit2"]})
    assert body["spec"]["overrides"] == [{"units": ["nodeunit2"], "replicas": 5}]
    assert body["spec"]["template"]["template"]["spec"]["containers"][0]["image"] == "img:9"
    assert "kubectl.kubernetes.io/restartedAt" in body["metadata"]["annotations"]
    assert body["metadata"]["generation"] == 6
    assert AuditEvent.objects.filter(verb="change").count() == 5


def test_a_dry_run_says_what_would_restart_and_stores_nothing(api, made):
    body = done(api, "restart?dryRun=All", {"units": ["nodeunit1"]})
    assert body["result"] == "configured"
    assert {step["unit"] for step in body["steps"]} == {"nodeunit1", "nodeunit2"}
    assert Grid.objects.get().generation == 1


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("pause", {"units": ["nodeunit1", "nowhere"]}, "/units/1"),
        ("pause", {"unit": "nodeunit1"}, "/unit"),
        ("restart", {"units": "nodeunit1"}, "/units"),
        ("image", {}, "/image"),
        ("image", {"image": "img:2", "container": "nobody"}, "/container"),
        ("scale", {"replicas": -1}, "/replicas"),
        ("scale", {"replicas": "2"}, "/replicas"),
        ("scale", {"replicas": 2**31}, "/replicas"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_stored(api, made, verb, body, pointer):
    answer = api.post(f"{ONE}/{verb}", body)
    assert answer.status_code == 422
    assert list(pointers(answer)) == [pointer]
    assert Grid.objects.get().generation == 1


def test_a_stale_caller_is_refused(api, made):
    done(api, "pause", {})
    assert api.post(f"{ONE}/resume", {}, If_Match=made["ETag"]).status_code == 412


def test_a_service_grid_is_paused_as_a_whole_and_has_no_pods_to_restart(api):
    assert api.post("servicegrids", builders.manifest("echo", "ServiceGrid")).status_code == 201
    assert api.post("servicegrids/default/echo/pause", {}).status_code == 200
    assert list(pointers(api.post("servicegrids/default/echo/pause", {"units": ["nodeunit1"]}))) == ["/units"]
    assert api.post("servicegrids/default/echo/restart", {}).status_code == 404
