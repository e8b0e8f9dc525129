"""What is loaded of the `kubernetes` package, each time in a process of its own."""

import json
import subprocess
import sys
from typing import Any

import pytest

CONNECTED = "from sgportal.cluster import connect; connect('kubeconfig')\n"
COUNT = "print(json.dumps(len([name for name in sys.modules if name.startswith('kubernetes')])))"


@pytest.fixture
def told(scripted, monkeypatch):
    """What a program prints as JSON; `scripted` leaves a kubeconfig."""
    scripted()

    def run(program: str) -> Any:
        command = [sys.executable, "-c", "import json, sys\n" + program]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)

    return run


def test_a_client_loads_no_kinds_and_no_calls(told) -> None:
    assert told(CONNECTED + COUNT) < 20


def test_the_whole_package_is_still_there_for_whoever_asks(told) -> None:
    assert (
        told(
            CONNECTED
            + "import kubernetes\nfrom kubernetes import client, config, watch\n"
            + "from kubernetes.client import V1Pod, Configuration\nfrom kubernetes.config import kube_config\n"
            + "assert client.CoreV1Api and kubernetes.dynamic.DynamicClient and kubernetes.__version__\n"
            + "assert client.Configuration is Configuration is kube_config.Configuration\n"
            + "print(json.dumps(V1Pod(kind='Pod').kind))"
        )
        == "Pod"
    )


def test_a_token_of_an_oidc_provider_is_asked_for_by_the_real_client(told) -> None:
    assert (
        told(
            CONNECTED
            + "from kubernetes.config import kube_config\nfrom kubernetes.client import Configuration\n"
            + "made = kube_config.ApiClient(configuration=Configuration())\n"
            + "print(json.dumps(type(made).__module__))"
        )
        == "kubernetes.client.api_client"
    )


def test_a_package_that_is_loaded_already_is_left_as_it_is(told) -> None:
    assert (
        told(
            "import kubernetes\nbefore = kubernetes.client.ApiClient\n"
            + CONNECTED
            + (
                "from kubernetes.config import kube_config\n"
                "print(json.dumps(kubernetes.client.ApiClient is before is kube_config.ApiClient))"
            )
        )
        is True
    )
