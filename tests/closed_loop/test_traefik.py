"""A real Traefik on every node, as a DaemonSet would run it: what it makes of a closed Service with the recipe of
docs/other-readers.md, of the plain Service beside it, and of the closed Service as it is."""

import contextlib
import subprocess
from collections import Counter

import pytest

from tests.kube.network import INSIDE
from tests.kube.traefik import build
from tests.services import end

from .edge import edge
from .test_never_a_leak import manifest, service

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.netns,
    pytest.mark.redis,
    pytest.mark.traefik,
    pytest.mark.timeout(300),
]
UNITS = {"node0": "u1", "node1": "u2", "node2": "u3"}  # u3 has no pods
REQUESTS = 10_000
NATIVE = "traefik.ingress.kubernetes.io/service.nativelb"
ENTRY = "traefik.ingress.kubernetes.io/router.entrypoints"
PORTS = {"own": 8001, "everybody": 8002, "astray": 8003}


def closed(name, **annotations):
    """A strict ServiceGrid of this name over the same pods, with a plain Service beside it."""
    grid = service()
    grid["metadata"] = {"name": name, "annotations": annotations}
    grid["spec"] |= {"closure": {"mode": "strict"}, "front": "all"}
    return grid


def ingress(name, backend):
    """An Ingress for the entry point of its name."""
    to = {"service": {"name": backend, "port": {"number": 80}}}
    rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": to}]}}
    metadata = {"name": name, "annotations": {ENTRY: name}}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": [rule]}}
    return "/apis/networking.k8s.io/v1/namespaces/default/ingresses", body


@contextlib.contextmanager
def traefik(net, nodes):
    """Traefik on these nodes, each in its network."""
    arguments = [f"--entrypoints.{name}.address=:{port}" for name, port in PORTS.items()]
    arguments += ["--providers.kubernetesingress=true", "--log.level=INFO"]
    arguments += ["--global.checknewversion=false", "--global.sendanonymoususage=false"]
    config, running = net.kubeconfig(server=INSIDE), []
    try:
        for node in nodes:
            inside = ["ip", "netns", "exec", net.namespace(node), "env", f"KUBECONFIG={config}", str(build.find())]
            with (net.folder / f"traefik@{node}.log").open("wb") as log:
                running.append(subprocess.Popen([*inside, *arguments], stdout=log, stderr=log))
        yield
    finally:
        for process in running:
            end(process)


def asked(net, node, entry, requests):
    """Who answered so many requests from a node to its own Traefik: the units of the pods, or the error."""
    calls = net.caller(f"127.0.0.1:{PORTS[entry]}", {f"node/{node}": net.namespace(node)}, requests).finish()
    assert len(calls) == requests
    return Counter(UNITS.get(call.node) or call.error or f"{call.node} {call.pod}" for call in calls)


def test_traefik_keeps_to_the_unit_with_the_recipe_and_serves_all_from_the_plain_service(tmp_path, redis_server):
    with edge(tmp_path, "nftables", list(UNITS), redis_server.url) as here:
        for node, unit in UNITS.items():
            here.label(node, zone1=unit)
        here.post("deploymentgrids", manifest())
        here.post("servicegrids", closed("own", **{NATIVE: "true"}))
        here.post("servicegrids", closed("plain"))
        here.net.wait(lambda: len(here.running("app%3Dweb")) == 4, 40, "the pods run")
        served = {"node0": "closed", "node1": "closed", "node2": "refusing"}
        here.until_proved("own", served)
        here.until_proved("plain", served)
        for name, backend in (("own", "own-svc"), ("everybody", "plain-all"), ("astray", "plain-svc")):
            here.net.request("POST", *ingress(name, backend))
        with traefik(here.net, UNITS):
            ask = lambda node, entry: here.net.call(node, f"http://127.0.0.1:{PORTS[entry]}/").split(" ")[0]  # noqa: E731
            ready = lambda: all(ask(node, entry) in UNITS for node in ("node0", "node1") for entry in PORTS)  # noqa: E731
            here.net.wait(ready, 20, "every Traefik serves")
            for node, unit in (("node0", "u1"), ("node1", "u2")):
                assert asked(here.net, node, "own", REQUESTS // 2) == {unit: REQUESTS // 2}
            assert asked(here.net, "node2", "own", 20) == {"Bad Gateway": 20}  # refused, as for everybody in u3
            for node in UNITS:
                answers = asked(here.net, node, "everybody", 1000)
                assert answers.keys() == {"u1", "u2"}
                assert min(answers.values()) > 300
            astray = asked(here.net, "node0", "astray", 300)
            assert astray["u2"] > 50, "without the recipe it goes astray, or docs/other-readers.md is wrong"
