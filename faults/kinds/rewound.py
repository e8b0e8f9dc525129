"""etcd goes back to an earlier state, or takes no more."""

import shutil
import time

from ..api import GRIDS
from ..setting import Setting
from ..work import manifest
from .fault import fault

_SERVERS = ("kubelets", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")


@fault(
    "etcd-rewound",
    "etcd restored from a snapshot of 20 s ago, every resource version with it: one grid was made, one edited twice"
    " since",
)
def etcd_rewound(at: Setting) -> None:
    """The whole control plane begins anew on the old data, as Kubernetes asks for. What the cluster says is right."""
    at.rest()
    data, kept = at.plane.folder / "etcd", at.plane.folder / "etcd-kept"
    _stop(at)
    shutil.copytree(data, kept)
    _start(at)
    door, revision = at.door(), _revision(at)
    at.until(lambda: door.ask("POST", "deploymentgrids", manifest("DeploymentGrid", "since"))[0] in (201, 202), "made")
    for number in (1, 2):
        status, body, headers = door.ask("GET", "deploymentgrids/default/busy-0")
        pod = body["spec"]["template"]["template"]["spec"]["containers"][0]
        pod["image"] = f"registry.example/since:{number}"
        status, said, _ = door.ask("PUT", "deploymentgrids/default/busy-0", body, **{"If-Match": headers["ETag"]})
        assert status in (200, 202), said
        time.sleep(8)
    at.rest()
    at.note(f"{_revision(at) - revision} revisions taken back")
    _stop(at)
    shutil.rmtree(data)
    shutil.copytree(kept, data)
    shutil.rmtree(kept)
    _start(at)
    try:
        at.until(lambda: _images(at) == _said(at), "the portal says of each grid what the cluster does", 60)
    except AssertionError as error:
        raise AssertionError(f"{error}: {_images(at)}, {_said(at)}") from error


def _stop(at: Setting) -> None:
    for name in _SERVERS:
        at.plane.processes[name].stop()


def _start(at: Setting) -> None:
    for name in reversed(_SERVERS):
        at.plane.processes[name].start()
        if name == "kube-apiserver":
            at.plane.until_ready()


def _image(spec: dict) -> str:
    image: str = spec["template"]["template"]["spec"]["containers"][0]["image"]
    return image


def _images(at: Setting) -> dict[str, str]:
    return {each["metadata"]["name"]: _image(each["spec"]) for each in at.api.list(f"{GRIDS}/deploymentgrids")}


def _said(at: Setting) -> dict[str, str]:
    items = at.door().ask("GET", "deploymentgrids")[1]["items"]
    return {each["metadata"]["name"]: _image(each["spec"]) for each in items}


def _revision(at: Setting) -> int:
    return int(at.etcd("maintenance/status")["header"]["revision"])


@fault("etcd-full", "etcd has no room (its alarm NOSPACE) for 30 s: every write of anything fails")
def etcd_full(at: Setting) -> None:
    """Reads are answered, and nothing is lost that was promised."""
    _alarm(at, "ACTIVATE")
    time.sleep(30)
    _alarm(at, "DEACTIVATE")


def _alarm(at: Setting, action: str) -> None:
    member = at.etcd("cluster/member/list")["members"][0]["ID"]
    at.etcd("maintenance/alarm", action=action, memberID=member, alarm="NOSPACE")
