"""The page of a ServiceGroup says what keeps it from being as it is written, and hands it out as one bundle."""

import json

from sgportal.core.text import say
from sgportal.models import ServiceGroup


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
