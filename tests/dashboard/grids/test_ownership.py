"""What others set on a child is read where the child is: on the grid's page, and on that of its NodeUnit."""

import pytest

from sgportal.core.text import say
from sgportal.models import GridUnit

SCALED = say(
    "scaled by %(manager)s to %(replicas)s; the grid leaves it alone",
    manager="HorizontalPodAutoscaler (kube-controller-manager)",
    replicas=4,
)


@pytest.mark.parametrize("place", ["", "/units/lyo"])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "scaled by HorizontalPodAutoscaler (kube-controller-manager) to 4"),
        ("zh-hans", "已由 HorizontalPodAutoscaler (kube-controller-manager) 扩缩到 4 个副本"),
    ],
)
def test_who_scaled_a_child_is_on_its_pages_in_both_languages(fleet, viewer, place, language, words):
    note = {"reason": "Scaled", "message": SCALED.to_json()}
    GridUnit.objects.filter(grid=fleet, name="lyo").update(notes=[note])
    address = f"/grids/deploymentgrids/{fleet.namespace}/{fleet.name}{place}/"
    answer = viewer.get(address, follow=True, headers={"accept-language": language})
    assert answer.status_code == 200
    assert words in answer.content.decode()
