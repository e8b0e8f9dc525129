"""A save says where it leaves what Kubernetes is known to bear; it is not refused."""

import pytest

from sgportal.core.plans.preview import envelope
from sgportal.models import Grid

from .. import builders

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


@pytest.fixture
def few(monkeypatch):
    """Kubernetes bears three Deployments in a namespace."""
    monkeypatch.setitem(envelope.MOST, "Deployment", 3)


def crowded(warnings):
    return [each["detail"] for each in warnings if each["pointer"] == "/metadata/namespace"]


def test_a_namespace_that_gets_crowded_is_said_in_the_plan_the_answer_and_the_header(api, few):
    first = api.post("deploymentgrids", builders.manifest("a"))
    assert first.status_code == 201
    assert not crowded(first.json()["status"].get("warnings", ()))
    for unit in ("nodeunit1", "nodeunit2"):
        builders.child(Grid.objects.get(), unit)
    bundle = {"items": [builders.manifest("b"), builders.manifest("c")]}
    items = api.post("apply?dryRun=All", bundle).json()["items"]
    assert len(items) == 2
    for each in items:
        assert "at least 6 objects of kind Deployment" in crowded(each["warnings"])[0]
    answer = api.post("apply", bundle)
    assert answer.status_code == 200
    assert "Deployment" in answer.headers["Warning"]


def test_who_adds_nothing_is_not_warned(api, few):
    bundle = {"items": [builders.manifest("b"), builders.manifest("c", "ServiceGrid")]}
    items = api.post("apply?dryRun=All", bundle).json()["items"]
    assert not any(crowded(each["warnings"]) for each in items)


def test_in_chinese(api, few, monkeypatch):
    monkeypatch.setitem(envelope.MOST, "Deployment", 1)
    answer = api.post("deploymentgrids?dryRun=All", builders.manifest("a"), Accept_Language="zh-hans")
    assert "命名空间" in crowded(answer.json()["warnings"])[0]
