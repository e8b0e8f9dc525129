"""The kubeconfig that clients of the embedded cluster use."""

import os
from pathlib import Path

import yaml

CONTEXT = "sgportal-demo"


def write_kubeconfig(path: Path, url: str, ca: Path, token: str) -> None:
    """Write a kubeconfig (0600) with one context."""
    named = {
        "clusters": [{"name": CONTEXT, "cluster": {"server": url, "certificate-authority": str(ca)}}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"}}],
    }
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": CONTEXT, **named})
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
