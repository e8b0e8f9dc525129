"""What is made from other files and kept with them is up to date."""

import pytest

from scripts import render_kustomize, screenshots
from tests.kube.helm import build as helm


@pytest.mark.helm
def test_kustomize_is_what_the_chart_makes():
    """After a change of deploy/helm, deploy/crds.yaml or deploy/rbac.yaml: `make kustomize`."""
    target = render_kustomize.TARGET
    there = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}
    made = render_kustomize.files(helm.find())
    changed = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert changed == [], "deploy/kustomize is not up to date: make kustomize"


def test_the_pictures_of_the_documents_are_those_of_the_command_and_few():
    """`make screenshots` makes them anew."""
    there = {path.stem: path.stat().st_size for path in screenshots.TARGET.iterdir()}
    assert set(there) == set(screenshots.SHOTS)
    assert len(there) <= screenshots.MOST_FILES
    assert sum(there.values()) <= screenshots.MOST_BYTES
    shown = list(screenshots.SHOTS.values())
    assert {each.language for each in shown} == {"en", "zh-hans"}
    assert {each.theme for each in shown} == {"light", "dark"}
    assert {each.width for each in shown} == {400, 1440}
