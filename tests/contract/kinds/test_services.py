"""Services: addresses, ports, and what may be changed afterwards."""

import pytest

from ..conftest import APPLY, MERGE


@pytest.fixture
def services(namespace):
    return f"/api/v1/namespaces/{namespace}/services"


def a_service(name="s", **spec):
    body = {"selector": {"a": "b"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


def change(server, services, **spec):
    return server("PATCH", f"{services}/s", {"spec": spec}, **MERGE)


def causes(answer):
    assert answer.status == 422, answer
    return [each["field"] for each in answer.body["details"]["causes"]]


def test_defaults(server, services):
    spec = server("POST", services, a_service()).body["spec"]
    address = spec.pop("clusterIP")
    assert spec == {
        "clusterIPs": [address],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"a": "b"},
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }


def test_prefer_dual_stack_is_kept_with_the_one_family_there_is(server, services):
    spec = server("POST", services, a_service(ipFamilyPolicy="PreferDualStack")).body["spec"]
    assert (spec["ipFamilyPolicy"], spec["ipFamilies"], len(spec["clusterIPs"])) == ("PreferDualStack", ["IPv4"], 1)
    assert change(server, services, ipFamilyPolicy="SingleStack").body["spec"]["ipFamilyPolicy"] == "SingleStack"


def test_what_a_cluster_of_one_family_cannot_do_is_refused(server, services):
    assert causes(server("POST", services, a_service(ipFamilyPolicy="RequireDualStack")))
    assert causes(server("POST", services, a_service(ipFamilies=["IPv6"])))


def test_an_address_may_be_asked_for_and_not_twice(server, services):
    address = server("POST", services, a_service()).body["spec"]["clusterIP"]
    assert causes(server("POST", services, a_service("t", clusterIP=address))) == ["spec.clusterIPs"]
    assert causes(server("POST", services, a_service("t", clusterIP="192.0.2.1"))) == ["spec.clusterIPs"]
    assert causes(server("POST", services, a_service("t", clusterIP="nonsense"))) == ["spec.clusterIPs[0]"]
    assert server("DELETE", f"{services}/s").status == 200
    again = server("POST", services, a_service("t", clusterIP=address)).body
    assert again["spec"]["clusterIP"] == address


def test_an_address_cannot_change(server, services):
    address = server("POST", services, a_service()).body["spec"]["clusterIP"]
    assert causes(change(server, services, clusterIP="None", clusterIPs=["None"])) == ["spec.clusterIPs[0]"]
    assert change(server, services, clusterIP=None).body["spec"]["clusterIP"] == address
    assert server("PUT", f"{services}/s", a_service()).body["spec"]["clusterIP"] == address  # left out, it is kept


def test_a_headless_service_has_no_address_and_keeps_none(server, services):
    spec = server("POST", services, a_service(clusterIP="None")).body["spec"]
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])
    assert causes(change(server, services, clusterIP="10.96.7.7", clusterIPs=["10.96.7.7"]))
    assert server("POST", services, a_service("t", clusterIP="None", ports=[])).status == 201


