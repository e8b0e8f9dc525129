"""What a choice after a halt comes to: for each reason the grids, or their children, that are created or go."""

import pytest
from django.utils import timezone

from sgportal.core.fleet.halt import FOLLOW, RESTORE
from sgportal.models import Grid, ManagedCluster
from sgportal.queries.held import plan_of_halt
from sgportal.reconciler.fleet import halt

from .. import builders
from ..api.builders import child

pytestmark = pytest.mark.django_db
MISSING = "deploymentgrids/default/gone"
THERE = "deploymentgrids/default/there"


@pytest.fixture(autouse=True)
def fleet():
    """A grid that is missing from the cluster, one that is there, and a child of each."""
    for name in ("there", "gone"):
        child(builders.a_grid(name), "lyo")
    Grid.objects.filter(name="gone").update(cluster_uid="u", missing_since=timezone.now())
    builders.a_service("web")


def planned(reason, choice, **facts):
    halt.begin(reason, facts)
    return plan_of_halt(ManagedCluster.now(), choice)


def told(plan):
    return [(path, step.verb, step.kind, step.name) for path, step in plan.steps]


@pytest.mark.parametrize("reason", ["grids-gone", "definitions-gone"])
@pytest.mark.parametrize(("choice", "verb"), [(RESTORE, "create"), (FOLLOW, "delete")])
def test_grids_that_are_missing_come_back_or_go(reason, choice, verb):
    assert told(planned(reason, choice, grids=1, kinds="x")) == [(MISSING, verb, "DeploymentGrid", "gone")]


@pytest.mark.parametrize(("choice", "verb"), [(RESTORE, "create"), (FOLLOW, "delete")])
def test_in_another_cluster_it_is_all_grids(choice, verb):
    found = told(planned("another-cluster", choice, uid="a", seen="b", grids=3))
    assert [each[:2] for each in found] == [(MISSING, verb), (THERE, verb), ("servicegrids/default/web", verb)]


def test_children_that_are_gone_are_created_again():
    found = told(planned("children-gone", RESTORE, children=2, resource="deployments"))
    assert found == [(MISSING, "create", "Deployment", "gone-lyo"), (THERE, "create", "Deployment", "there-lyo")]


def test_children_of_another_kind_are_none_of_them():
    other = builders.a_grid("stateful")
    Grid.objects.filter(pk=other.pk).update(kind="StatefulSetGrid", name="there")  # whose Deployment is not its child
    assert told(planned("children-gone", RESTORE, children=2, resource="statefulsets")) == []


def test_that_all_nodes_are_gone_changes_nothing_at_once():
    assert told(planned("nodes-gone", FOLLOW, nodes=3)) == []


def test_a_plan_is_of_one_choice_and_one_halt():
    first = planned("grids-gone", RESTORE, grids=1)
    assert plan_of_halt(ManagedCluster.now(), RESTORE) == first
    others = {planned("grids-gone", FOLLOW, grids=1).id, planned("grids-gone", RESTORE, grids=2).id}
    assert first.id not in others
