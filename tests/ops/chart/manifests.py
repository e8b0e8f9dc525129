"""What the chart makes, to be asked about."""

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.house.tree import ROOT
from tests.kube.helm import build as helm

KUSTOMIZE = ROOT / "deploy" / "kustomize"
CHART = ROOT / "deploy" / "helm" / "sgportal"
PROFILES = ("ha", "postgres", "sqlite")
WORKLOADS = ("Deployment", "StatefulSet")


@functools.cache
def objects(profile: str) -> tuple[dict[str, Any], ...]:
    """All objects of a profile as they stand in deploy/kustomize."""
    paths = sorted([*(KUSTOMIZE / "base").glob("*.yaml"), *(KUSTOMIZE / "overlays" / profile).glob("*.yaml")])
    return tuple(each for path in paths if path.stem != "kustomization" for each in documents(path))


def documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def workloads(profile: str) -> list[dict[str, Any]]:
    return [each for each in objects(profile) if each["kind"] in WORKLOADS]


def ours(profile: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(pod spec, container) of each process of the portal."""
    for each in workloads(profile):
        spec = each["spec"]["template"]["spec"]
        if spec.get("serviceAccountName") == "sgportal":
            yield from ((spec, container) for container in spec["containers"])


def settings(profile: str) -> dict[str, str]:
    lines = (KUSTOMIZE / "overlays" / profile / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def template(*arguments: str) -> list[dict]:
    """What `helm template` makes of these arguments."""
    command = [str(helm.find()), "template", "sgportal", str(CHART), "--namespace", "edge", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]
