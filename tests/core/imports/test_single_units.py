"""What only some NodeUnits have, and what an application does not hand down to its grids."""

from sgportal.core.imports.translation import translate

from .test_translation import NODES, child, container, documents, grid


def test_what_an_edge_application_does_not_hand_down_is_not_on_its_grids() -> None:
    """Its annotations are said to be lost, and so is a namespace of a manifest that is not its own."""
    whole = documents("kubeedge")
    whole[2]["metadata"]["annotations"] = {"contact": "ada"}
    for manifest in whole[2]["spec"]["workloadTemplate"]["manifests"]:
        manifest["metadata"]["namespace"] = "elsewhere"
    found = translate(whole, NODES)
    assert [set(each["metadata"]) & {"annotations"} for each in found.manifests] == [set(), set()]
    assert {each["metadata"]["namespace"] for each in found.manifests} == {"shop"}
    lost = {each.pointer for each in found.findings("lost")}
    manifests = "/2/spec/workloadTemplate/manifests"
    assert {f"{manifests}/0/metadata/namespace", f"{manifests}/1/metadata/namespace", "/2/metadata/annotations"} <= lost


def test_a_pool_may_have_a_container_that_the_template_has_not() -> None:
    whole = documents("openyurt")
    app = next(each for each in whole[0]["items"] if each["kind"] == "YurtAppSet")["spec"]
    more = {"name": "more", "image": "registry.example/more:1"}
    patch = {"operation": "add", "path": "/spec/template/spec/containers/-", "value": more}
    app["workload"]["workloadTweaks"] = [{"pools": ["south"], "tweaks": {"patches": [patch]}}]
    found = translate(whole, NODES)
    assert not found.is_blocked
    made = grid(found, "DeploymentGrid")
    assert container(child(made, "south"), "more") == more
    assert child(made, "north") == made["spec"]["template"]


def test_an_image_is_for_every_pool_that_has_the_container() -> None:
    """Also where another pool that it is for, and that stands before, has not."""
    whole = documents("openyurt-v1alpha1")
    more = {"name": "more", "image": "registry.example/more:1"}
    patch = {"operation": "add", "path": "/spec/template/spec/containers/-", "value": more}
    image = {"containerName": "more", "imageClaim": "registry.example/more:2"}
    whole[2]["entries"] = [{"pools": ["south"], "patches": [patch]}, {"pools": ["*"], "items": [{"image": image}]}]
    found = translate(whole, NODES)
    made = grid(found, "StatefulSetGrid")
    assert container(child(made, "south"), "more")["image"] == "registry.example/more:2"
    assert [each.pointer for each in found.findings("lost") if "/entries/" in each.pointer] == [
        "/2/entries/1/items/0/image"
    ]
