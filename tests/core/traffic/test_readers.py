"""Which objects have something read the EndpointSlices of a closed Service."""

import pytest

from sgportal.core.traffic.readers import BY_ADDRESS, ClosedService, external_traffic, readers_of

WEB = ClosedService("shop", "web-svc", {"app": "web", "tier": "front"}, {})
NATIVE = ClosedService("shop", "web-svc", {}, {"traefik.ingress.kubernetes.io/service.nativelb": "true"})
NAME = {"name": "web-svc"}


def an_object(kind, spec, namespace="shop", **annotations):
    return {"kind": kind, "metadata": {"namespace": namespace, "name": "x", "annotations": annotations}, "spec": spec}


def an_ingress(name="web-svc", **spec):
    paths = [{"path": "/", "backend": {"service": {"name": name, "port": {"number": 80}}}}]
    return {"rules": [{"host": "a"}, {"http": {"paths": paths}}], **spec}


def reads(body, service=WEB):
    return bool(readers_of([body], [service]))


ROUTE = {"rules": [{"backendRefs": [NAME]}]}
MIRROR = {"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": NAME}}]}
READING = [
    ("Ingress", an_ingress()),
    ("Ingress", {"defaultBackend": {"service": NAME}}),
    *((kind, ROUTE) for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")),
    ("HTTPRoute", {"rules": [MIRROR]}),
    ("HTTPRoute", {"rules": [{"backendRefs": [{"name": "other", **MIRROR}]}]}),
    ("HTTPRoute", {"rules": [{"backendRefs": [{**NAME, "group": "", "kind": "Service", "namespace": "shop"}]}]}),
    *((kind, {"routes": [{"services": [NAME]}]}) for kind in ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP")),
    ("TraefikService", {"weighted": {"services": [NAME]}}),
    ("TraefikService", {"mirroring": {"name": "other", "mirrors": [NAME]}}),
    ("TraefikService", {"mirroring": NAME}),
    ("ServiceMonitor", {"selector": {"matchLabels": {"app": "web"}}}),
    ("ServiceMonitor", {"selector": {}}),
    ("ServiceMonitor", {"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}),
]


@pytest.mark.parametrize(("kind", "spec"), READING)
def test_what_names_the_service_is_a_reader(kind, spec):
    assert readers_of([an_object(kind, spec)], [WEB]) == {("shop", "web-svc"): [f"{kind} shop/x"]}


@pytest.mark.parametrize(("kind", "spec"), READING)
def test_what_names_another_service_or_says_that_it_goes_by_the_address_is_none(kind, spec):
    if kind != "ServiceMonitor":
        assert not reads(an_object(kind, spec), ClosedService("shop", "web-all", {}, {}))
    assert not reads(an_object(kind, spec, **{BY_ADDRESS: "true"}))
    assert not reads(an_object(kind, spec, namespace="elsewhere")) or "namespace" in str(spec)


@pytest.mark.parametrize(
    ("body", "service"),
    [
        (an_object("Ingress", an_ingress(), **{"nginx.ingress.kubernetes.io/service-upstream": "true"}), WEB),
        (an_object("Ingress", an_ingress()), NATIVE),
        (an_object("Ingress", an_ingress(ingressClassName="traefik-edge")), NATIVE),
        (an_object("IngressRoute", {"routes": [{"services": [{**NAME, "nativeLB": True}]}]}), WEB),
        (an_object("HTTPRoute", {"rules": [{"backendRefs": [{**NAME, "kind": "Bucket", "group": "x"}]}]}), WEB),
        (an_object("ServiceMonitor", {"selector": {"matchLabels": {"app": "db"}}}), WEB),
    ],
)
def test_what_goes_by_the_cluster_ip_or_elsewhere_is_none(body, service):
    assert not reads(body, service)


def test_an_annotation_of_traefiks_says_nothing_of_another_controller():
    assert reads(an_object("Ingress", an_ingress(ingressClassName="nginx")), NATIVE)
    assert reads(an_object("IngressRoute", {"routes": [{"services": [NAME]}]}), NATIVE)


def test_an_annotation_of_ingress_nginx_says_nothing_of_traefik():
    upstream = {"nginx.ingress.kubernetes.io/service-upstream": "true"}
    assert reads(an_object("Ingress", an_ingress(ingressClassName="traefik"), **upstream))
    assert reads(an_object("Ingress", an_ingress(), **upstream, **{"kubernetes.io/ingress.class": "traefik"}))
    assert not reads(an_object("Ingress", an_ingress(ingressClassName="nginx"), **upstream))
    assert not reads(an_object("Ingress", an_ingress(ingressClassName="traefik"), **upstream), NATIVE)


def test_namespaces_of_others():
    across = {"rules": [{"backendRefs": [{**NAME, "namespace": "shop"}]}]}
    assert reads(an_object("HTTPRoute", across, namespace="edge"))
    monitor = {"selector": {}, "namespaceSelector": {"any": True}}
    assert reads(an_object("ServiceMonitor", monitor, namespace="monitoring"))
    named = {"selector": {}, "namespaceSelector": {"matchNames": ["shop"]}}
    assert reads(an_object("ServiceMonitor", named, namespace="monitoring"))
    assert not reads(an_object("ServiceMonitor", {"selector": {}}, namespace="monitoring"))


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in READING}))
@pytest.mark.parametrize(
    "spec",
    [
        None,
        [],
        "x",
        {"rules": "x", "routes": {"a": 1}, "weighted": [], "mirroring": 3, "selector": "x", "defaultBackend": []},
        {"rules": [None, 1, {"http": [], "backendRefs": [1], "filters": {}}], "routes": [[]]},
        {"selector": {"matchExpressions": [{"key": "tier"}]}},
        {"selector": {"matchLabels": ["a"]}, "namespaceSelector": {"matchNames": 7}},
    ],
)
def test_objects_of_no_shape_name_nobody(kind, spec):
    assert not reads(an_object(kind, spec)) or kind == "ServiceMonitor"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"type": "NodePort"}, True),
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}, True),
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}, False),
        ({"type": "ClusterIP"}, False),
        ({}, False),
    ],
)
def test_traffic_from_outside_is_told_where_a_health_check_cannot_see_the_refusal(spec, told):
    assert bool(external_traffic(spec)) == told