def test_node_ports_come_and_go_with_the_type(server, services):
    server("POST", services, a_service(type="NodePort"))
    spec = server("GET", f"{services}/s").body["spec"]
    assert 30000 <= spec["ports"][0]["nodePort"] <= 32767
    assert spec["externalTrafficPolicy"] == "Cluster"
    kept = change(server, services, sessionAffinity="ClientIP").body["spec"]
    assert kept["ports"] == spec["ports"]
    assert kept["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    other = a_service("t", type="NodePort", ports=[{"port": 80, "nodePort": spec["ports"][0]["nodePort"]}])
    assert causes(server("POST", services, other)) == ["spec.ports[0].nodePort"]
    far = a_service("t", type="NodePort", ports=[{"port": 80, "nodePort": 80}])
    assert causes(server("POST", services, far)) == ["spec.ports[0].nodePort"]
    back = change(server, services, type="ClusterIP").body["spec"]
    assert "nodePort" not in back["ports"][0]
    assert "externalTrafficPolicy" not in back


def test_an_external_name_has_neither_address_nor_ports(server, services):
    body = {"metadata": {"name": "s"}, "spec": {"type": "ExternalName", "externalName": "example.org"}}
    spec = server("POST", services, body).body["spec"]
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ports"} & spec.keys()
    body["spec"].pop("externalName")
    assert causes(server("POST", services, {**body, "metadata": {"name": "t"}})) == ["spec.externalName"]


def test_a_selector_may_go(server, services):
    server("POST", services, a_service())
    assert "selector" not in change(server, services, selector=None).body["spec"]
    assert change(server, services, selector={"c": "d"}).body["spec"]["selector"] == {"c": "d"}


def test_a_selector_that_another_manager_applied_stays_unless_taken_over(server, services):
    """Leaving out a field that one does not own leaves it; a selector is owned as a whole."""
    server("PATCH", f"{services}/s?fieldManager=one", a_service(), **APPLY)
    mine = a_service()
    del mine["spec"]["selector"]
    taken = server("PATCH", f"{services}/s?fieldManager=two&force=true", mine, **APPLY)
    assert taken.body["spec"]["selector"] == {"a": "b"}
    other = a_service(selector={"c": "d"})
    refused = server("PATCH", f"{services}/s?fieldManager=two", other, **APPLY)
    assert (refused.status, refused.body["details"]["causes"][0]["field"]) == (409, ".spec.selector")
    forced = server("PATCH", f"{services}/s?fieldManager=two&force=true", other, **APPLY)
    assert forced.body["spec"]["selector"] == {"c": "d"}
    gone = server("PATCH", f"{services}/s?fieldManager=two", mine, **APPLY)
    assert "selector" not in gone.body["spec"]


def test_ports_merge_by_number_and_protocol(server, services):
    ports = [{"name": "a", "port": 80, "protocol": "TCP"}, {"name": "b", "port": 80, "protocol": "UDP"}]
    server("PATCH", f"{services}/s?fieldManager=one", a_service(ports=ports), **APPLY)
    more = a_service(ports=[{"name": "c", "port": 81}])
    both = server("PATCH", f"{services}/s?fieldManager=two", more, **APPLY).body["spec"]["ports"]
    assert sorted((each["name"], each["port"], each["protocol"]) for each in both) == [
        ("a", 80, "TCP"),
        ("b", 80, "UDP"),
        ("c", 81, "TCP"),
    ]
    renamed = a_service(ports=[{"name": "x", "port": 80, "protocol": "TCP"}])
    conflict = server("PATCH", f"{services}/s?fieldManager=two", renamed, **APPLY).body["details"]["causes"][0]
    assert conflict["field"] == '.spec.ports[port=80,protocol="TCP"].name'
    left = server("PATCH", f"{services}/s?fieldManager=one", a_service(ports=ports[:1]), **APPLY).body["spec"]["ports"]
    assert sorted(each["name"] for each in left) == ["a", "c"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"ports": []}, "spec.ports"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port"),
        ({"ports": [{"port": 80}, {"port": 81}]}, "spec.ports[0].name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, "spec.ports[1].name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "spec.ports[1]"),
        ({"ports": [{"port": 80, "name": "Not_A_Name"}]}, "spec.ports[0].name"),
        ({"ports": [{"port": 80, "protocol": "ICMP"}]}, "spec.ports[0].protocol"),
        ({"ports": [{"port": 80, "targetPort": 70000}]}, "spec.ports[0].targetPort"),
        ({"ports": [{"port": 80, "targetPort": "not a name"}]}, "spec.ports[0].targetPort"),
        ({"type": "Odd"}, "spec.type"),
        ({"sessionAffinity": "Odd"}, "spec.sessionAffinity"),
        ({"internalTrafficPolicy": "Odd"}, "spec.internalTrafficPolicy"),
        ({"selector": {"a": "no spaces"}}, "spec.selector"),
        ({"trafficDistribution": "Odd"}, "spec.trafficDistribution"),
    ],
)
def test_services_that_are_refused(server, services, spec, field):
    assert field in causes(server("POST", services, a_service(**spec)))


@pytest.mark.parametrize("name", ["a.b", "S", "-a", "a" * 64])
def test_a_service_has_the_name_of_a_label(server, services, name):
    assert server("POST", services, a_service("1s")).status == 201  # since 1.34 it may begin with a digit
    assert causes(server("POST", services, a_service(name))) == ["metadata.name"]


@pytest.mark.parametrize("distribution", ["PreferClose", "PreferSameZone", "PreferSameNode"])
def test_traffic_may_be_kept_near(server, services, distribution):
    made = server("POST", services, a_service(trafficDistribution=distribution))
    assert made.body["spec"]["trafficDistribution"] == distribution
