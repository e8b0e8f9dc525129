"""Bodies in protobuf, as kubectl's typed commands and Go's clients send them."""

import pytest

from embedded_cluster.kinds.served import BUILT_IN
from embedded_cluster.requests import protobuf

from ..conftest import MERGE, a_deployment, a_map, install

POD = {
    "restartPolicy": "Never",
    "terminationGracePeriodSeconds": 0,
    "priorityClassName": "system-node-critical",
    "nodeSelector": {"nowhere": "at-all"},
    "tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 0, "effect": "NoExecute"}],
    "securityContext": {"runAsUser": 0, "runAsNonRoot": False, "fsGroup": 7},
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
    "affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 5, "podAffinityTerm": {"topologyKey": "x", "labelSelector": {"matchLabels": {"a": "b"}}}}
            ]
        }
    },
    "volumes": [
        {"name": "v", "emptyDir": {"sizeLimit": "1Gi", "medium": "Memory"}},
        {"name": "m", "configMap": {"name": "m", "defaultMode": 0o400, "items": [{"key": "k", "path": "p"}]}},
    ],
    "containers": [
        {
            "name": "c",
            "image": "img:1",
            "command": ["sh", "-c", "true"],
            "env": [
                {"name": "A", "value": "ä"},
                {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
            ],
            "envFrom": [{"prefix": "P_", "configMapRef": {"name": "m", "optional": True}}],
            "ports": [{"name": "http", "containerPort": 80}],
            "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
            "livenessProbe": {"httpGet": {"port": "http", "httpHeaders": [{"name": "H", "value": ""}]}},
            "readinessProbe": {"tcpSocket": {"port": 8080}, "initialDelaySeconds": 3},
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }
    ],
}
JOB = {"template": {"spec": POD}, "backoffLimit": 0, "suspend": True}
ABOUT = {
    "involvedObject": {"kind": "Pod", "name": "p", "namespace": "{ns}"},
    "eventTime": "2026-01-02T03:04:05.678901Z",
}
TARGET = {"type": "AverageValue", "averageValue": "10"}
OBJECTS = {
    "/api/v1/namespaces/{ns}/pods": {"spec": POD},
    "/api/v1/namespaces/{ns}/configmaps": {"data": {"a": "1", "empty": ""}, "binaryData": {"b": "AAEC/w=="}},
    "/api/v1/namespaces/{ns}/secrets": {"stringData": {"p": "x"}, "immutable": False},
    "/api/v1/namespaces/{ns}/serviceaccounts": {"automountServiceAccountToken": False},
    "/api/v1/namespaces/{ns}/services": {
        "spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http", "name": "h"}]}
    },
    "/api/v1/namespaces/{ns}/resourcequotas": {"spec": {"hard": {"pods": "5", "limits.cpu": "1500m"}}},
    "/api/v1/namespaces/{ns}/persistentvolumeclaims": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "/api/v1/namespaces/{ns}/replicationcontrollers": {
        "spec": {"replicas": 0, "template": a_deployment()["spec"]["template"]}
    },
    "/api/v1/namespaces/{ns}/events": {
        **ABOUT, "action": "A", "reason": "R", "type": "Normal", "reportingComponent": "c", "reportingInstance": "i",
        "series": {"count": 2, "lastObservedTime": "2026-01-02T03:04:06.000001Z"},
    },
    "/apis/apps/v1/namespaces/{ns}/deployments": a_deployment(replicas=0),
    "/apis/apps/v1/namespaces/{ns}/statefulsets": {
        "spec": {"serviceName": "s", **{k: a_deployment()["spec"][k] for k in ("replicas", "selector", "template")}}
    },
    "/apis/apps/v1/namespaces/{ns}/daemonsets": {
        "spec": {
            **{k: a_deployment()["spec"][k] for k in ("selector", "template")},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        }
    },
    "/apis/apps/v1/namespaces/{ns}/controllerrevisions": {"revision": 3, "data": {"spec": {"a": [1, None]}}},
    "/apis/batch/v1/namespaces/{ns}/jobs": {"spec": JOB},
    "/apis/batch/v1/namespaces/{ns}/cronjobs": {"spec": {"schedule": "@daily", "jobTemplate": {"spec": JOB}}},
    "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses": {
        "spec": {
            "defaultBackend": {"service": {"name": "s", "port": {"number": 80}}},
            "tls": [{"hosts": ["a.example"]}],
        }
    },
    "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies": {
        "spec": {
            "podSelector": {},
            "ingress": [{"ports": [{"port": "http"}], "from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        }
    },
    "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers": {
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "m"}, "target": TARGET}}],
        }
    },
    "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets": {
        "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}
    },
    "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases": {
        "spec": {"holderIdentity": "h", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.678901Z"}
    },
    "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices": {
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": ["10.0.0.9"], "conditions": {"ready": False}, "hints": {"forZones": [{"name": "z"}]}}
        ],
        "ports": [{"name": "p", "port": 80, "protocol": "TCP"}],
    },
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles": {
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}]
    },
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings": {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}],
    },
}  # fmt: skip
PROTOBUF = {"content_type": protobuf.MEDIA}


