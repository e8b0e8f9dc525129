"""Writing grids and ServiceGroups: one document behind form and YAML, previewed, saved against what one has read."""

import re
from html import unescape
from pathlib import Path

import pytest
import yaml

from sgportal.models import AuditEvent, Grid, GridUnit, ServiceGroup, WorkKey

from ... import builders
from ..addresses import GRID
from ..conftest import agree

SEED = Path(__file__).parents[2] / "data" / "deploymentgrid.yaml"


def hidden(page, name):
    """What the page keeps in a field."""
    text = page.content.decode()
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>(?:\n|&#10;)?(.*?)</textarea>', text, re.S)
    found = found or re.search(rf'name="{name}" value="([^"]*)"', text)
    return unescape(found[1])


def document(page):
    return yaml.safe_load(hidden(page, "document"))


def press(client, place, page, step, **typed):
    """Press a button of the page, with what it holds and what was typed into it."""
    kept = {name: hidden(page, name) for name in ("mode", "expect", "document")}
    if 'name="seen"' in page.content.decode():
        kept["seen"] = hidden(page, "seen")
    return client.post(place, {**kept, "step": step, **typed})


def test_the_seed_from_yaml_to_a_row(operator, fleet):
    place = "/grids/new/"
    page = operator.get(place + "?mode=yaml")
    plan = press(operator, place, page, "preview", document=SEED.read_text())
    assert "deploymentgrids/default/deploymentgrid-demo" in plan.content.decode()
    assert not Grid.objects.filter(name="deploymentgrid-demo").exists()
    saved = press(operator, place, plan, "save")
    assert saved["Location"] == "/grids/deploymentgrids/default/deploymentgrid-demo/?follow=1"
    grid = Grid.objects.get(name="deploymentgrid-demo")
    assert grid.source()["spec"] == yaml.safe_load(SEED.read_text())["spec"]
    assert WorkKey.objects.filter(key=grid.path).exists()
    assert AuditEvent.objects.get().actor == "some-operator"


def test_a_service_begins_with_the_name_selector_and_ports_of_the_grid_before_whose_pods_it_stands(operator, fleet):
    grid = Grid.objects.get(name="echo", kind="DeploymentGrid")
    template = grid.spec["template"]
    template["template"]["spec"]["containers"][0]["ports"] = [
        {"containerPort": 80},
        {"containerPort": 53, "protocol": "UDP"},
    ]
    Grid.objects.filter(pk=grid.pk).update(spec=grid.spec)
    made = operator.get(GRID + "?follow=1").content.decode()
    address = unescape(re.search(r'href="(/grids/new/\?kind=ServiceGrid[^"]*)"', made)[1])
    begun = document(operator.get(address))
    assert (begun["kind"], begun["metadata"]) == ("ServiceGrid", {"name": "echo", "namespace": grid.namespace})
    assert begun["spec"]["gridUniqKey"] == grid.key
    service = begun["spec"]["template"]
    assert service["selector"] == template["selector"]["matchLabels"]
    assert [(each["name"], each["port"]) for each in service["ports"]] == [("tcp-80", 80), ("udp-53", 53)]
    assert operator.get("/grids/new/?kind=ServiceGrid&before=deploymentgrids/no/where").status_code == 404


def test_the_form_makes_a_grid(operator, fleet):
    place = "/grids/new/"
    page = operator.get(place + "?key=site")
    typed = {
        "f-name": "hello",
        "f-image": "registry.example/hello:2",
        "f-replicas": "3",
        "f-labels": "app=hello\ntier=edge",
        "f-ports": "80/TCP web\n9090",
        "f-env": "A=1\nB=x=y",
        "f-cpu": "100m",
    }
    plan = press(operator, place, page, "preview", **typed)
    assert "hello-ham" in plan.content.decode()
    press(operator, place, plan, "save")
    template = Grid.objects.get(name="hello").spec["template"]
    container = template["template"]["spec"]["containers"][0]
    assert template["replicas"] == 3
    assert (
        template["selector"]["matchLabels"]
        == template["template"]["metadata"]["labels"]
        == {"app": "hello", "tier": "edge"}
    )
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP", "name": "web"}, {"containerPort": 9090}]
    assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "x=y"}]
    assert container["resources"] == {"requests": {"cpu": "100m"}}


