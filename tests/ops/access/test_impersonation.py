"""The cluster's own RBAC and audit log see the person who asks, on a real API server."""

import json
import queue

import pytest
import yaml
from django.contrib.auth.models import Group

from sgportal import actions
from sgportal.cluster import install_crds
from sgportal.models import LabelJob, Pod
from sgportal.reconciler import label_jobs
from sgportal.reconciler.live import commands, logs
from sgportal.reconciler.live.errors import NotAllowed
from sgportal.reconciler.process import connection
from tests import builders
from tests.house.tree import ROOT
from tests.reconciler.world import World

from .rbac import bindings_for

OPTIONAL = ROOT / "deploy" / "impersonation.yaml"
RBAC = "rbac.authorization.k8s.io"
LABELLERS = [
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "labellers"},
        "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "patch"]}],
    },
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "labellers"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "labellers"},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "sgportal:维护"}],
    },
]


def refusal(act):
    with pytest.raises(actions.Refused) as caught:
        act()
    return str(caught.value)


@pytest.mark.kubernetes
def test_rbac_refuses_and_allows_the_person_and_the_audit_log_names_them(
    portal,
    kubectl,
    control_plane,
    settings,
):
    install_crds(portal)
    World(control_plane, portal).look()
    role, binding = yaml.safe_load_all(OPTIONAL.read_text())
    binding["subjects"] = bindings_for("portal")[0]["subjects"]
    for name in ("ada", "bo"):
        builders.a_person(name, "operator")
    Group.objects.create(name="维护").user_set.add(*Group.objects.get(name="operator").user_set.filter(username="ada"))
    ada, bo = actions.Actor("ada", "page"), actions.Actor("bo", "page")
    settings.SGPORTAL_IMPERSONATE = True
    assert "cannot impersonate" in refusal(lambda: actions.label_node("node0", {"by": "ada"}, ada))
    kubectl("admin", "apply", "-f", "-", text=yaml.safe_dump_all([role, binding, *LABELLERS]))

    def allowed():
        try:
            return actions.label_node("node0", {"by": "ada"}, ada)
        except actions.Refused:  # the API server takes a moment to know new roles
            return None

    assert control_plane.wait(allowed, 75, "the roles are known").labels["by"] == "ada"
    assert 'User "sgportal:bo" cannot patch' in refusal(lambda: actions.label_node("node0", {"by": "bo"}, bo))
    done = {}
    for each in (bo, ada):
        job = actions.schedule_nodes(["node0"], "cordon", each)
        label_jobs.run(str(job.pk), connection.cluster())
        done[each.name] = LabelJob.objects.get(pk=job.pk).results["node0"]
    assert (done["bo"]["state"], done["ada"]["state"]) == ("failed", "done")
    assert "sgportal:bo" in done["bo"]["detail"]
    with pytest.raises(NotAllowed, match="sgportal:bo"):
        logs.whole(Pod(namespace="default", name="any"), logs.Wanted("c"), "bo")
    ended = queue.SimpleQueue()
    with pytest.raises(NotAllowed, match="sgportal:bo"):
        commands.begin(Pod(namespace="default", name="any"), "c", ["true"], "bo", ended.put)
    assert ended.get(timeout=75).reason == "refused"
    actions.schedule_nodes(["node0"], "uncordon", ada)
    label_jobs.run(str(LabelJob.objects.first().pk), connection.cluster())
    seen = [json.loads(line) for line in (control_plane.folder / "audit.log").read_text().splitlines()]
    as_whom = {
        (each["user"]["username"], each["impersonatedUser"]["username"], each["responseStatus"]["code"])
        for each in seen
        if "impersonatedUser" in each
    }
    assert {("portal", "sgportal:ada", 200), ("portal", "sgportal:bo", 403)} <= as_whom
    adas = [each["impersonatedUser"] for each in seen if "sgportal:ada" in each.get("impersonatedUser", {}).values()]
    assert {"sgportal:operator", "sgportal:维护"} <= set(adas[0]["groups"])
    actions.label_node("node0", {"by": None}, ada)
