"""Writes down what kube-proxy of several versions answers, each by its own code: `python -m tests.kube.worlds.record`.

Compiles the program beside this file once with each version (needs Go, some minutes), and leaves the answers in
tests/data/kube-proxy-versions.json, which tests/core/traffic/proof/test_proxy_versions.py reads everywhere.
"""

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kube.binaries import cache

HERE = Path(__file__).parent
ANSWERS = HERE.parents[1] / "data" / "kube-proxy-versions.json"
VERSIONS = ("v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3")
# What pkg/proxy and cmd/kube-proxy import; of the others Go only wants to see that there is a module.
_NEEDED = (
    *("api", "apiextensions-apiserver", "apimachinery", "apiserver", "client-go", "cloud-provider", "component-base"),
    *("component-helpers", "controller-manager", "cri-api", "kms", "kube-proxy", "kubelet", "mount-utils"),
    *("pod-security-admission", "cri-client"),
)
CASES = 160
ROUNDS = 60


def program(version: str) -> Path:
    """The program for a version, compiled unless it is there."""
    folder = cache().parent / f"worlds-{version}"
    made = folder / "worlds"
    if made.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    for source in HERE.glob("*.go"):
        shutil.copy(source, folder)
    (folder / "go.mod").write_text(module(folder, version))
    old = version.split(".")[1] in ("30", "31", "32")
    tags = ["-tags", "before133"] if old else []
    command = ["go", "build", "-mod=mod", "-trimpath", *tags, "-o", str(made), "."]
    subprocess.run(command, cwd=folder, check=True)
    return made


def module(folder: Path, version: str) -> str:
    """A go.mod as Kubernetes' own, whose parts are at the versions that belong to it."""
    answer = ["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"]
    place = json.loads(subprocess.run(answer, capture_output=True, check=True, cwd=folder.parent).stdout)["Dir"]
    theirs = (Path(place) / "go.mod").read_text()
    lines = ["module worlds", re.search(r"^go .*$", theirs, re.M)[0], f"require k8s.io/kubernetes {version}"]
    for part in re.findall(r"^\s+k8s\.io/([a-z-]+) v0\.0\.0$", theirs, re.M):
        if part in _NEEDED:
            lines.append(f"replace k8s.io/{part} => k8s.io/{part} v0.{version[3:]}")
            continue
        stub = folder / "parts" / part
        stub.mkdir(parents=True, exist_ok=True)
        (stub / "go.mod").write_text(f"module k8s.io/{part}\ngo 1.22\n")
        lines.append(f"replace k8s.io/{part} => ./parts/{part}")
    return "\n".join(lines) + "\n"


def ask(path: Path, questions: list[dict[str, Any]]) -> list[list[list[str]]]:
    """Every answer that a program was heard to give, question by question."""
    lines = "\n".join(map(json.dumps, questions))
    said = subprocess.run([path], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def a_case(chance: random.Random) -> dict[str, Any]:
    """Two slices of few endpoints, nodes and zones, so that every branch of every version is met; they may list one
    address differently."""
    hinted, nodes, zones = chance.random() < 0.75, ("n1", "n2"), ("", "za", "zb")

    def hints(kind: str, some: tuple[str, ...]) -> dict[str, Any]:
        least = 1 if hinted and chance.random() < 0.95 else 0
        names = sorted(chance.sample(some, chance.randint(least, 2)))
        return {kind: [{"name": each} for each in names]} if names else {}

    def endpoint(address: str) -> dict[str, Any]:
        ready = chance.random() < 0.75
        going = not ready and chance.random() < 0.6
        conditions = {"ready": ready, "serving": ready or going, "terminating": going}
        both = hints("forNodes", nodes) | hints("forZones", zones)
        return {"addresses": [address], "conditions": conditions, "nodeName": chance.choice(nodes), "hints": both}

    def a_slice(name: str, addresses: list[str]) -> dict[str, Any]:
        metadata = {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}}
        ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
        endpoints = [endpoint(each) for each in addresses]
        return {"metadata": metadata, "addressType": "IPv4", "ports": ports, "endpoints": endpoints}

    addresses = [f"10.0.0.{number}" for number in range(1, chance.randint(2, 4))]
    doubled = [addresses[0]] if chance.random() < 0.4 else [f"10.0.1.{chance.randint(1, 2)}"]
    return {
        "node": {"name": chance.choice((*nodes, "n9")), "zone": chance.choice((*zones, "z9"))},
        "family": "IPv4",
        "port": {"name": "http", "protocol": "TCP"},
        "namespace": "shop",
        "service": "web",
        "hints": chance.choice(("", "", "Auto", "disabled")),
        "slices": [a_slice("one", addresses), a_slice("two", doubled)],
        "rounds": ROUNDS,
    }


def main() -> None:
    """Ask every version the same."""
    chance = random.Random(20261127)
    cases = [a_case(chance) for _ in range(CASES)]
    answers = {version: ask(program(version), cases) for version in VERSIONS}
    written = [
        {**case, "answers": {version: answers[version][number] for version in VERSIONS}}
        for number, case in enumerate(cases)
    ]
    ANSWERS.write_text("[\n" + ",\n".join(json.dumps(each, separators=(",", ":")) for each in written) + "\n]\n")
    print(f"{len(cases)} questions, {len(VERSIONS)} versions", file=sys.stderr)


if __name__ == "__main__":
    main()
