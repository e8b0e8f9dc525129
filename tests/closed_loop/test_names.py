"""Names in every NodeUnit, asked of a real CoreDNS from the addresses of real pods: they lead to the NodeUnit's own
pods, while these are scaled and rolled, and while nodes move."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.kube.coredns import build, query
from tests.kube.network import INSIDE
from tests.kube.product import PRODUCT
from tests.services import end, wait_for

from .edge import edge

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.netns,
    pytest.mark.redis,
    pytest.mark.coredns,
    pytest.mark.timeout(400),
]
UNITS = {"node0": "a", "node1": "b", "node2": "c"}
WITHIN = "default.svc.cluster.local"
NAME, POD = f"db-svc.{WITHIN}", f"db-{{}}.db-svc.{WITHIN}"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system"
COREFILE = """.:53 {{
    errors
    kubernetes cluster.local {{
        kubeconfig {kubeconfig}
        ttl 0
    }}
    reload 2s
}}
import {folder}/*.server
"""


def databases(image="db:1", replicas=2):
    """A StatefulSetGrid whose governing Service is the ServiceGrid's."""
    labels = {"app": "db"}
    container = {"name": "c", "image": image, "ports": [{"containerPort": 8080}]}
    template = {
        "replicas": replicas,
        "serviceName": "db-svc",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    spec = {"gridUniqKey": "site", "template": template}
    return {"apiVersion": "superedge.io/v1", "kind": "StatefulSetGrid", "metadata": {"name": "db"}, "spec": spec}


def service():
    """Their headless ServiceGrid, with a Service for each NodeUnit beside it."""
    ports = [{"name": "sql", "port": 5432, "targetPort": 8080}]
    template = {"clusterIP": "None", "selector": {"app": "db"}, "ports": ports}
    spec = {"gridUniqKey": "site", "front": "perUnit", "template": template}
    return {"apiVersion": "superedge.io/v1", "kind": "ServiceGrid", "metadata": {"name": "db"}, "spec": spec}


def allow_names(net):
    """The Role of deploy/dns.yaml, for the product's user."""
    for body in yaml.safe_load_all(Path("deploy/dns.yaml").read_text()):
        if body["kind"] == "RoleBinding":
            body["subjects"] = [{"kind": "User", "name": PRODUCT, "apiGroup": "rbac.authorization.k8s.io"}]
        net.request("POST", f"{RBAC}/{body['kind'].lower()}s", body)


class Dns:
    """CoreDNS on node0, which imports what the portal writes as soon as `mounted` is asked (as a kubelet mounts it)."""

    def __init__(self, here, folder):
        self.here, self.folder, self.written = here, folder, ""
        folder.mkdir()
        kubeconfig = here.net.kubeconfig(server=INSIDE)
        (folder / "Corefile").write_text(COREFILE.format(kubeconfig=kubeconfig, folder=folder))
        inside = ["ip", "netns", "exec", here.net.namespace("node0")]
        with (folder / "coredns.log").open("wb") as log:
            command = [*inside, str(build.find()), "-conf", str(folder / "Corefile")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.clients = {
            pod["spec"]["nodeName"]: here.net.pod_namespace(pod["metadata"]["uid"])
            for pod in here.running("app%3Dclient")
        }
        node = here.net.request("GET", "/api/v1/nodes/node0")
        self.address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")

    def mount(self):
        """Bring the file in line with the ConfigMap, as the node's kubelet does."""
        body = self.here.net.get("/api/v1/namespaces/kube-system/configmaps/coredns-custom") or {}
        text = body.get("data", {}).get("sgportal.server", "")
        if text != self.written:
            (self.folder / "sgportal.server").write_text(text)
            self.written = text

    def until_it_listens(self):
        """Wait for the first answer; a node refuses what nobody listens to."""
        asking = [*self._asking("node0", "A"), NAME]
        wait_for(lambda: subprocess.run(asking, capture_output=True).returncode == 0, 75, "CoreDNS listens", 0.3)

    def _asking(self, node, kind):
        return ["ip", "netns", "exec", self.clients[node], sys.executable, query.__file__, self.address, "53", kind]

    def ask(self, node, name, kind="A"):
        """The code of the answer that a client's pod on a node gets, and what it says."""
        said = subprocess.run([*self._asking(node, kind), name], capture_output=True, text=True)
        assert said.returncode == 0, f"{said.stderr}\n{(self.folder / 'coredns.log').read_text()[-2000:]}"
        return tuple(json.loads(said.stdout))

    def wrong(self, unit_of, replicas):
        """The first of all answers on all nodes that is not the NodeUnit's own; None where all are right."""
        self.mount()
        addresses = {}
        for pod in self.here.running("app%3Ddb"):
            if unit_of.get(pod["spec"]["nodeName"]):
                addresses[pod["metadata"]["name"]] = pod["status"]["podIP"]
        for node, unit in unit_of.items():
            own = [addresses.get(f"db-{unit}-{number}", "") for number in range(replicas)]
            wanted = {NAME: ("NOERROR", sorted(own)), POD.format(replicas): ("NXDOMAIN", [])}
            wanted |= {POD.format(number): ("NOERROR", [own[number]]) for number in range(replicas)}
            for name, answer in wanted.items():
                said = self.ask(node, name)
                if (said[0], said[1]) != answer:
                    return node, name, said, answer
        return None

    def until_right(self, unit_of, replicas, seconds=75):
        """Until each node's pods have their NodeUnit's answers and no other."""
        seen = []

        def right():
            seen.append(self.wrong(unit_of, replicas))
            return seen[-1] is None

        with contextlib.suppress(AssertionError):
            wait_for(right, seconds, "every answer is the NodeUnit's own", 0.3)
        assert seen[-1] is None, seen[-1]


def uids(here):
    return {pod["metadata"]["uid"] for pod in here.pods("app%3Ddb")}


def test_names_lead_to_the_pods_of_the_askers_unit(tmp_path, redis_server):
    names = {"SGPORTAL_DNS_CONFIGMAP": "kube-system/coredns-custom"}
    with edge(tmp_path, "nftables", list(UNITS), redis_server.url, **names) as here:
        here.clients()
        for node, unit in UNITS.items():
            here.label(node, site=unit)
        here.post("statefulsetgrids", databases())
        here.post("servicegrids", service())
        here.net.wait(lambda: len(here.running("app%3Ddb")) == 6, 75, "the pods run")
        dns = Dns(here, tmp_path / "dns")
        try:
            dns.until_it_listens()
            # What is so without the portal's names: none for the pod, and everybody's pods for the Service.
            here.net.wait(lambda: len(dns.ask("node0", NAME)[1]) == 6, 75, "CoreDNS lists all pods")
            assert dns.ask("node0", POD.format(0)) == ("NXDOMAIN", [])

            before = uids(here)
            condition = lambda: {  # noqa: E731
                each["type"]: (each["status"], each["reason"])
                for each in here.door.get("servicegrids/default/db")["status"]["conditions"]
            }.get("NamesPerUnit")
            wait_for(lambda: condition() == ("False", "NotWritten"), 75, "the portal says that it may not write", 0.3)
            allow_names(here.net)
            dns.until_right(UNITS, 2)
            assert uids(here) == before, "no pod was restarted for its names"
            wait_for(lambda: condition() == ("True", "Written"), 75, "the portal says so", 0.3)
            ports = dns.ask("node1", f"_sql._tcp.{NAME}", "SRV")
            assert [each.split(" ")[0] for each in ports[1]] == ["8080", "8080"]
            assert all(each.endswith(f".db-b.{WITHIN}") for each in ports[1])
            # Another NodeUnit's pod by its whole name: who asks so means it.
            assert len(dns.ask("node0", f"db-b-0.db-svc.{WITHIN}")[1]) == 1

            here.change("statefulsetgrids/default/db", {"spec": {"template": {"replicas": 1}}})
            dns.until_right(UNITS, 1)
            change = databases("db:2", 1)["spec"]
            here.change("statefulsetgrids/default/db", {"spec": change})
            wait_for(lambda: len(uids(here) - before) == 3, 75, "the pods are rolled", 0.3)
            dns.until_right(UNITS, 1)
            # A node goes from one NodeUnit to another: what asks from it gets the other's answer.
            here.label("node1", site="a")
            dns.until_right({"node0": "a", "node1": "a", "node2": "c"}, 1)
        finally:
            end(dns.process)
