"""What the portal may do in the cluster is taken from it, and given back."""

import time
from pathlib import Path
from typing import Any

from embedded_cluster.tls import make_certificates

from ..setting import Setting
from .fault import fault

_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


def _roles_without(at: Setting, plural: str) -> dict[str, dict[str, Any]]:
    """Take a kind out of the portal's roles; the roles as they were."""
    before = {}
    for role in at.api.list(_ROLES):
        name, rules = role["metadata"]["name"], role.get("rules") or []
        if not name.startswith("sgportal") or not any(plural in rule.get("resources", ()) for rule in rules):
            continue
        before[name] = role
        left = [{**rule, "resources": [each for each in rule.get("resources", ()) if each != plural]} for rule in rules]
        _write(at, name, [rule for rule in left if rule["resources"]])
    return before


def _write(at: Setting, name: str, rules: list[dict[str, Any]]) -> None:
    role = at.api.request("GET", f"{_ROLES}/{name}")
    at.api.request("PUT", f"{_ROLES}/{name}", {**role, "rules": rules})


def _narrowed(at: Setting, plural: str) -> None:
    before = _roles_without(at, plural)
    assert before
    at.to_cluster.cut()  # a watch that is open is not asked again whether it may
    time.sleep(45)
    for name, role in before.items():
        _write(at, name, role["rules"])


@fault(
    "rights-narrowed",
    "the portal's role is without Deployments for 45 s: neither read nor written",
    explains="the cluster refuses: deployments.apps",
)
def rights_narrowed(at: Setting) -> None:
    """What may not be read is not gone."""
    _narrowed(at, "deployments")


@fault("rights-nodes", "the portal's role is without nodes for 45 s")
def rights_nodes(at: Setting) -> None:
    """NodeUnits stay as they were known."""
    _narrowed(at, "nodes")


@fault(
    "token-revoked",
    "the portal's token is refused with 401 for 120 s (the API server begun anew without it, and with it)",
)
def token_revoked(at: Setting) -> None:
    """No answer of a server that does not know who asks says what is there."""
    file: Path = at.plane.folder / "tokens.csv"
    before = file.read_text()
    try:
        file.write_text("".join(row for row in before.splitlines(keepends=True) if ",product," not in row))
        _begun_anew(at)
        time.sleep(120)
    finally:
        file.write_text(before)
        _begun_anew(at)


@fault(
    "authority-renewed",
    "the cluster's CA and the API server's certificate are others at once, and those of before gone",
)
def authority_renewed(at: Setting) -> None:
    """The file of the CA changes under the portal, as a kubelet changes it in a pod; no process is begun anew."""
    plane = at.plane
    names = ("kubelets", "kube-scheduler", "kube-controller-manager", "kube-apiserver")
    for name in names:
        plane.processes[name].stop()
    for name in ("ca.crt", "server.crt", "server.key"):
        (plane.folder / name).unlink()
    make_certificates(plane.folder)
    for name in reversed(names):
        plane.processes[name].start()
        if name == "kube-apiserver":
            plane.until_ready()
    time.sleep(20)


def _begun_anew(at: Setting) -> None:
    server = at.plane.processes["kube-apiserver"]
    server.stop()
    server.start()
    at.plane.until_ready()
