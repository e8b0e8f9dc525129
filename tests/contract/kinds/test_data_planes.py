"""What the look at the data plane relies on: discovery of groups, dry runs of EndpointSlices, objects read by name."""

import pytest

from sgportal.core.traffic.dataplane import survived, trial_slice
from tests.reconciler.discovery.planes import CILIUM, FELIX, definition

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def groups(server):
    return {each["name"] for each in server("GET", "/apis").body["groups"]}


@pytest.fixture
def served(server):
    """Have kinds served for a while."""
    made = []

    def serve(resource):
        body = definition(resource)
        assert server("POST", CRDS, body).status == 201
        made.append(body["metadata"]["name"])

    yield serve
    for name in made:
        server("DELETE", f"{CRDS}/{name}")
    # Whoever looks for a data plane next must not find this one.
    server.until(lambda: not {name.partition(".")[2] for name in made} & groups(server))


def test_a_dry_run_of_a_slice_answers_with_its_hints_and_a_name_and_stores_nothing(server, namespace):
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    body = trial_slice(namespace)
    made = server("POST", f"{slices}?dryRun=All&fieldValidation=Strict&fieldManager=sgportal", body)
    assert made.status == 201, made
    assert survived(body, made.body).kept
    assert made.body["metadata"]["name"].startswith("sgportal-trial-")
    assert server("GET", slices).body["items"] == []


def test_a_server_refuses_a_hint_that_it_does_not_know_and_names_it(server, namespace):
    """As a server before 1.33 refuses `forNodes`."""
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    body = trial_slice(namespace)
    body["endpoints"][0]["hints"]["forRacks"] = [{"name": "a"}]
    refused = server("POST", f"{slices}?dryRun=All&fieldValidation=Strict", body)
    assert refused.status == 400
    assert 'unknown field "endpoints[0].hints.forRacks"' in refused.body["message"]
    body["endpoints"][0]["hints"] = {"forNodes": [{"name": "Not_A_Name"}]}
    refused = server("POST", f"{slices}?dryRun=All&fieldValidation=Strict", body)
    assert refused.status == 422
    assert "hints" in refused.body["message"]


@pytest.mark.parametrize("resource", [CILIUM, FELIX], ids=["cilium", "calico"])
def test_a_group_is_listed_while_a_definition_of_it_is_there(server, served, resource):
    group = resource.api_version.partition("/")[0]
    assert group not in groups(server)
    assert server("GET", resource.path("", "default")).status == 404
    served(resource)
    server.until(lambda: group in groups(server))
    assert server("GET", resource.path("", "default")).status == 404
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "default"}}
    body["spec"] = {"bpfEnabled": True}
    # A kind's own storage is up a moment after discovery names its group.
    server.until(lambda: server("POST", resource.path(), body).status in (201, 409))
    assert server("GET", resource.path("", "default")).body["spec"] == {"bpfEnabled": True}
    server("DELETE", f"{CRDS}/{definition(resource)['metadata']['name']}")
    server.until(lambda: group not in groups(server))