def test_the_form_touches_only_what_was_typed(operator, fleet):
    fleet.spec["template"]["template"]["spec"]["hostNetwork"] = True
    container = fleet.spec["template"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    container["ports"][0]["hostPort"] = 1
    fleet.spec["templatePool"] = {"big": builders.workload(replicas=9)}
    fleet.save()
    before = fleet.source()
    page = operator.get(GRID + "edit/")
    page = press(operator, GRID + "edit/", page, "yaml", **{"f-replicas": "7", "f-ports": "8080/TCP web"})
    after = document(page)
    assert after["spec"]["template"].pop("replicas") == 7
    port = after["spec"]["template"]["template"]["spec"]["containers"][0]["ports"][0]
    assert port == {"containerPort": 8080, "protocol": "TCP", "hostPort": 1, "name": "web"}
    port.pop("name")
    before["spec"]["template"].pop("replicas")
    assert after == before


def test_a_form_left_alone_keeps_the_text_as_it_was_written(operator, fleet):
    text = "# why\n" + yaml.safe_dump(fleet.source())
    page = press(operator, GRID + "edit/", operator.get(GRID + "edit/?mode=yaml"), "form", document=text)
    assert hidden(page, "mode") == "form"
    page = press(operator, GRID + "edit/", page, "yaml")
    assert hidden(page, "document") == text


@pytest.mark.parametrize(
    ("field", "text"), [("f-ports", "http"), ("f-env", "no equals"), ("f-labels", "=x"), ("f-replicas", "many")]
)
def test_unreadable_lines_are_refused_in_their_field(operator, fleet, field, text):
    page = press(operator, GRID + "edit/", operator.get(GRID + "edit/"), "preview", **{field: text})
    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.content.decode()
    assert text in unescape(page.content.decode())


def test_a_wrong_field_is_named_with_its_line(operator, fleet):
    text = SEED.read_text().replace("replicas: 2", "replicas: many")
    page = press(operator, "/grids/new/", operator.get("/grids/new/?mode=yaml"), "preview", document=text)
    assert page.status_code == 400
    assert 'data-line="9"' in page.content.decode()
    assert "/spec/template/replicas" in page.content.decode()
    assert hidden(page, "document") == text


@pytest.mark.parametrize("text", ["", ": : :", "a: &x 1\nb: *x", "- 1", "{", "\0", "kind: Pod", "[" * 99])
def test_nonsense_is_said_and_kept(operator, fleet, text):
    page = press(operator, "/grids/new/", operator.get("/grids/new/?mode=yaml"), "preview", document=text)
    assert page.status_code == 400
    checked = operator.post("/grids/check/", {"mode": "yaml", "document": text})
    assert "Invalid input" in checked.content.decode()


def test_a_document_that_no_form_fits_stays_yaml(operator, fleet):
    page = press(operator, "/grids/new/", operator.get("/grids/new/?mode=yaml"), "form", document="kind: Pod")
    assert hidden(page, "mode") == "yaml"


def test_checking_while_typing_stores_nothing(operator, fleet):
    text = yaml.safe_dump({**fleet.source(), "metadata": {"name": "new", "namespace": "default"}})
    said = operator.post("/grids/check/", {"mode": "yaml", "document": text}).content.decode()
    assert "Valid." in said
    assert "2 steps" in said
    edited = operator.post(
        "/grids/check/", {"mode": "yaml", "document": text, "path": fleet.path, "expect": fleet.etag}
    ).content.decode()
    assert "cannot be changed" in edited
    assert Grid.objects.filter(kind="DeploymentGrid").count() == 1
    assert operator.post("/grids/check/", {"document": text, "path": "a/b"}).status_code == 404


def test_creating_what_exists(operator, fleet):
    page = press(
        operator,
        "/grids/new/",
        operator.get("/grids/new/?mode=yaml"),
        "preview",
        document=yaml.safe_dump(fleet.source()),
    )
    assert page.status_code == 400
    assert "already exists" in page.content.decode()


def test_several_at_once_or_none(operator, fleet):
    one, two = ({**fleet.source(), "metadata": {"name": name, "namespace": "default"}} for name in ("one", "two"))
    place = "/grids/new/"
    bad = yaml.safe_dump_all([one, {**two, "kind": "Pod"}])
    page = press(operator, place, operator.get(place + "?mode=yaml"), "preview", document=bad)
    assert "/1/kind" in page.content.decode()
    plan = press(operator, place, page, "preview", document=yaml.safe_dump_all([one, two]))
    press(operator, place, plan, "save")
    assert Grid.objects.filter(name__in=["one", "two"]).count() == 2


def test_what_somebody_else_changed_meanwhile_is_shown_beside_ones_own(operator, fleet):
    place = GRID + "edit/"
    page = operator.get(place + "?mode=yaml")
    fleet.spec["template"]["replicas"] = 5
    fleet.version += 1
    fleet.save()
    mine = hidden(page, "document").replace("replicas: 2", "replicas: 9")
    stale = press(operator, place, page, "preview", document=mine)
    text = stale.content.decode()
    assert stale.status_code == 412
    assert "Edit conflict" in text
    assert hidden(stale, "document") == mine
    assert re.search(r'class="removed">\s*replicas: 5', text)
    assert re.search(r'class="added">\s*replicas: 9', text)
    plan = press(operator, place, stale, "preview")
    press(operator, place, plan, "save")
    fleet.refresh_from_db()
    assert fleet.spec["template"]["replicas"] == 9


def test_a_change_between_plan_and_save_is_not_overwritten(operator, fleet):
    place = GRID + "edit/"
    plan = press(operator, place, operator.get(place), "preview", **{"f-replicas": "9"})
    fleet.version += 1
    fleet.save()
    assert press(operator, place, plan, "save").status_code == 412
    fleet.refresh_from_db()
    assert fleet.spec["template"]["replicas"] == 2


def test_a_plan_that_has_changed_is_shown_again(operator, fleet):
    place = "/grids/new/"
    text = yaml.safe_dump({**fleet.source(), "metadata": {"name": "new", "namespace": "default"}})
    plan = press(operator, place, operator.get(place + "?mode=yaml"), "preview", document=text)
    builders.a_node("late", site="por")
    again = press(operator, place, plan, "save")
    assert "The cluster changed after your preview" in again.content.decode()
    assert "new-por" in again.content.decode()
    assert not Grid.objects.filter(name="new").exists()
    assert press(operator, place, again, "save").status_code == 302


def test_going_back_to_a_revision(operator, fleet):
    fleet.spec["template"]["replicas"] = 8
    fleet.generation, fleet.version = 2, 2
    fleet.save()
    fleet.remember("ada")
    page = operator.get(GRID + "revisions/")
    assert re.search(r'class="added">\s*replicas: 8', page.content.decode())
    plan = press(operator, GRID + "edit/", page, "preview")
    assert plan.status_code == 200
    press(operator, GRID + "edit/", plan, "save")
    fleet.refresh_from_db()
    assert fleet.spec["template"]["replicas"] == 2


def test_deleting_shows_what_goes(operator, fleet):
    page = operator.get(GRID + "delete/")
    assert "Delete DeploymentGrid echo?" in page.content.decode()
    stale = operator.post(GRID + "delete/", {"step": "confirm", "expect": '"old.1"'}, follow=True)
    assert "has changed since" in stale.content.decode()
    asked = {"expect": fleet.etag, "propagation": "Orphan"}
    plan = hidden(operator.post(GRID + "delete/", {**asked, "step": "preview"}), "plan")
    operator.post(GRID + "delete/", {**asked, "step": "confirm", "plan": plan})
    fleet.refresh_from_db()
    assert (bool(fleet.deleting_since), fleet.propagation) == (True, "Orphan")
    assert ">Edit<" not in operator.get(GRID).content.decode()


def test_recreating_a_unit_asks_first(operator, fleet):
    place = GRID + "units/lyo/recreate/"
    assert "Recreate the workload in lyo?" in operator.get(place).content.decode()
    assert agree(operator, place)["Location"] == GRID + "units/lyo/"
    assert GridUnit.objects.get(name="lyo").recreate
    assert not GridUnit.objects.get(name="ham").recreate


def test_removing_unused_templates_asks_first(operator, fleet):
    fleet.spec |= {
        "templatePool": {"big": builders.workload(), "small": builders.workload()},
        "templates": {"ham": "big"},
    }
    fleet.status["unusedTemplates"] = ["small"]
    fleet.save()
    assert "small" in operator.get(GRID).content.decode()
    assert "small" in operator.get(GRID + "templates/").content.decode()
    operator.post(GRID + "templates/", {"expect": '"old.1"'})
    fleet.refresh_from_db()
    assert set(fleet.spec["templatePool"]) == {"big", "small"}
    agree(operator, GRID + "templates/")
    fleet.refresh_from_db()
    assert set(fleet.spec["templatePool"]) == {"big"}


def test_a_package_by_form_with_one_grid_more(operator, fleet):
    place = "/grids/new/"
    page = operator.get(place + "?kind=ServiceGroup&key=site")
    page = press(operator, place, page, "add:StatefulSetGrid", **{"f-name": "pack"})
    assert [each["kind"] for each in document(page)["spec"]["grids"]] == [
        "DeploymentGrid",
        "ServiceGrid",
        "StatefulSetGrid",
    ]
    page = press(operator, place, page, "drop:2")
    typed = {"f-0-name": "front", "f-0-image": "registry.example/front:1", "f-1-name": "front"}
    plan = press(operator, place, page, "preview", **typed)
    assert "front-ham" in plan.content.decode()
    saved = press(operator, place, plan, "save")
    assert saved["Location"] == "/servicegroups/default/pack/"
    group = ServiceGroup.objects.get(name="pack")
    assert sorted(group.grids.values_list("kind", "name", "key")) == [
        ("DeploymentGrid", "front", "site"),
        ("ServiceGrid", "front", "site"),
    ]


@pytest.mark.parametrize("text", [": : :", "kind: ServiceGroup\nspec: []", "spec:\n  grids: 1"])
def test_another_member_for_no_package(operator, fleet, text):
    answer = operator.post("/grids/new/", {"mode": "yaml", "document": text, "step": "add:ServiceGrid"})
    assert answer.status_code == 200
    assert hidden(answer, "document") == text


def test_what_leaves_a_package_is_shown_before_it_goes(operator, fleet):
    place = "/servicegroups/default/shop/edit/"
    page = operator.get(place)
    page = press(operator, place, page, "add:ServiceGrid")
    page = press(operator, place, page, "drop:0", **{"f-1-name": "front"})
    plan = press(operator, place, page, "preview", **{"f-0-name": "front"})
    assert "removed from the ServiceGroup and deleted" in plan.content.decode()
    press(operator, place, plan, "save")
    fleet.refresh_from_db()
    assert fleet.deleting_since


def test_a_package_changed_meanwhile(operator, fleet):
    place = "/servicegroups/default/shop/edit/"
    page = operator.get(place)
    ServiceGroup.objects.update(version=9)
    assert press(operator, place, page, "preview").status_code == 412


def test_deleting_a_package(operator, fleet):
    place = "/servicegroups/default/shop/delete/"
    assert "deploymentgrids/default/echo" in operator.get(place).content.decode()
    plan = hidden(operator.get(place), "plan")
    operator.post(place, {"expect": '"old.1"', "plan": plan})
    assert ServiceGroup.objects.get().deleting_since is None
    operator.post(place, {"expect": ServiceGroup.objects.get().etag, "plan": plan})
    assert ServiceGroup.objects.get().deleting_since
    assert operator.get(place).status_code == 404
    fleet.refresh_from_db()
    assert fleet.deleting_since


def follow(client, page, **changed):
    """What the server answers to what was typed on either side of the form view."""
    kept = {name: hidden(page, name) for name in ("mode", "expect", "document", "base")}
    return client.post("/grids/check/", {**kept, **changed})


def test_beside_the_form_is_what_it_submits(operator, fleet):
    page = operator.get("/grids/new/?key=site")
    assert hidden(page, "document") == hidden(page, "base")
    typed = {"f-name": "hello", "f-image": "registry.example/hello:2"}
    followed = follow(operator, page, **typed)
    assert hidden(followed, "document") == hidden(followed, "base")
    assert "data-sections" not in followed.content.decode()
    plan = press(operator, "/grids/new/", page, "preview", **typed)
    assert hidden(plan, "document") == hidden(followed, "document")
    assert document(plan)["metadata"]["name"] == "hello"


def test_the_form_follows_the_yaml_and_says_what_it_has_no_field_for(operator, fleet):
    page = operator.get(GRID + "edit/")
    text = hidden(page, "document").replace("replicas: 2", "replicas: 6  # more\n    paused: true")
    followed = follow(operator, page, document=text, path=fleet.path)
    assert hidden(followed, "base") == hidden(followed, "document") == text
    assert 'name="f-replicas" value="6"' in followed.content.decode()
    assert "<code>/spec/template/paused</code>" in followed.content.decode()
    both = follow(operator, page, document=text, **{"f-replicas": "2", "f-image": "shop:9"})
    assert hidden(both, "document").replace("shop:9", "") != text
    assert "replicas: 6  # more" in hidden(both, "document")
    assert "image: shop:9" in hidden(both, "document")


@pytest.mark.parametrize("text", ["kind: [", "kind: ServiceGrid\n---\nkind: ServiceGrid"])
def test_a_yaml_that_no_form_shows_is_said_and_neither_side_is_lost(operator, fleet, text):
    page = operator.get(GRID + "edit/")
    before = hidden(page, "base")
    followed = follow(operator, page, document=text)
    assert hidden(followed, "document") == text
    assert hidden(followed, "base") == before
    assert "The form cannot show this YAML" in followed.content.decode()
    page = press(operator, GRID + "edit/", page, "preview", document=text, base=before, **{"f-replicas": "9"})
    assert page.status_code == 400
    assert hidden(page, "document") == text
    assert hidden(page, "base") == before
    assert 'name="f-replicas" value="9"' in page.content.decode()


def test_several_documents_are_made_from_beside_a_form(operator, fleet):
    one, two = ({**fleet.source(), "metadata": {"name": name, "namespace": "default"}} for name in ("one", "two"))
    page = operator.get("/grids/new/")
    text = yaml.safe_dump_all([one, two])
    plan = press(operator, "/grids/new/", page, "preview", document=text, base=hidden(page, "base"))
    press(operator, "/grids/new/", plan, "save")
    assert Grid.objects.filter(name__in=["one", "two"]).count() == 2


def test_one_click_on_a_grids_page_shows_the_plan_of_going_back(operator, viewer, fleet):
    link = GRID + "edit/?revision=1"
    assert link not in operator.get(GRID).content.decode()
    fleet.remember("ada")
    fleet.spec["template"]["replicas"] = 7
    fleet.generation = 2
    fleet.save()
    fleet.remember("ada")
    assert link in operator.get(GRID).content.decode()
    assert link not in viewer.get(GRID).content.decode()
    plan = operator.get(link)
    assert "/spec/replicas" in plan.content.decode()
    assert Grid.objects.get(pk=fleet.pk).spec["template"]["replicas"] == 7
    assert press(operator, link, plan, "save").status_code == 302
    assert Grid.objects.get(pk=fleet.pk).spec["template"]["replicas"] == 2


@pytest.mark.parametrize("number", ["9", "x", "²", "1" * 50])
def test_a_revision_that_is_not_stored_is_said(operator, fleet, number):
    page = operator.get(GRID + f"edit/?revision={number}", follow=True)
    assert "is not stored" in page.content.decode()
