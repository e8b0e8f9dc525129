"""Grids of no package that wait for one another, by the annotation: said at each of them, and refused where it is seen
before it is stored."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from sgportal.actions import save_grids
from sgportal.api.http.language import localise
from sgportal.core.grids.order import ring_through
from sgportal.core.names import DEPENDS_ON
from sgportal.core.text import Invalid
from sgportal.models import ApiToken, Grid
from sgportal.reconciler.grids.resource import sync

from ..world import ADA, World, a_grid, a_template
from .test_packages import world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only


def waiting(name: str, *places: str, image: str = "img:1", **spec: Any) -> dict[str, Any]:
    """A grid that waits for those at these places."""
    found = a_grid(name, template=a_template(image, app=name), **spec)
    found["metadata"] |= {"namespace": "default", "annotations": {DEPENDS_ON: ",".join(places)}}
    return found


def dg(name: str) -> str:
    return f"deploymentgrids/{name}"


def kubectl_apply(world: World, *manifests: dict[str, Any]) -> None:
    for each in manifests:
        world.cluster.apply(each, force=True)
        name = each["metadata"]["name"]
        sync.observe("DeploymentGrid", "default", name, world.cluster.get("DeploymentGrid", "default", name))
    world.settle()


def state(name: str) -> tuple[str, str]:
    cell = Grid.objects.get(name=name).units.get(name="a")
    return cell.state, cell.reason


def test_two_that_wait_for_one_another_say_so_over_kubectl_until_one_does_not(world: World) -> None:
    kubectl_apply(world, waiting("api", dg("web")), waiting("web", dg("api")))
    world.resync()
    world.resync()
    assert world.names() == []
    assert state("api") == state("web") == ("Blocked", "WaitingInARing")
    body = world.get("web", "DeploymentGrid")
    said = next(each for each in body["status"]["conditions"] if each["type"] == "Ready")
    assert said["reason"] == "WaitingInARing"
    assert "deploymentgrids/web → deploymentgrids/api → deploymentgrids/web" in said["message"]
    assert DEPENDS_ON in said["message"]
    with translation.override("zh-hans"):
        assert "互相等待" in localise(Grid.objects.get(name="api").units.get(name="a").sentence)
    free = waiting("api")
    free["metadata"]["annotations"] = {DEPENDS_ON: ""}
    kubectl_apply(world, free)
    world.until_ready("api-a", "api-b")
    world.resync()
    world.until_ready("web-a", "web-b")
    world.resync()
    assert state("web") == ("Ready", "AllReady")


def test_one_that_waits_for_something_that_only_comes_late_is_in_no_ring(world: World) -> None:
    """It waits for one that waits for a third, which is there and not ready yet."""
    kubectl_apply(world, waiting("web", dg("api")), waiting("api", dg("db")))
    world.resync()
    assert state("api") == state("web") == ("Progressing", "WaitingForMember")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_would_make_a_ring_is_refused_before_it_is_stored(world: World, client: Client, language: str) -> None:
    save_grids([waiting("api", dg("web"), image="img:1")], ADA, ask=False)
    _, token = ApiToken.issue(User.objects.create_superuser("eve"), "t", "write")
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
    for query in ("", "?dryRun=All"):
        answer = client.post(
            f"/api/v1/deploymentgrids{query}", waiting("web", dg("api")), "application/json", headers=headers
        )
        assert answer.status_code == 422, answer.content
        (found,) = json.loads(answer.content)["errors"]
        assert found["pointer"] == "/metadata/annotations/sgportal.superedge.io~1depends-on"
        assert "deploymentgrids/web → deploymentgrids/api → deploymentgrids/web" in found["detail"]
        assert ("互相等待" in found["detail"]) == (language == "zh-hans")
    assert not Grid.objects.filter(name="web").exists()


def test_a_ring_within_one_request_or_of_one_alone_is_refused(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        save_grids([waiting("api", dg("web")), waiting("web", dg("api"))], ADA, ask=False)
    pointers = [each.pointer for each in refused.value.problems]
    assert pointers == [f"/{index}/metadata/annotations/sgportal.superedge.io~1depends-on" for index in (0, 1)]
    with pytest.raises(Invalid, match="deploymentgrids/web → deploymentgrids/web"):
        save_grids([waiting("web", dg("web"))], ADA, ask=False)
    assert not Grid.objects.exists()


def test_a_grid_that_is_in_a_ring_can_be_edited_and_freed(world: World) -> None:
    kubectl_apply(world, waiting("api", dg("web")), waiting("web", dg("api")))
    world.change(Grid.objects.get(name="api"), lambda body: body["spec"]["template"].update(replicas=2))
    free = Grid.objects.get(name="api").source()
    free["metadata"]["annotations"] = {}
    save_grids([free], ADA, ask=False)


def test_a_ring_names_nobody_whom_a_reader_of_the_grid_might_not_know(world: World) -> None:
    """A role may be limited to a kind, or to a NodeGroup; who reads a grid reads its annotation."""
    other = {"gridUniqKey": "secret-group"}
    save_grids([waiting("b", dg("c")), waiting("c", dg("d"), **other), waiting("d", dg("a"))], ADA, ask=False)
    with pytest.raises(Invalid) as refused:
        save_grids([waiting("a", dg("b"))], ADA, ask=False)
    said = str(refused.value)
    assert "deploymentgrids/a → deploymentgrids/b → … → deploymentgrids/d → deploymentgrids/a" in said
    assert "/c" not in said


def test_a_way_back_is_found_wherever_it_leads() -> None:
    assert ring_through("a", {"a": ["b", "c"], "b": ["b", "d"], "c": ["a"], "d": ["a"]}) == ("a", "c", "a")
    assert ring_through("a", {"a": ["b"], "b": ["c"], "c": ["b"]}) == ()
    assert ring_through("a", {}) == ()
    long = {str(number): [str(number + 1)] for number in range(5000)}
    assert len(ring_through("0", {**long, "5000": ["0"]})) == 5002
