"""What KubeEdge runs becomes a grid's: not a pod restarts, and before it is handed over nothing of it is touched."""

import copy
from pathlib import Path

from sgportal.actions import import_objects
from sgportal.core.documents import read_documents
from sgportal.core.imports.kubeedge import KEY
from sgportal.core.names import GRID_SELECTOR
from sgportal.models import Grid, LabelJob

from ..world import ADA, APPLY, as_manager

DATA = Path(__file__).parent.parent.parent / "data" / "imports"


def an_application():
    """The EdgeApplication of the test data with one group, in the namespace that is there; and the Deployment that
    KubeEdge makes of it: its name and nodeSelector are the group's."""
    bundle = read_documents((DATA / "kubeedge.yaml").read_bytes())
    group, application = bundle[0], bundle[2]
    group["spec"] = {"nodes": ["node0"]}
    application["metadata"]["namespace"] = "default"
    spec = application["spec"]
    spec["workloadScope"]["targetNodeGroups"] = [{"name": "hangzhou", "overriders": {"replicas": 1}}]
    spec["workloadTemplate"]["manifests"] = spec["workloadTemplate"]["manifests"][:1]
    made = copy.deepcopy(spec["workloadTemplate"]["manifests"][0])
    made["metadata"] |= {"name": "hello-hangzhou", "namespace": "default"}
    made["spec"]["replicas"] = 1
    made["spec"]["template"]["spec"]["nodeSelector"] = {KEY: "hangzhou"}
    return [group, application], made


def pods(world):
    return sorted(each["metadata"]["uid"] for each in world.cluster.list("Pod", "default").items)


def as_it_runs(world):
    body = world.get("hello-hangzhou")
    return body["metadata"]["uid"], body["spec"], pods(world)


def generation(world):
    """Of the Deployment, which goes up with its annotations as well."""
    return world.get("hello-hangzhou")["metadata"]["generation"]


def test_deployments_of_kubeedge_are_handed_over_without_a_restart(world):
    world.label("node0", **{KEY.replace("/", "__"): "hangzhou"})
    documents, deployment = an_application()
    as_manager(world.cluster, "kubeedge", "Deployment", "hello-hangzhou", deployment, APPLY)
    world.until_ready("hello-hangzhou")
    before, made = as_it_runs(world), generation(world)
    world.look()

    done = import_objects(documents, ADA)
    assert done.job is None  # the node has its label from KubeEdge
    world.settle()
    grid = Grid.objects.get(name="hello")
    assert grid.units.get(name="hangzhou").reason == "NameConflict"
    assert (as_it_runs(world), generation(world)) == (before, made)

    handing_over = next(each for each in done.translation.findings("changed") if "label deployment" in each.command)
    assert f"label deployment hello-hangzhou {GRID_SELECTOR}=hello" in handing_over.command
    world.edit("hello-hangzhou", {"metadata": {"labels": {GRID_SELECTOR: "hello"}}})
    world.until(lambda: world.resync() or grid.units.get(name="hangzhou").state == "Ready")
    assert as_it_runs(world) == before
    owners = world.get("hello-hangzhou")["metadata"]["ownerReferences"]
    assert [(each["kind"], each["name"]) for each in owners] == [("DeploymentGrid", "hello")]


def test_labels_that_nodes_lack_are_given_by_a_job_and_form_the_units(world):
    documents, _ = an_application()
    done = import_objects(documents, ADA)
    world.settle()
    assert LabelJob.objects.get(pk=done.job.pk).state == "done"
    assert world.get("node0", "Node", "")["metadata"]["labels"][KEY] == "hangzhou"
    world.resync()
    world.until_ready("hello-hangzhou")