def placed(value, namespace):
    if isinstance(value, dict):
        return {key: placed(each, namespace) for key, each in value.items()}
    return namespace if value == "{ns}" else value


def said(value):
    """A value without nulls: protobuf does not write an empty list."""
    if isinstance(value, dict):
        return {key: said(each) for key, each in value.items() if each is not None}
    return value


def test_every_kind_can_be_read():
    """All but definitions of custom resources: no client sends these in protobuf."""
    wanted = {f"{kind.api_version} {kind.kind}" for kind in BUILT_IN if kind.group != "apiextensions.k8s.io"}
    assert wanted <= protobuf.known()


@pytest.mark.kubernetes
@pytest.mark.parametrize("path", OBJECTS)
def test_it_says_what_json_says(real_server, path, request):
    """The real API server answers in both."""
    body = placed({"metadata": {"name": "x", "labels": {"a": "b"}}, **OBJECTS[path]}, "default")
    place = path.format(ns="default")
    body["metadata"] |= {"name": "x", "labels": {"a": "b"}, "finalizers": ["example.com/held"]}
    made = real_server("POST", place, body)
    assert made.status == 201, made
    try:
        while True:  # until nobody has written in between
            whole = real_server("GET", f"{place}/x").body
            read = protobuf.decode(real_server.open("GET", f"{place}/x", accept=protobuf.MEDIA).data)
            if read["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]:
                break
        assert said(read) == said(whole)
    finally:
        real_server("PATCH", f"{place}/x", {"metadata": {"finalizers": None}}, **MERGE)
        real_server("DELETE", f"{place}/x?gracePeriodSeconds=0")


def message(api_version, kind, raw):
    """A body of an object whose fields are in `raw`."""

    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    meta = field(1, api_version.encode()) + field(2, kind.encode())
    return protobuf.MAGIC + field(1, meta) + field(2, raw)


NAMED_A = b"\x0a\x03\x0a\x01a"  # metadata.name


def test_it_creates_replaces_and_deletes(server, maps):
    data = b"\x12\x06\x0a\x01k\x12\x01v"
    made = server("POST", maps, message("v1", "ConfigMap", NAMED_A + data), **PROTOBUF)
    assert (made.status, made.body["data"]) == (201, {"k": "v"})
    assert server("PUT", f"{maps}/a", message("v1", "ConfigMap", NAMED_A), **PROTOBUF).status == 200
    assert "data" not in server("GET", f"{maps}/a").body
    options = message("v1", "DeleteOptions", b"\x08\x00" + b"\x12\x07\x0a\x05other")  # a precondition: another uid
    assert server("DELETE", f"{maps}/a", options, **PROTOBUF).status == 409
    assert server("DELETE", f"{maps}/a", message("v1", "DeleteOptions", b"\x08\x00"), **PROTOBUF).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"k8s\x00\xff",
        b'{"metadata":{"name":"a"}}',
        message("v1", "ConfigMap", b"\x0a\x7f"),
        message("v1", "ConfigMap", b"\x0b"),
        message("v1", "Nonsense", NAMED_A),
        message("v1", "Secret", NAMED_A),
    ],
)
def test_nonsense_is_400(server, maps, body):
    assert server("POST", maps, body, **PROTOBUF).status == 400


@pytest.mark.embedded_only
def test_custom_resources_have_none(server, namespace):
    """The real API server hangs up."""
    install(server)
    body = message("superedge.io/v1", "DeploymentGrid", NAMED_A)
    path = f"/apis/superedge.io/v1/namespaces/{namespace}/deploymentgrids"
    assert server("POST", path, body, **PROTOBUF).status == 415


def test_a_patch_cannot_be_in_it(server, maps):
    server("POST", maps, a_map("a"))
    assert server("PATCH", f"{maps}/a", message("v1", "ConfigMap", NAMED_A), **PROTOBUF).status == 415
