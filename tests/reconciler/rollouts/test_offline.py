"""A unit that was out of reach during a rollout which is complete, when the next one begins and goes back."""

import pytest

from .test_waves import complete, fail, give, give_broken, images, is_at, seen, steer, three  # noqa: F401

pytestmark = pytest.mark.embedded_only


def test_what_was_proven_meanwhile_is_what_it_gets_and_goes_back_to(three):  # noqa: F811
    three.embedded.set_node_ready("node1", None)  # the canary's
    three.resync()
    give(three, 2)
    assert complete(three)[-1] == "212"
    give_broken(three, waves=[{"name": "canary", "units": ["c"]}])
    fail(three)
    is_at(three, "Halted", "TooManyFailures")
    steer(three, "rollback")
    three.embedded.set_node_ready("node1", True)
    three.until(lambda: seen(three) and images(three) == "222")
