"""Runs the containers of real pods on this machine, as their manifests say: command, environment, user, capabilities,
read-only root, volumes, and the token of their ServiceAccount. What differs from a kubelet: the image is the checkout
with its environment (or the root of an image, where one was built), and the network is this machine's."""

import base64
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.house.tree import ROOT
from tests.kube.control_plane import ControlPlane
from tests.services import end, free_port, wait_for

_AWAY = "/nonexistent"
# A root of its own, all of it read-only, with the volumes in it; then the container's user, without any capability but
# to read: the interpreter may be in somebody's home.
_ENTER = r"""
set -e
root=$1 user=$2 group=$3 volumes=$4 keep=$5; shift 5
mount -t tmpfs tmpfs "$root"
for each in "$IMAGE"/*; do
  here=${each#"$IMAGE"}
  if [ -L "$each" ]; then cp -P "$each" "$root$here"
  elif [ -d "$each" ]; then
    mkdir "$root$here"
    case "$here" in
      /dev|/proc|/sys) mount --rbind "$here" "$root$here" ;;
      /tmp|/run|/var) ;;
      *) mount --bind -o ro "$each" "$root$here" ;;
    esac
  fi
done
mkdir -p "$root/var/run"
[ -n "$IMAGE" ] || { mkdir "$root/app"; mount --bind -o ro "$APP" "$root/app"; }
for each in $volumes; do mkdir -p "$root${each#*:}"; mount --bind "${each%%:*}" "$root${each#*:}"; done
for each in $keep; do [ -e "$root$each" ] || { mkdir -p "$root$each"; mount --bind -o ro "$each" "$root$each"; }; done
mount -o remount,ro "$root"
unset APP IMAGE
read="-all,+dac_read_search"
exec chroot "$root" setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs \
  --inh-caps=$read --ambient-caps=$read --bounding-set=$read sh -c 'cd /app && exec "$@"' sh "$@"
"""


