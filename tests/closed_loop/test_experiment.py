"""The experiment of the walk-through, for real: the seed's labels and manifests over REST, then calls from every node
and pod. node0 only ever sees node0; node1 and node2 see both node1 and node2."""

from collections import defaultdict

import pytest
import yaml

from tests.house.tree import ROOT
from tests.services import wait_for

from .edge import edge

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.netns,
    pytest.mark.redis,
    pytest.mark.timeout(300),
]
EXAMPLES = ROOT / "docs" / "examples"
UNITS = {"node0": "nodeunit1", "node1": "nodeunit2", "node2": "nodeunit2"}
PORT = 8080
REACHED = {"node0": {"node0"}, "node1": {"node1", "node2"}, "node2": {"node1", "node2"}}


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_a_call_stays_in_its_unit(mode, tmp_path, redis_server):
    with edge(tmp_path, mode, list(UNITS), redis_server.url) as here:
        for node, unit in UNITS.items():
            here.label(node, zone1=unit)
        here.post("deploymentgrids", yaml.safe_load((EXAMPLES / "deploymentgrid.yaml").read_text()))
        here.post("servicegrids", yaml.safe_load((EXAMPLES / "servicegrid.yaml").read_text()))
        here.net.wait(lambda: len(here.running("appGrid%3Decho")) == 4, 40, "the pods run")
        here.clients()
        here.until_proved("servicegrid-demo", dict.fromkeys(UNITS, "closed"))
        address = here.address("servicegrid-demo-svc")

        for node, reached in REACHED.items():
            assert {here.net.call(node, f"http://{address}/").split(" ")[0] for _ in range(20)} <= reached
        calls = here.net.caller(f"{address}:80", here.net.sources(list(UNITS)), count=200).finish()
        met = defaultdict(set)
        node_of = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in here.pods("")}
        for call in calls:
            kind, _, name = call.source.partition("/")
            met[name if kind == "node" else node_of[name]].add(call.node or call.error)
        assert met == REACHED
        assert len(calls) == 200 * (3 + 4 + 3)

        said = {
            node: {each["node"] for each in row["endpoints"]} for node, row in here.proof("servicegrid-demo").items()
        }
        assert said == REACHED, "what the portal computes is what the connections show"
        left_to_superedges_filter(here)
        opened_by_a_stranger(here, address)


def left_to_superedges_filter(here):
    """A Service made by hand with `topologyKeys`: the portal shows it by SuperEdge's rule, and says that this rule is
    kept on the nodes or not at all. Here it is not."""
    spec = {"selector": {"appGrid": "echo"}, "ports": [{"port": 80, "targetPort": 8080}]}
    metadata = {"name": "byhand", "annotations": {"topologyKeys": '["zone1"]'}}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    here.net.request("POST", "/api/v1/namespaces/default/services", body)
    found = wait_for(lambda: here.door.get("services")["items"], 75, "the portal sees the Service")
    assert [(each["name"], each["nodes"]) for each in found] == [("byhand", {"unknown": 3})]
    assert "without it, traffic goes to every NodeUnit" in found[0]["reason"]
    rows = here.door.get("services/default/byhand/endpoints")["items"]
    assert {row["node"]: {each["node"] for each in row["endpoints"]} for row in rows} == REACHED
    target = f"http://{here.address('byhand')}/"
    wait_for(lambda: here.net.call("node0", target), 75, "it is served")
    assert {here.net.call("node0", target).split(" ")[0] for _ in range(60)} == {*UNITS}


def opened_by_a_stranger(here, address):
    """Somebody adds a slice without hints: the portal says that the Service leaks, and to whom; connections agree."""
    pod = {"containers": [{"name": "c", "image": "x", "ports": [{"containerPort": PORT}]}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger"}, "spec": {**pod, "nodeName": "node1"}}
    here.net.request("POST", "/api/v1/namespaces/default/pods", body)
    path = "/api/v1/namespaces/default/pods/stranger"
    ip = here.net.wait(lambda: here.net.get(path)["status"].get("podIP"), 20, "the stranger runs")
    endpoint = {"addresses": [ip], "nodeName": "node1", "targetRef": {"kind": "Pod", "name": "stranger"}}
    labels = {"kubernetes.io/service-name": "servicegrid-demo-svc"}
    slice_ = {"metadata": {"name": "bare", "labels": labels}, "addressType": "IPv4", "endpoints": [endpoint]}
    slice_["ports"] = [{"port": PORT, "protocol": "TCP"}]
    here.net.request("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice_)
    here.until_proved("servicegrid-demo", dict.fromkeys(UNITS, "leaking"))
    row = here.proof("servicegrid-demo")["node0"]
    assert "EndpointSlice bare has no hints" in row["reason"]
    calls = here.net.caller(f"{address}:80", here.net.sources(["node0"]), count=200).finish()
    assert {call.pod for call in calls if call.node} == {each["pod"] for each in row["endpoints"]}
    assert any(call.error == "refused" for call in calls), "the sentinel refuses its share"
    assert [call for call in calls if call.error not in ("", "refused")] == []
