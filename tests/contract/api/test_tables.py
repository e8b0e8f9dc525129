"""What `kubectl get` prints: the same columns, of the same types, for every kind."""

import pytest

from ..conftest import a_deployment, a_map

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
CORE, APPS, RBAC = "/api/v1", "/apis/apps/v1", "/apis/rbac.authorization.k8s.io/v1"
WORKLOAD = "Containers+ Images+ Selector+"
BINDING = "Role Age Users+ Groups+ ServiceAccounts+"
# Columns after the name: a number (#), a date (@), a yes or no (?), shown only when much is asked for (+).
COLUMNS = {
    f"{CORE}/nodes": "Status Roles Age Version Internal-IP+ External-IP+ OS-Image+ Kernel-Version+ Container-Runtime+",
    f"{CORE}/namespaces": "Status Age",
    f"{CORE}/pods": "Ready Status Restarts Age IP+ Node+ Nominated_Node+ Readiness_Gates+",
    f"{CORE}/services": "Type Cluster-IP External-IP Port(s) Age Selector+",
    f"{CORE}/configmaps": "Data Age",
    f"{CORE}/secrets": "Type Data Age",
    f"{CORE}/serviceaccounts": "Age",
    f"{CORE}/resourcequotas": "Request Limit Age",
    f"{CORE}/limitranges": "Created_At@",
    f"{CORE}/persistentvolumeclaims": (
        "Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age VolumeMode+"
    ),
    f"{APPS}/deployments": f"Ready Up-to-date Available Age {WORKLOAD}",
    f"{APPS}/replicasets": f"Desired# Current# Ready# Age {WORKLOAD}",
    f"{APPS}/statefulsets": "Ready Age Containers+ Images+",
    f"{APPS}/daemonsets": f"Desired# Current# Ready# Up-to-date# Available# Node_Selector Age {WORKLOAD}",
    f"{APPS}/controllerrevisions": "Controller Revision Age",
    "/apis/discovery.k8s.io/v1/endpointslices": "AddressType Ports Endpoints Age",
    "/apis/coordination.k8s.io/v1/leases": "Holder Age",
    "/apis/policy/v1/poddisruptionbudgets": "Min_Available Max_Unavailable Allowed_Disruptions# Age",
    f"{RBAC}/roles": "Created_At@",
    f"{RBAC}/clusterroles": "Created_At@",
    f"{RBAC}/rolebindings": BINDING,
    f"{RBAC}/clusterrolebindings": BINDING,
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": (
        "Scope Versions Created_At@ Group+ Kind+ ShortNames+ Established?+"
    ),
}


def written(column):
    sign = {"integer": "#", "date": "@", "boolean": "?"}.get(column["type"], "")
    return column["name"].replace(" ", "_") + sign + "+" * column["priority"]


@pytest.mark.parametrize("path", COLUMNS)
def test_columns(server, path):
    table = server("GET", path, **TABLE).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    name, *others = table["columnDefinitions"]
    assert (name["name"], name["type"], name["format"]) == ("Name", "string", "name")
    assert " ".join(map(written, others)) == COLUMNS[path]
    assert all(len(row["cells"]) == len(table["columnDefinitions"]) for row in table["rows"] or ())


def test_an_event_says_its_name_last(server, namespace):
    table = server("GET", f"{CORE}/namespaces/{namespace}/events", **TABLE).body
    columns = " ".join(map(written, table["columnDefinitions"]))
    assert columns == "Last_Seen Type Reason Object Subobject+ Source+ Message First_Seen+ Count+ Name+"


def cells(server, path):
    rows = server("GET", path, **TABLE).body["rows"]
    return {row["cells"][0]: row["cells"][1:] for row in rows}


def test_cells_of_services(server, namespace):
    path = f"{CORE}/namespaces/{namespace}/services"
    ports = [{"port": 80, "name": "a"}, {"port": 53, "name": "b", "protocol": "UDP"}]
    for name, spec in {
        "both": {"selector": {"b": "2", "a": "1"}, "ports": ports},
        "headless": {"clusterIP": "None"},
        "external": {"type": "ExternalName", "externalName": "example.org"},
        "balanced": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }.items():
        assert server("POST", path, {"metadata": {"name": name}, "spec": spec}).status == 201
    told = cells(server, path)
    address = server("GET", f"{path}/both").body["spec"]["clusterIP"]
    del told["both"][4], told["headless"][4], told["external"][4]  # ages
    assert told["both"] == ["ClusterIP", address, "<none>", "80/TCP,53/UDP", "a=1,b=2"]
    assert told["headless"] == ["ClusterIP", "None", "<none>", "<none>", "<none>"]
    assert told["external"] == ["ExternalName", "<none>", "example.org", "<none>", "<none>"]
    assert told["balanced"][2] == "<pending>"


def test_cells_of_other_kinds(server, namespace, maps, deployments):
    server("POST", maps, a_map("m", {"a": "1", "b": "2"}))
    assert cells(server, maps)["m"][0] == 2
    secrets = f"{CORE}/namespaces/{namespace}/secrets"
    server("POST", secrets, {"metadata": {"name": "s"}, "stringData": {"a": "1"}})
    assert cells(server, secrets)["s"][:2] == ["Opaque", 1]
    server("POST", deployments, a_deployment())
    told = cells(server, deployments)["web"]
    assert [*told[:3], *told[4:]] == ["0/0", 0, 0, "c", "img:1", "app=web"]
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    endpoints = [{"addresses": [f"10.1.0.{number}"]} for number in range(1, 6)]
    server("POST", slices, {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": endpoints})
    assert cells(server, slices)["s"][:3] == ["IPv4", "<unset>", "10.1.0.1,10.1.0.2,10.1.0.3 + 2 more..."]
    node = cells(server, f"{CORE}/nodes")["node0"]
    assert node[:2] == ["Ready", "<none>"]


@pytest.mark.parametrize(
    ("include", "kind"), [("Metadata", "PartialObjectMetadata"), ("Object", "ConfigMap"), ("None", "")]
)
def test_what_a_row_carries(server, maps, include, kind):
    server("POST", maps, a_map("m", {"a": "1"}))
    rows = server("GET", f"{maps}?includeObject={include}&fieldSelector=metadata.name%3Dm", **TABLE).body["rows"]
    assert (rows[0].get("object") or {}).get("kind", "") == kind


def test_one_object_is_a_table_of_one_row(server, maps):
    server("POST", maps, a_map("m", {"a": "1"}))
    assert [row["cells"][0] for row in server("GET", f"{maps}/m", **TABLE).body["rows"]] == ["m"]
