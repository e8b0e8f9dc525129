"""What the portal lets nobody ask for, on the pages: said at the field, with nothing stored."""

import pytest

from sgportal.core.documents import write_document
from sgportal.core.policy.namespaces import read_namespaces
from sgportal.models import AuditEvent, Grid

from .. import builders
from .addresses import GRID


def manifest(namespace="default", **pod):
    spec = {"gridUniqKey": "site", "template": builders.workload()}
    spec["template"]["template"]["spec"].update(pod)
    metadata = {"name": "new", "namespace": namespace}
    return {"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (manifest("kube-system"), "namespace “kube-system” is closed to the portal"),
        (manifest(hostNetwork=True), "keeps the Pod Security Standard “baseline”"),
    ],
)
def test_a_draft_is_refused_as_over_rest(operator, fleet, draft, said):
    form = {"mode": "yaml", "document": write_document(draft), "step": "preview"}
    answer = operator.post("/grids/new/", form)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert said in operator.post("/grids/check/", form).content.decode()
    assert Grid.objects.count() == 2
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "page", [GRID + "delete/", GRID + "units/lyo/recreate/", "/servicegroups/default/shop/delete/"]
)
def test_what_is_closed_is_neither_removed_nor_recreated(admin, fleet, settings, page):
    settings.SGPORTAL_NAMESPACES = read_namespaces(["!default"], "sgportal")
    answer = admin.post(page, {"step": "confirm"})
    assert answer.status_code == 403
    assert "namespace “default” is closed to the portal" in answer.content.decode()
    fleet.refresh_from_db()
    assert not fleet.deleting_since
    assert not fleet.units.filter(recreate=True).exists()
