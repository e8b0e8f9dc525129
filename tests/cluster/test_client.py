"""The client against an API server over TLS: what it asks for is what it gets, and every refusal has its class."""

import threading
from typing import Any

import pytest

from embedded_cluster import EmbeddedCluster
from sgportal.cluster import (
    JSON_PATCH,
    MERGE_PATCH,
    Cluster,
    ClusterError,
    Conflict,
    Expired,
    NotFound,
    Refused,
    Throttled,
    Unreachable,
    connect,
    install_crds,
)


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "labels": {"a": "b"}},
        "spec": {"selector": {"app": "x"}, "ports": ports, **spec},
    }


def test_reading(cluster: Cluster) -> None:
    node = cluster.get("Node", "", "node0")
    assert node is not None
    assert (node["kind"], node["metadata"]["name"]) == ("Node", "node0")
    assert cluster.get("Node", "", "none") is None
    assert cluster.get("Deployment", "no-such-namespace", "none") is None
    assert cluster.version().startswith("v1.")


def test_a_list_is_the_same_however_it_is_paged(cluster: Cluster) -> None:
    whole, paged = cluster.list("Node"), cluster.list("Node", limit=1)
    assert [each["metadata"]["name"] for each in whole.items] == ["node0", "node1", "node2"]
    assert paged.items == whole.items
    assert all((each["apiVersion"], each["kind"]) == ("v1", "Node") for each in whole.items)
    assert len(list(cluster.pages("Node", limit=1))) == 3


def test_selectors_and_metadata(cluster: Cluster) -> None:
    cluster.patch("Node", "", "node1", {"metadata": {"labels": {"zone": "a"}}}, MERGE_PATCH)
    assert [each["metadata"]["name"] for each in cluster.list("Node", label_selector="zone=a").items] == ["node1"]
    named = cluster.list("Node", field_selector="metadata.name=node2", metadata_only=True).items
    assert [each["metadata"]["name"] for each in named] == ["node2"]
    assert named[0].keys() == {"apiVersion", "kind", "metadata"}
    assert named[0]["kind"] == "Node"


def test_a_list_begins_anew_where_the_server_forgot_the_place(cluster: Cluster, embedded: EmbeddedCluster) -> None:
    pages = cluster.pages("Node", limit=1)
    next(pages)
    cluster.patch("Node", "", "node0", {"metadata": {"labels": {"x": "y"}}}, MERGE_PATCH)
    embedded.compact()
    with pytest.raises(Expired):
        next(pages)
    embedded.faults.add("status", methods=["GET"], path="/nodes$", code=410, count=1)
    assert len(cluster.list("Node", limit=1).items) == 3


def test_apply_creates_then_changes(cluster: Cluster) -> None:
    assert cluster.apply(service()).created
    again = cluster.apply(service())
    assert not again.created
    assert again.body["metadata"]["labels"] == {"a": "b"}
    changed = cluster.apply(service(selector={"app": "y"})).body
    assert changed["spec"]["selector"] == {"app": "y"}
    assert changed["metadata"]["uid"] == again.body["metadata"]["uid"]


def test_apply_never_takes_a_field_from_another_unless_forced(cluster: Cluster) -> None:
    cluster.apply(service())
    cluster.patch("Service", "default", "s", {"metadata": {"labels": {"a": "mine"}}}, MERGE_PATCH)
    with pytest.raises(Conflict) as caught:
        cluster.apply(service())
    assert caught.value.reason == "Conflict"
    assert caught.value.causes
    assert cluster.apply(service(), force=True).body["metadata"]["labels"] == {"a": "b"}


def test_a_dry_run_leaves_nothing(cluster: Cluster) -> None:
    assert cluster.apply(service(), dry_run=True).created
    assert cluster.get("Service", "default", "s") is None
    cluster.apply(service())
    cluster.patch("Service", "default", "s", {"metadata": {"labels": {"a": "c"}}}, MERGE_PATCH, dry_run=True)
    cluster.delete("Service", "default", "s", dry_run=True)
    assert (cluster.get("Service", "default", "s") or {})["metadata"]["labels"] == {"a": "b"}


