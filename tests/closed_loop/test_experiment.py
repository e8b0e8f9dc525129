"""The experiment of the walk-through, for real: the seed's labels and manifests over REST, then calls from every node
and pod. node0 only ever sees node0; node1 and node2 see both node1 and node2."""

from collections import defaultdict

import pytest
import yaml

from tests.house.tree import ROOT

from .edge import edge

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.netns,
    pytest.mark.redis,
    pytest.mark.timeout(300),
]
EXAMPLES = ROOT / "docs" / "examples"
UNITS = {"node0": "nodeunit1", "node1": "nodeunit2", "node2": "nodeunit2"}
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
