"""The API server goes, is busy, fails, forgets, or cannot be reached."""

import signal
import socket
import time

from ..setting import Setting
from .fault import fault

_FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
_HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_NAME = "faults"


@fault("api-killed", "the API server killed by SIGKILL, begun anew after 30 s")
def api_killed(at: Setting) -> None:
    """It is asked by nobody meanwhile."""
    server = at.plane.processes["kube-apiserver"]
    server.stop(signal.SIGKILL)
    time.sleep(30)
    server.start()
    at.plane.until_ready()


@fault("api-cut", "every connection to the API server cut, eight times in 16 s")
def api_cut(at: Setting) -> None:
    """In the middle of writes and watches."""
    count = 0
    for _ in range(8):
        count += at.to_cluster.cut()
        time.sleep(2)
    at.note(f"{count} connections cut")


@fault("api-silent", "nothing passes between the portal and the API server for 60 s, connections stay open")
def api_silent(at: Setting) -> None:
    """As behind a firewall that has forgotten them."""
    at.to_cluster.hang()
    time.sleep(60)
    at.to_cluster.mend()


@fault("api-429", "the API server answers 429 to every request of the portal for 20 s (its own flow control)")
def api_429(at: Setting) -> None:
    """A priority level with room for nobody."""
    level = {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": _NAME},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    schema = {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": _NAME},
        "spec": {
            "priorityLevelConfiguration": {"name": _NAME},
            "matchingPrecedence": 2,
            "rules": [
                {
                    "subjects": [{"kind": "User", "user": {"name": "product"}}],
                    "resourceRules": [everything],
                    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                }
            ],
        },
    }
    at.api.request("POST", f"{_FLOW}/prioritylevelconfigurations", level)
    at.api.request("POST", f"{_FLOW}/flowschemas", schema)
    try:
        time.sleep(20)
    finally:
        at.api.request("DELETE", f"{_FLOW}/flowschemas/{_NAME}")
        at.api.request("DELETE", f"{_FLOW}/prioritylevelconfigurations/{_NAME}")
    at.note(f"{_rejected(at)} requests rejected")


def _rejected(at: Setting) -> int:
    """What the API server counted."""
    said = at.api.request("GET", "/metrics").splitlines()
    counted = [row for row in said if row.startswith("apiserver_flowcontrol_rejected_requests_total{")]
    return int(sum(float(row.rpartition(" ")[2]) for row in counted if f'flow_schema="{_NAME}"' in row))


@fault(
    "api-500", "every write of workloads, Services, slices and grids fails with 500 for 20 s (a webhook that is away)"
)
def api_500(at: Setting) -> None:
    """An admission webhook whose server is not there, with failurePolicy Fail."""
    _admitted_by(at, "https://127.0.0.1:1/", 20)


@fault(
    "webhook-silent",
    "a webhook that says nothing holds up every write of workloads, Services, slices and grids for 8 s and then lets it"
    " through, for 40 s",
)
def webhook_silent(at: Setting) -> None:
    """With failurePolicy Ignore: a write is done long after it was asked for, maybe after who asked has given up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        _admitted_by(at, f"https://127.0.0.1:{server.getsockname()[1]}/", 40, "Ignore", 8)


def _admitted_by(at: Setting, url: str, seconds: float, policy: str = "Fail", timeout: int = 10) -> None:
    """Have an admission webhook at a URL asked about what the portal writes, for so long."""
    kinds = {
        "apps": ["deployments", "statefulsets"],
        "": ["services"],
        "discovery.k8s.io": ["endpointslices"],
        "superedge.io": ["deploymentgrids", "statefulsetgrids", "servicegrids"],
    }
    rules = [
        {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": plurals}
        for group, plurals in kinds.items()
    ]
    hook = {
        "name": "faults.sgportal.example",
        "clientConfig": {"url": url},
        "rules": rules,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": policy,
        "timeoutSeconds": timeout,
    }
    body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    at.api.request("POST", _HOOKS, {**body, "metadata": {"name": _NAME}, "webhooks": [hook]})
    try:
        time.sleep(seconds)
    finally:
        at.api.request("DELETE", f"{_HOOKS}/{_NAME}")


@fault(
    "quota-none",
    "a ResourceQuota takes no further workload and no further pod in the namespace for 30 s",
    explains="exceeded quota",
)
def quota_none(at: Setting) -> None:
    """What is there runs on; what is new is refused with 403 until the quota goes."""
    quotas = "/api/v1/namespaces/default/resourcequotas"
    hard = {"count/deployments.apps": "0", "count/statefulsets.apps": "0", "pods": "0"}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": _NAME}, "spec": {"hard": hard}}
    at.api.request("POST", quotas, body)
    time.sleep(30)
    at.api.request("DELETE", f"{quotas}/{_NAME}")


@fault("api-410", "watches cut for 5 s, etcd compacted, the API server killed and begun anew: 410 for where they were")
def api_410(at: Setting) -> None:
    """What happened meanwhile is in no watch that could be taken up again."""
    server = at.plane.processes["kube-apiserver"]
    at.to_cluster.refuse()
    try:
        time.sleep(5)
        revision = at.etcd("maintenance/status")["header"]["revision"]
        at.etcd("kv/compaction", revision=revision, physical=True)
        server.stop(signal.SIGKILL)
        server.start()
        at.plane.until_ready()
    finally:
        at.to_cluster.mend()
