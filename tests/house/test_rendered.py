"""What is made from other files and kept with them is up to date."""

import pytest

from scripts import render_kustomize
from tests.kube.helm import build as helm


@pytest.mark.helm
def test_kustomize_is_what_the_chart_makes():
    """After a change of deploy/helm, deploy/crds.yaml or deploy/rbac.yaml: `make kustomize`."""
    target = render_kustomize.TARGET
    there = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}
    made = render_kustomize.files(helm.find())
    changed = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert changed == [], "deploy/kustomize is not up to date: make kustomize"