@dataclass
class Kubelet:
    """Stands in for the kubelet and the container runtime of the portal's pods in a namespace."""

    plane: ControlPlane
    folder: Path
    image: str = ""  # the folder with the root of a built image; "": the checkout stands for it
    namespace: str = "sgportal"
    running: dict[tuple[str, str], subprocess.Popen] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def _outside(self) -> dict[str, str]:
        """What the script that makes a root of its own is told."""
        return {"PATH": os.environ["PATH"], "APP": str(ROOT), "IMAGE": self.image}

    @property
    def _base(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}"

    def pods(self, version: str) -> dict[str, dict[str, Any]]:
        """Component → one of its pods, of those that run the image of this version."""
        found = self.plane.request("GET", f"{self._base}/pods?labelSelector=app.kubernetes.io/name=sgportal")["items"]
        return {
            each["metadata"]["labels"]["app.kubernetes.io/component"]: each
            for each in found
            if each["spec"]["containers"][0]["image"].endswith(f":{version}")
            and "deletionTimestamp" not in each["metadata"]
        }

    def prepare(self, pod: dict[str, Any]) -> None:
        """Run its init containers to their end."""
        for container in pod["spec"]["initContainers"]:
            done = self.run(pod, container, container["command"])
            assert done.returncode == 0, done.stdout + done.stderr

    def start(self, pod: dict[str, Any]) -> None:
        """Begin its containers."""
        for container in pod["spec"]["containers"]:
            name = pod["metadata"]["name"]
            with self.log(pod, container["name"]).open("ab") as log:
                command = self._command(pod, container, container["command"])
                process = subprocess.Popen(command, env=self._outside, stdout=log, stderr=log)
            self.running[name, container["name"]] = process

    def run(self, pod: dict[str, Any], container: dict[str, Any], command: list[str]) -> subprocess.CompletedProcess:
        """Run a command in a container, as `kubectl exec` does."""
        whole = self._command(pod, container, command)
        environment = self._outside
        return subprocess.run(whole, env=environment, capture_output=True, text=True, timeout=100, check=False)

    def log(self, pod: dict[str, Any], name: str) -> Path:
        return self.folder / f"{pod['metadata']['name']}.{name}.log"

    def until_alive(self, pod: dict[str, Any]) -> None:
        """Wait until every probe of the pod's containers passes; asked once, where two ask the same."""
        for container in pod["spec"]["containers"]:
            probes = [container[kind] for kind in ("startupProbe", "readinessProbe") if kind in container]
            same = ("exec", "httpGet")
            assert [container["livenessProbe"].get(each) for each in same] == [probes[0].get(each) for each in same]
            for probe in probes:
                what = f"a probe of {container['name']}"
                wait_for(lambda probe=probe, one=container: self._passes(pod, one, probe), 75, what, 1)

    def _passes(self, pod: dict[str, Any], container: dict[str, Any], probe: dict[str, Any]) -> bool:
        process = self.running[pod["metadata"]["name"], container["name"]]
        assert process.poll() is None, self.log(pod, container["name"]).read_text()
        if "exec" in probe:
            return self.run(pod, container, probe["exec"]["command"]).returncode == 0
        asked = probe["httpGet"]
        assert asked["port"] in {each["name"] for each in container["ports"]}
        headers = {"Host": f"{pod['status'].get('podIP', '10.0.0.7')}:8000"}  # as the kubelet calls it
        try:
            place = f"http://127.0.0.1:{self.port(pod)}{asked['path']}"
            return requests.get(place, headers=headers, timeout=20, allow_redirects=False).status_code == 200
        except requests.ConnectionError:
            return False

    def port(self, pod: dict[str, Any]) -> int:
        """Where its web process listens here, since all pods share one network."""
        return self.ports.setdefault(pod["metadata"]["name"], free_port())

    def stop(self, pod: dict[str, Any]) -> dict[str, int]:
        """End its containers as at the end of a pod; their exit codes."""
        mine = [key for key in self.running if key[0] == pod["metadata"]["name"]]
        seconds = pod["spec"]["terminationGracePeriodSeconds"]
        for key in mine:
            self.running[key].send_signal(signal.SIGTERM)
        return {key[1]: end(self.running.pop(key), seconds) for key in mine}

    def kill(self) -> None:
        """End everything at once."""
        for process in self.running.values():
            process.kill()
            process.wait(30)
        self.running.clear()

    def _command(self, pod: dict[str, Any], container: dict[str, Any], command: list[str]) -> list[str]:
        context = pod["spec"]["securityContext"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        place = self.folder / pod["metadata"]["name"]
        root = place / "root" / f"{container['name']}-{time.monotonic_ns()}"
        root.mkdir(parents=True)
        volumes = " ".join(f"{path}:{where}" for where, path in self._volumes(pod, container, place).items())
        keep = "" if self.image else f"{sys.prefix} {sys.base_prefix}"
        ids = [str(context["runAsUser"]), str(context["runAsGroup"])]
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", str(root), *ids]
        settings = [f"{name}={text}" for name, text in self._environment(pod, container).items()]
        return [*enter, volumes, keep, "env", "-i", *settings, *command]

    def _volumes(self, pod: dict[str, Any], container: dict[str, Any], place: Path) -> dict[str, Path]:
        """Where each volume is mounted → a folder here. The pod's group may write in what is no projection."""
        by_name = {each["name"]: each for each in pod["spec"]["volumes"]}
        found = {}
        for mount in container["volumeMounts"]:
            volume = by_name[mount["name"]]
            path = place / "volumes" / mount["name"]
            path.mkdir(parents=True, exist_ok=True)
            if "projected" in volume:
                self._write_token(pod, path)
            else:
                assert {"emptyDir", "persistentVolumeClaim"} & volume.keys()
                os.chown(path, 0, pod["spec"]["securityContext"]["fsGroup"])
                path.chmod(0o2770)
            found[mount["mountPath"]] = path
        return found

    def _write_token(self, pod: dict[str, Any], path: Path) -> None:
        """A token of the pod's ServiceAccount, bound to the pod, as the kubelet asks for one."""
        if not (path / "token").exists():
            account = f"{self._base}/serviceaccounts/{pod['spec']['serviceAccountName']}/token"
            bound = {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": bound}}
            token = self.plane.request("POST", account, body)["status"]["token"]
            (path / "token").write_text(token)
            (path / "namespace").write_text(self.namespace)
            (path / "ca.crt").write_bytes(Path(self.plane.ca).read_bytes())

    def _environment(self, pod: dict[str, Any], container: dict[str, Any]) -> dict[str, str]:
        """What the image sets, what the kubelet sets, and what the manifest says."""
        programs = "/opt/portal/bin" if self.image else f"{sys.prefix}/bin"
        found = {
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": _AWAY,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "sgportal.settings",
            "SGPORTAL_STATIC_FROM_SOURCE": "" if self.image else "1",  # the image has them gathered
            "UVICORN_HOST": "127.0.0.1",
            "UVICORN_PORT": str(self.port(pod)),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.plane.port),
        }
        for source in container.get("envFrom", ()):
            found |= self._get("configmaps", source["configMapRef"]["name"])["data"]
        for each in container["env"]:
            text = self._value(each)
            if text is not None:
                for name, known in found.items():
                    text = text.replace(f"$({name})", known)
                found[each["name"]] = text
        return found

    def _value(self, variable: dict[str, Any]) -> str | None:
        if "valueFrom" not in variable:
            return variable["value"]
        reference = variable["valueFrom"]["secretKeyRef"]
        text = self._get("secrets", reference["name"])["data"].get(reference["key"])
        assert text is not None or reference.get("optional"), f"{reference} is missing: CreateContainerConfigError"
        return None if text is None else base64.b64decode(text).decode()

    def _get(self, plural: str, name: str) -> dict[str, Any]:
        return self.plane.request("GET", f"{self._base}/{plural}/{name}")
