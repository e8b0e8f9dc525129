"""The real control plane as a user with the portal's roles sees it."""

import subprocess

import pytest
import yaml

from sgportal.reconciler.process import connection

from .rbac import MANIFEST, bindings_for


@pytest.fixture
def kubectl(control_plane):
    """kubectl as a user of the real control plane: its output."""

    def run(user, *arguments, text=""):
        command = ["kubectl", f"--kubeconfig={control_plane.kubeconfig(user)}", *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=100, check=True).stdout

    return run


@pytest.fixture
def bound(kubectl):
    """The manifest is applied, and its roles are also the user portal's."""
    kubectl("admin", "apply", "-f", str(MANIFEST))
    kubectl("admin", "apply", "-f", "-", text=yaml.safe_dump_all(bindings_for("portal")))


@pytest.fixture
def portal(bound, control_plane, transactional_db, monkeypatch, settings):
    """The product on a real control plane, as a user with just these roles."""
    monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(control_plane.kubeconfig("portal")))
    settings.SGPORTAL_CLUSTER = "demo"
    connection.disconnect()
    yield connection.writable()
    connection.disconnect()
