"""The kubeconfig that clients of the embedded cluster use."""

import os
from pathlib import Path

import yaml


def write_kubeconfig(path: Path, url: str, ca: Path, token: str, context: str) -> None:
    """Write a kubeconfig (0600) with one context of this name."""
    named = {
        "clusters": [{"name": context, "cluster": {"server": url, "certificate-authority": str(ca)}}],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context, "namespace": "default"}}],
    }
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": context, **named})
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
