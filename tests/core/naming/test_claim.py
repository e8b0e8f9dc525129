"""What is said of the names of a Service, and first what is wrong."""

import pytest

from sgportal.core.naming.claim import Kept, claim
from sgportal.core.naming.fragment import Governed
from sgportal.core.text import say

PLAIN, SETS = Governed("shop", "web", "site"), Governed("shop", "web", "site", ("db",))
FRONTED = Governed("shop", "web", "site", (), True)
PLACE = "kube-system/coredns-custom"


@pytest.mark.parametrize(
    ("service", "headless", "kept", "said"),
    [
        (PLAIN, False, Kept(PLACE), None),
        (PLAIN, True, Kept(""), ("False", "NotSetUp")),
        (SETS, False, Kept(""), ("False", "NotSetUp")),
        (PLAIN, True, Kept(PLACE), ("False", "NoFront")),
        (SETS, True, Kept(PLACE), ("True", "PodNames")),
        (SETS, False, Kept(PLACE), ("True", "Written")),
        (FRONTED, True, Kept(PLACE), ("True", "Written")),
        (FRONTED, True, Kept(PLACE, say("no")), ("False", "NotWritten")),
        (FRONTED, True, Kept(PLACE, None, ("n1", "n2")), ("False", "AddressesUnknown")),
        (SETS, True, Kept(PLACE, None, ("n1",), ("db",)), ("False", "AmbiguousName")),
    ],
)
def test_the_first_thing_that_is_wrong_is_said(service, headless, kept, said):
    found = claim(service, headless, kept)
    assert (found and (found.truth, found.reason)) == said
    assert found is None or str(found.sentence)
