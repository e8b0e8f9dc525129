"""The actions both doors share, on rows alone."""

import pytest

from sgportal.actions import Actor, AlreadyExists, NotFound, Stale, delete_group, save_grids, save_group
from sgportal.core.text import Invalid
from sgportal.models import AuditEvent, Grid, Revision, ServiceGroup, WorkKey

from .core.builders import a_manifest, a_service, a_template

ADA = Actor("ada", "shell")
pytestmark = pytest.mark.django_db


def a_group(*grids, name="shop", key="zone", **spec):
    metadata = {"name": name, "namespace": "shop"}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": metadata,
        "spec": {"gridUniqKey": key, "grids": list(grids), **spec},
    }


def without(manifest, *paths):
    for parent, field in paths:
        del manifest[parent][field]
    return manifest


def test_a_package_saves_its_grids_with_its_key_and_namespace():
    member = without(a_manifest("web"), ("metadata", "namespace"), ("spec", "gridUniqKey"))
    saved = save_group(a_group(member, a_service("web")), ADA)
    assert saved.result == "created"
    assert sorted(Grid.objects.values_list("kind", "namespace", "key", "group__name")) == [
        ("DeploymentGrid", "shop", "zone", "shop"),
        ("ServiceGrid", "shop", "zone", "shop"),
    ]
    assert WorkKey.objects.count() == 3  # and the package


def test_saving_it_again_changes_nothing():
    first = save_group(a_group(a_manifest("web")), ADA).group
    again = save_group(a_group(a_manifest("web")), ADA)
    assert (again.result, again.group.version) == ("unchanged", first.version)
    assert AuditEvent.objects.filter(path="servicegroups/shop/shop").count() == 1


def test_what_it_no_longer_names_is_deleted():
    save_group(a_group(a_manifest("web"), a_manifest("old")), ADA)
    saved = save_group(a_group(a_manifest("web")), ADA)
    assert [grid.name for grid in saved.removed] == ["old"]
    assert Grid.objects.get(name="old").deleting_since


def test_one_bad_member_stores_nothing_and_is_named():
    bad = a_manifest("bad")
    bad["spec"]["template"]["replicas"] = "x"
    with pytest.raises(Invalid) as caught:
        save_group(a_group(a_manifest("web"), bad), ADA)
    assert [each.pointer for each in caught.value.problems] == ["/spec/grids/1/spec/template/replicas"]
    assert not Grid.objects.exists()
    assert not ServiceGroup.objects.exists()


@pytest.mark.parametrize(
    ("manifest", "pointer"),
    [
        (a_group(a_manifest(key="city")), "/spec/grids/0/spec/gridUniqKey"),
        (
            a_group({**a_manifest(), "metadata": {"name": "g", "namespace": "other"}}),
            "/spec/grids/0/metadata/namespace",
        ),
        (a_group({**a_manifest(), "kind": "Deployment"}), "/spec/grids/0/kind"),
        (a_group("x"), "/spec/grids/0"),
        (a_group(key=""), "/spec/gridUniqKey"),
        (a_group(name="Bad Name"), "/metadata/name"),
        (a_group(grid=[]), "/spec/grid"),
        (["x"], ""),
    ],
)
def test_a_bad_package_is_refused_naming_the_field(manifest, pointer):
    with pytest.raises(Invalid) as caught:
        save_group(manifest, ADA)
    assert [each.pointer for each in caught.value.problems] == [pointer]
    assert not ServiceGroup.objects.exists()


def test_a_grid_belongs_to_one_package_only():
    save_group(a_group(a_manifest("web")), ADA)
    with pytest.raises(Invalid) as caught:
        save_group(a_group(a_manifest("web"), name="other"), ADA)
    assert caught.value.problems[0].pointer == "/spec/grids/0/metadata/name"


def test_deleting_a_package_deletes_its_grids_and_a_dry_run_does_not():
    group = save_group(a_group(a_manifest("web")), ADA).group
    assert set(delete_group(group, ADA, dry_run=True)) == {"deploymentgrids/shop/web"}
    assert ServiceGroup.objects.exists()
    delete_group(group, ADA)
    assert ServiceGroup.objects.get().deleting_since
    assert Grid.objects.get().deleting_since
    with pytest.raises(NotFound):
        delete_group(group, ADA)


def test_a_stale_or_double_write_is_refused():
    group = save_group(a_group(a_manifest("web")), ADA).group
    with pytest.raises(AlreadyExists):
        save_group(a_group(a_manifest("web")), ADA, create_only=True)
    with pytest.raises(Stale):
        save_group(a_group(a_manifest("web")), ADA, expect='"other"')
    assert save_group(a_group(a_manifest("web")), ADA, expect=group.etag).result == "unchanged"


def test_a_dry_run_stores_nothing():
    saved = save_grids([a_manifest("web")], ADA, dry_run=True)[0]
    assert (saved.grid, saved.result, saved.path) == (None, "created", "deploymentgrids/shop/web")
    saved = save_group(a_group(a_manifest("web")), ADA, dry_run=True)
    assert saved.group is None
    for model in (Grid, Revision, AuditEvent, WorkKey, ServiceGroup):
        assert not model.objects.exists()


def test_the_same_grid_twice_in_one_bundle_is_refused():
    with pytest.raises(Invalid) as caught:
        save_grids([a_manifest("web"), a_manifest("web")], ADA)
    assert caught.value.problems[0].pointer == "/1/metadata/name"


def test_a_group_takes_in_a_grid_that_stands_alone_as_it_is_and_changes_none():
    """Whoever comes second to a name changes nothing."""
    alone = save_grids([a_manifest("web")], ADA)[0].grid
    other = a_manifest("web", template=a_template(image="img:2"))
    with pytest.raises(Invalid) as refused:
        save_group(a_group(a_manifest("api"), other), ADA)
    assert [each.pointer for each in refused.value.problems] == ["/spec/grids/1/spec"]
    assert not ServiceGroup.objects.exists()
    assert list(Grid.objects.values_list("name", "generation")) == [("web", 1)]
    group = save_group(a_group(a_manifest("web")), ADA).group
    alone.refresh_from_db()
    assert (alone.group, alone.generation) == (group, 1)
    save_group(a_group(other), ADA)
    alone.refresh_from_db()
    assert alone.generation == 2
