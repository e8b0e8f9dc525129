"""Lists: selectors, pages, the other forms of an answer."""

import pytest

from ..conftest import a_deployment, a_map


@pytest.fixture
def zoo(server, maps):
    labels = {"a": {"zone": "x"}, "b": {"zone": "y"}, "c": {}, "d": {"zone": ""}}
    for name, each in labels.items():
        server("POST", maps, a_map(name, labels={"zoo": "1", **each}))
    return maps


def names(answer):
    return [item["metadata"]["name"] for item in answer.body["items"]]


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("zone=x", "a"),
        ("zone!=x,zoo", "bcd"),
        ("zone in (x,y)", "ab"),
        ("zone notin (x),zoo", "bcd"),
        ("zone", "abd"),
        ("!zone,zoo", "c"),
        ("zone=,zoo", "d"),
    ],
)
def test_label_selectors(server, zoo, selector, chosen):
    answer = server("GET", f"{zoo}?labelSelector={selector.replace(' ', '%20').replace('=', '%3D')}")
    assert "".join(names(answer)) == chosen


def test_a_bad_label_selector_is_400(server, zoo):
    assert server("GET", f"{zoo}?labelSelector=a%20b%20c").status == 400


def test_field_selectors(server, zoo):
    assert names(server("GET", f"{zoo}?fieldSelector=metadata.name%3Db")) == ["b"]
    assert server("GET", f"{zoo}?fieldSelector=data.x%3Db").status == 400


def test_paging(server, zoo):
    first = server("GET", f"{zoo}?limit=2&labelSelector=zoo")
    assert names(first) == ["a", "b"]
    assert first.body["metadata"].get("remainingItemCount", 2) == 2  # left out where there is a selector
    place = first.body["metadata"]["continue"]
    second = server("GET", f"{zoo}?limit=2&labelSelector=zoo&continue={place}")
    assert names(second) == ["c", "d"]
    assert second.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]


def test_a_page_may_be_the_last_and_not_know_it(server, zoo):
    """A page is full before it is known whether the selector chooses any more of the collection."""
    server("POST", zoo, a_map("z"))
    place = server("GET", f"{zoo}?limit=4&labelSelector=zoo").body["metadata"]["continue"]
    last = server("GET", f"{zoo}?limit=4&labelSelector=zoo&continue={place}").body
    assert (last["items"], last["metadata"].get("continue")) == ([], None)


def test_all_namespaces(server, zoo):
    assert {"a", "b", "c", "d"} <= set(names(server("GET", "/api/v1/configmaps?labelSelector=zoo")))


def test_metadata_only(server, zoo):
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    body = server("GET", f"{zoo}?labelSelector=zoo", accept=accept).body
    assert body["kind"] == "PartialObjectMetadataList"
    assert all("data" not in item and item["metadata"]["uid"] for item in body["items"])


def test_tables(server, deployments):
    server("POST", deployments, a_deployment())
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    body = server("GET", deployments, accept=accept).body
    assert body["kind"] == "Table"
    columns = [column["name"] for column in body["columnDefinitions"]]
    assert columns[:5] == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert body["rows"][0]["cells"][0] == "web"
    assert body["rows"][0]["object"]["metadata"]["name"] == "web"


def test_discovery_lists_what_is_served(server):
    groups = {group["name"] for group in server("GET", "/apis").body["groups"]}
    assert {"apps", "discovery.k8s.io", "apiextensions.k8s.io"} <= groups
    resources = {each["name"]: each for each in server("GET", "/apis/apps/v1").body["resources"]}
    assert resources["deployments"]["shortNames"] == ["deploy"]
    assert "deployments/status" in resources
    assert server("GET", "/version").body["major"] == "1"