def test_the_uid_guards_writes(cluster: Cluster) -> None:
    made = cluster.apply(service()).body
    other = service()
    other["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(Conflict):
        cluster.apply(other)
    with pytest.raises(Conflict):
        cluster.delete("Service", "default", "s", uid=other["metadata"]["uid"])
    cluster.delete("Service", "default", "s", uid=made["metadata"]["uid"])
    assert cluster.get("Service", "default", "s") is None
    cluster.delete("Service", "default", "s", uid=made["metadata"]["uid"])  # gone already: that is success


def test_patches(cluster: Cluster) -> None:
    patched = cluster.patch("Node", "", "node0", {"metadata": {"labels": {"zone": "a"}}}, MERGE_PATCH)
    assert patched["metadata"]["labels"]["zone"] == "a"
    moves = [
        {"op": "test", "path": "/metadata/labels/zone", "value": "a"},
        {"op": "replace", "path": "/metadata/labels/zone", "value": "b"},
    ]
    assert cluster.patch("Node", "", "node0", moves, JSON_PATCH)["metadata"]["labels"]["zone"] == "b"
    with pytest.raises(Refused):
        cluster.patch("Node", "", "node0", moves, JSON_PATCH)
    with pytest.raises(NotFound):
        cluster.patch("Node", "", "none", {}, MERGE_PATCH)


def test_the_status_is_patched_apart_from_the_spec(cluster: Cluster) -> None:
    install_crds(cluster)
    cluster.apply(
        {
            "apiVersion": "superedge.io/v1",
            "kind": "ServiceGrid",
            "metadata": {"name": "g", "namespace": "default"},
            "spec": {"gridUniqKey": "zone", "template": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
        }
    )
    both = {"spec": {"gridUniqKey": "other"}, "status": {"observedGeneration": 3}}
    body = cluster.patch("ServiceGrid", "default", "g", both, MERGE_PATCH, subresource="status")
    assert (body["spec"]["gridUniqKey"], body["status"]) == ("zone", {"observedGeneration": 3})


def test_a_watch_tells_what_happens_and_goes_on_where_it_was_left(cluster: Cluster) -> None:
    start = cluster.list("Service").resource_version
    with cluster.watch("Service", start, timeout_seconds=5) as watch:
        cluster.apply(service("one"))
        first = next(watch)
    assert first.type == "ADDED"
    cluster.apply(service("one", selector={"app": "y"}))
    cluster.delete("Service", "default", "one")
    with cluster.watch("Service", first.resource_version, timeout_seconds=1) as watch:
        assert [event.type for event in watch if event.type != "BOOKMARK"] == ["MODIFIED", "DELETED"]


def test_a_watch_of_a_quiet_resource_has_bookmarks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_cluster.server.reading.BOOKMARK_SECONDS", 0.1)
    start = cluster.list("Pod").resource_version
    cluster.apply(service())
    with cluster.watch("Pod", start, timeout_seconds=5) as watch:
        event = next(watch)
    assert event.type == "BOOKMARK"
    assert int(event.resource_version) > int(start)


def test_a_watch_from_a_forgotten_version_says_so(cluster: Cluster, embedded: EmbeddedCluster) -> None:
    start = cluster.list("Node").resource_version
    cluster.patch("Node", "", "node0", {"metadata": {"labels": {"x": "y"}}}, MERGE_PATCH)
    embedded.compact()
    with pytest.raises(Expired):
        list(cluster.watch("Node", start, timeout_seconds=1))


def test_a_watch_with_a_selector_sees_what_it_chooses(cluster: Cluster) -> None:
    start = cluster.list("Service").resource_version
    cluster.apply(service("one"))
    other = service("two")
    other["metadata"]["labels"] = {"a": "c"}
    cluster.apply(other)
    with cluster.watch("Service", start, label_selector="a=c", timeout_seconds=1) as watch:
        names = [event.body["metadata"]["name"] for event in watch if event.type == "ADDED"]
    assert names == ["two"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, NotFound),
        (409, Conflict),
        (410, Expired),
        (422, Refused),
        (429, Throttled),
        (500, Unreachable),
        (503, Unreachable),
    ],
)
def test_every_refusal_has_its_class(
    cluster: Cluster, embedded: EmbeddedCluster, code: int, kind: type[ClusterError]
) -> None:
    embedded.faults.add("status", code=code, retry_after=3)
    with pytest.raises(kind) as caught:
        cluster.apply(service())
    assert (caught.value.status, caught.value.retry_after) == (code, 3.0)
    assert "told to misbehave" in str(caught.value)


def test_a_port_that_closes_and_opens(cluster: Cluster, embedded: EmbeddedCluster) -> None:
    cluster.version()
    embedded.unreachable(True)
    with pytest.raises(Unreachable):
        cluster.version()
    embedded.unreachable(False)
    assert cluster.version()


def test_whether_a_kind_is_served(cluster: Cluster) -> None:
    assert cluster.serves("Deployment")
    assert not cluster.serves("DeploymentGrid")
    install_crds(cluster)
    assert cluster.serves("DeploymentGrid")


def test_many_threads_share_one_client(cluster: Cluster) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                assert cluster.get("Node", "", "node0")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    ("target", "text", "says"),
    [
        ("nonsense", "", "must be in-cluster, kubeconfig"),
        ("in-cluster", "", "in-cluster"),
        ("kubeconfig", "a: [", "cannot be used"),
        ("kubeconfig", "", "cannot be used"),
        ("kubeconfig", "just text", "cannot be used"),
        ("kubeconfig:nobody", "contexts: []\ncurrent-context: x", "kubeconfig:nobody"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said(tmp_path, monkeypatch, target: str, text: str, says: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ClusterError, match=says):
        connect(target)


def test_the_demo_without_its_kubeconfig(monkeypatch) -> None:
    monkeypatch.delenv("SGPORTAL_DEMO_KUBECONFIG", raising=False)
    with pytest.raises(ClusterError, match="SGPORTAL_DEMO_KUBECONFIG is not set"):
        connect("demo")
