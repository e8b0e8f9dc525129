"""A key that no kubelet may set on its own node is a key like any other: labelled, bound, deployed, kept."""

from sgportal.actions import label_node
from sgportal.core.names import GRID_UNIQ_KEY
from sgportal.models import GridUnit

from ..world import ADA, a_grid, a_template, seed

KEY = "node-restriction.kubernetes.io/site"


def test_a_grid_is_bound_to_it_and_its_nodes_are_labelled_here(world):
    for node, site in (("node0", "ham"), ("node1", "lyo")):
        label_node(node, {KEY: site}, ADA)
    world.look()
    world.save(a_grid("g", KEY, template=a_template()))
    service = seed("servicegrid")
    service["spec"]["gridUniqKey"] = KEY
    world.save(service)
    assert world.names() == ["g-ham", "g-lyo"]
    assert world.get("g-ham")["spec"]["template"]["spec"]["nodeSelector"][KEY] == "ham"
    world.until_ready("g-ham", "g-lyo")
    states = GridUnit.objects.filter(grid__name="g").values_list("name", "state")
    assert dict(states) == {"ham": "Ready", "lyo": "Ready"}
    assert world.get("servicegrid-demo-svc", "Service")["metadata"]["labels"][GRID_UNIQ_KEY]
    label_node("node1", {KEY: None}, ADA)
    world.look()
    assert KEY not in world.get("node1", "Node", "")["metadata"]["labels"]
