"""The order in which a test run takes its tests."""

import pytest

from tests import scheduling

ALONE = ["tests/a.py::test_a", "tests/b.py::test_b[x@y]"]


def test_groups_come_first_and_of_them_the_longest():
    scopes = [ALONE[0], "test_sums", "test_worker", ALONE[1], "network"]
    assert scheduling.in_order(scopes) == ["network", "test_worker", "test_sums", *ALONE]


def test_one_worker_takes_what_stands_alone_while_there_is_any():
    queue = ["network", "test_worker", *ALONE]
    assert scheduling.next_for(queue, computes=False) == "network"
    assert scheduling.next_for(queue, computes=True) == ALONE[0]
    assert scheduling.next_for(ALONE, computes=True) == ALONE[0]
    assert scheduling.next_for(["network", "test_worker"], computes=True) == "network"


@pytest.mark.parametrize(
    ("worker", "workers", "computes"), [("gw3", 4, True), ("gw2", 4, False), ("gw2", 3, False), ("gw0", 1, False)]
)
def test_of_four_workers_the_last_computes(worker, workers, computes):
    assert scheduling.computes(worker, workers) is computes


def test_the_longest_are_groups_that_there_are(request):
    """A name that no test has any more would be an order of nothing."""
    planes = {"network", "reconciler-plane", "control-plane", "install-plane", "dual-stack-plane"}
    files = {path.stem for path in (request.config.rootpath / "tests").rglob("test_*.py")}
    assert set(scheduling.LONGEST) - planes <= files
