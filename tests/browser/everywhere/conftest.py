"""One demo for all tests of this folder: they go through every page and change nothing."""

from collections.abc import Iterator

import pytest

from tests.ops.install import demos

from ..conftest import pages_of, visiting


@pytest.fixture(scope="package")
def sites(tmp_path_factory) -> Iterator[demos.Demo]:
    """A demo with several sites and a ServiceGroup that runs."""
    with demos.running(tmp_path_factory.mktemp("everywhere") / "state", DEMO_WORLD="sites") as demo:
        yield demo


@pytest.fixture(scope="package")
def somebody(chromium, sites):
    """The cookies of somebody logged in to `sites`."""
    with visiting(chromium, sites) as visit:
        return visit.page.context.storage_state()


@pytest.fixture(scope="package")
def addresses(chromium, sites, somebody) -> dict[str, str]:
    """Every page of `sites`."""
    return pages_of(chromium, sites, somebody)
