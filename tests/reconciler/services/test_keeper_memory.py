"""What the keeper's memory makes of news."""

import pytest

from sgportal.core.names import MANAGED_BY, SLICE_MANAGER
from sgportal.reconciler.endpoints.cache import EndpointCache


def a_slice(version, uid="1", **more):
    labels = {"kubernetes.io/service-name": "web", MANAGED_BY: SLICE_MANAGER}
    metadata = {"namespace": "default", "name": "web-1", "uid": uid, "resourceVersion": version, "labels": labels}
    return {"metadata": metadata, "addressType": "IPv4", **more}


@pytest.fixture
def memory():
    memory = EndpointCache()
    memory.wrote(a_slice("90", endpoints=[]))
    return memory


@pytest.mark.parametrize(
    ("news", "concerned"),
    [
        (a_slice("90", endpoints=[]), set()),
        (a_slice("9", endpoints=["older"]), set()),
        (a_slice("100", endpoints=["another's"]), {"default/web"}),
        (a_slice("9", "2", endpoints=["made anew"]), {"default/web"}),
        (a_slice("x", endpoints=["of no order"]), {"default/web"}),
    ],
    ids=["the same", "older", "newer", "made anew", "without order"],
)
def test_what_an_answer_has_told_already_is_no_news(memory, news, concerned):
    assert memory.take("endpointslices", {"default/web-1": news}) == concerned
    assert memory.live("default/web")[0]["endpoints"] == (news["endpoints"] if concerned else [])


def test_a_slice_that_was_deleted_does_not_come_back_with_old_news(memory):
    memory.deleted(a_slice("90"))
    assert memory.take("endpointslices", {"default/web-1": a_slice("95")}) == set()
    assert memory.live("default/web") == []
