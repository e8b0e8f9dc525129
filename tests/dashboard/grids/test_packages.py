"""The page of a ServiceGroup says what keeps it from being as it is written, and hands it out as one bundle."""

import json

import pytest

from sgportal.core.text import say
from sgportal.models import Grid, PackageRevision, Rollout, ServiceGroup

from ...api.builders import rollout
from ..conftest import hidden


def test_a_package_that_was_not_accepted_says_why(operator, fleet):
    why = say("“%(name)s” is being deleted; wait until it is deleted", name="web")
    told = {"type": "Accepted", "status": "False", "reason": "MemberTerminating", "message": str(why)}
    status = {"conditions": [{**told, "lastTransitionTime": "2026-11-27T20:00:00Z"}]}
    ServiceGroup.objects.update(status=status, sentences={"Accepted": why.to_json()})
    page = operator.get("/servicegroups/default/shop/").content.decode()
    assert "MemberTerminating" in page
    assert "“web” is being deleted" in page


def test_a_package_is_handed_out_as_one_bundle(operator, fleet):
    assert "/api/v1/servicegroups/default/shop/export" in operator.get("/servicegroups/default/shop/").content.decode()
    bundle = json.loads(operator.get("/api/v1/servicegroups/default/shop/export").content)
    assert (bundle["apiVersion"], bundle["kind"]) == ("sgportal.superedge.io/v1", "ServiceGroup")
    assert bundle["metadata"] == {"name": "shop", "namespace": "default"}
    assert [each["metadata"]["name"] for each in bundle["spec"]["grids"]] == ["echo"]
    assert "status" not in bundle


@pytest.fixture
def shop(fleet):
    canary = {"waves": [{"name": "canary", "units": ["ham"], "approval": True, "soakSeconds": 300}]}
    ServiceGroup.objects.update(spec={"gridUniqKey": fleet.key, "grids": [], "rollout": canary})
    Grid.objects.exclude(pk=fleet.pk).update(group=None)
    fleet.spec, fleet.generation = {**fleet.spec, "rollout": canary}, 2
    fleet.group = ServiceGroup.objects.get()
    fleet.save()
    fleet.remember("ada")
    rollout(fleet, units=("ham", "lyo"))
    return fleet


SHOP = "/servicegroups/default/shop/"


def test_one_panel_shows_the_rollout_of_a_package_with_its_members_and_causes(operator, viewer, shop):
    text = operator.get(SHOP).content.decode()
    for word in ("canary", "needs approval", "1 of 2 workloads done", f"{SHOP}rollout/approve/", 'aria-label="Waves: '):
        assert word in text
    assert "have failed" not in text
    assert f"{SHOP}rollout/" not in viewer.get(SHOP).content.decode()
    Rollout.objects.get().units.filter(name="lyo").update(turn="failed", failure="TooManyRestarts")
    assert "One of its new pods restarted too often." in viewer.get(SHOP).content.decode()
    assert "工作负载" in viewer.get(SHOP, headers={"accept-language": "zh-hans"}).content.decode()


def test_a_package_is_steered_on_its_page_as_it_was_shown(operator, viewer, shop):
    address = f"{SHOP}rollout/rollback/"
    form = operator.get(address).content.decode()
    assert Rollout.objects.get().phase == "Progressing"
    fields = {each: form.split(f'name="{each}" value="')[1].split('"')[0] for each in ("expect", "plan")}
    fields["expect"] = fields["expect"].replace("&quot;", '"')
    assert viewer.post(address, {**fields, "step": "confirm"}).status_code == 403
    other = operator.post(address, {**fields, "plan": "0" * 16, "step": "confirm"})
    assert (other.status_code, Rollout.objects.get().phase) == (200, "Progressing")
    answer = operator.post(address, {**fields, "step": "confirm"})
    assert (answer.status_code, answer["Location"]) == (302, SHOP)
    assert Rollout.objects.get().phase == "RollingBack"
    assert "is not possible" in operator.get(f"{SHOP}rollout/pause/", follow=True).content.decode()
    assert operator.get(f"{SHOP}rollout/dance/").status_code == 404


def test_units_of_a_package_are_left_out_on_its_page(operator, shop):
    address = f"{SHOP}rollout/skip/"
    wrong = operator.post(address, {"units": "lyo, nowhere", "step": "preview"})
    assert (wrong.status_code, "nowhere" in wrong.content.decode()) == (422, True)
    shown = hidden(operator.post(address, {"units": "lyo", "step": "preview"}))
    operator.post(address, {**shown, "units": "lyo", "step": "confirm"})
    assert Rollout.objects.get().units.get(name="lyo").turn == "skipped"


def test_versions_of_a_package_are_shown_compared_and_gone_back_to(operator, viewer, shop):
    group = ServiceGroup.objects.get()
    PackageRevision.keep(group, "ada")
    shop.spec["template"]["replicas"] = 7
    shop.revise(shop.source(), "olga")
    PackageRevision.keep(group)
    text = operator.get(f"{SHOP}revisions/?from=1&to=2").content.decode()
    for word in ("olga", "Roll back", "replicas: 7", f"{shop.path} <b>3</b>", "From revision 1 to 2"):
        assert word in text
    assert f"{SHOP}revisions/" in viewer.get(SHOP).content.decode()
    assert "Roll back" not in viewer.get(f"{SHOP}revisions/").content.decode()


def test_what_has_no_versions_yet_says_so(viewer, shop):
    shop.revisions.all().delete()
    for page in (f"{SHOP}revisions/", f"/grids/{shop.path}/revisions/"):
        assert "No revisions are stored." in viewer.get(page).content.decode()
