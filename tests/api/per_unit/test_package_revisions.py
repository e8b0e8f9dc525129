"""What a ServiceGroup was: who changed it, when and why, how two versions differ, and the way back for all members."""

import pytest

from sgportal.core.names import CHANGE_CAUSE, ROLLOUT
from sgportal.models import Grid, PackageRevision, Revision, ServiceGroup

from .. import builders
from ..conftest import pointers
from .test_package_rollouts import DB, ONE, WEB, package

pytestmark = pytest.mark.django_db


def images() -> dict[str, str]:
    found = {}
    for grid in Grid.objects.filter(deleting_since=None):
        found[grid.name] = grid.spec["template"]["template"]["spec"]["containers"][0]["image"]
    return found


@pytest.fixture(autouse=True)
def made(api, db):
    builders.walkthrough()
    first, second = package(), package("img:2")
    second["metadata"]["annotations"] = {CHANGE_CAUSE: "new menu"}
    assert api.post("servicegroups", first).status_code == 201
    assert api("PUT", ONE, second).status_code == 200


def test_every_version_says_who_when_why_and_what_its_members_had(api, as_):
    items = api.get(f"{ONE}/revisions").json()["items"]
    assert [(each["number"], each["author"], each["changeCause"], each["members"]) for each in items] == [
        (2, "olga", "new menu", {DB: 2, WEB: 2}),
        (1, "olga", "", {DB: 1, WEB: 1}),
    ]
    assert items[0]["createdAt"] >= items[1]["createdAt"]
    assert api("PUT", ONE, package("img:2")).status_code == 200  # only the reason differs
    assert PackageRevision.objects.count() == 2


def test_an_edit_of_a_member_is_a_version_of_the_package_by_who_made_it(api, as_):
    ada = as_("ada")
    assert ada.post(f"{DB}/image", {"image": "img:3"}).status_code == 200
    PackageRevision.keep(ServiceGroup.objects.get())
    latest = PackageRevision.objects.first()
    assert (latest.number, latest.author, latest.members) == (3, "ada", {DB: 3, WEB: 2})
    PackageRevision.keep(ServiceGroup.objects.get())
    assert PackageRevision.objects.count() == 3


def test_two_versions_differ_member_by_member_wherever_they_stand(api):
    turned = package("img:2")
    turned["spec"]["grids"].reverse()
    turned["spec"]["grids"][0]["spec"]["template"]["replicas"] = 7
    assert api("PUT", ONE, turned).status_code == 200
    changes = api.get(f"{ONE}/revisions/diff?from=2&to=3").json()["changes"]
    paths = {each["path"]: (each["old"], each["new"]) for each in changes}
    assert [path for path in paths if "replicas" in path] == ["/spec/grids/deploymentgrids~1web/spec/template/replicas"]
    assert not any("~1db" in path for path in paths)
    assert api.get(f"{ONE}/revisions/diff?from=1&to=9").status_code == 404
    assert api.get(f"{ONE}/revisions/diff?from=1").status_code == 422


def test_all_members_go_back_as_one(api):
    shrunk = package("img:2")
    del shrunk["spec"]["grids"][0]
    shrunk["metadata"]["annotations"] = {ROLLOUT: "pause 7"}
    assert api("PUT", ONE, shrunk).status_code == 200
    Grid.objects.filter(name="db").delete()
    etag = api.get(ONE)["ETag"]
    assert api.post(f"{ONE}/restore", {"revision": 1}).status_code == 428
    shown = api.post(f"{ONE}/restore?dryRun=All", {"revision": 1}).json()
    assert {each["path"]: each["result"] for each in shown["grids"]} == {DB: "created", WEB: "configured"}
    assert images() == {"web": "img:2"}
    answer = api.post(f"{ONE}/restore", {"revision": 1}, If_Match=etag)
    assert answer.status_code == 200
    assert images() == {"db": "img:1", "web": "img:1"}
    latest = PackageRevision.objects.first()
    assert (latest.number, latest.spec) == (4, PackageRevision.objects.get(number=1).spec)
    assert ServiceGroup.objects.get().metadata["annotations"] == {ROLLOUT: "pause 7"}  # nothing is asked once more


def test_a_revision_that_is_not_stored_or_stale_is_refused(api):
    assert api.post(f"{ONE}/restore?dryRun=All", {"revision": 9}).status_code == 404
    assert api.post(f"{ONE}/restore", {"revision": 1}, If_Match='"old.1"').status_code == 412
    assert list(pointers(api.post(f"{ONE}/restore", {"revision": "x"}, If_Match="*"))) == ["/revision"]
    assert images() == {"db": "img:2", "web": "img:2"}


def test_a_package_that_was_deleted_is_made_anew(api):
    ServiceGroup.objects.all().delete()
    Grid.objects.all().delete()
    assert Revision.objects.filter(grid=None).count() == 4
    assert [each["number"] for each in api.get(f"{ONE}/revisions").json()["items"]] == [2, 1]
    assert api.post(f"{ONE}/restore", {"revision": 1}).status_code == 200
    assert images() == {"db": "img:1", "web": "img:1"}
    assert [each["number"] for each in api.get(f"{ONE}/revisions").json()["items"]] == [1]
    assert api.get("servicegroups/default/never/revisions").status_code == 404
