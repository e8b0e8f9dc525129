"""The tag of lists and the overview through a grid's life: where it stays the same, so does all that is answered."""

import re

import pytest
from django.test import Client

from sgportal.actions import delete_grid
from sgportal.models import Grid
from tests import builders

from ..world import ADA, World, a_grid
from .test_rollouts import NAMESPACE

ADDRESSES = (
    "overview?group=zone",
    "nodeunits?group=zone",
    "nodegroups",
    "nodes",
    "deploymentgrids",
    "/?group=zone",
    "/matrix/?group=zone",
)
ADDRESSES += ("/grids/", "/groups/", "/group/?key=zone", "/nodes/", "/jobs/", "jobs")
PASSING = re.compile(r'"observedAt":"[^"]*"|<time.*?</time>|value="\w{64}"|data-(?:revision|made)="[^"]*"')


class Reader:
    """Reads every list, and remembers what each tag stood for."""

    def __init__(self) -> None:
        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(builders.a_person("vic", "viewer"))
        self.client.get("/")
        self.known: dict[tuple[str, str], str] = {}
        self.told = 0

    def read(self) -> None:
        for path in ADDRESSES:
            answer = self.client.get(path if path.startswith("/") else f"/api/v1/{path}")
            body = PASSING.sub("", answer.content.decode())
            self.told += (path, answer["ETag"]) not in self.known
            assert self.known.setdefault((path, answer["ETag"]), body) == body, path
            again = self.client.get(answer.wsgi_request.get_full_path(), headers={"If-None-Match": answer["ETag"]})
            assert again.status_code == 304, path


@pytest.fixture
def still(settings) -> None:
    """Time alone changes no tag here."""
    settings.SGPORTAL_STALE_SECONDS = 10**9


def test_no_change_of_a_grid_hides_behind_a_tag(world: World, still):
    reader = Reader()
    world.label("node0", zone="a")
    reader.read()

    def step(work) -> None:
        work()
        reader.read()

    step(lambda: world.save(a_grid()))
    step(lambda: world.label("node1", zone="b"))
    step(world.settle)
    step(lambda: world.until(lambda: calm(world)))
    grid = Grid.objects.get()
    step(lambda: world.change(grid, lambda body: body["spec"]["template"].update(replicas=3)))
    step(world.settle)
    step(lambda: world.until(lambda: calm(world)))
    step(lambda: world.label("node1", zone=None))
    step(world.settle)
    step(lambda: world.cluster.delete("Deployment", NAMESPACE, "g-a"))
    step(world.look)
    step(world.settle)
    step(lambda: world.until(lambda: "g-a" in world.names()))
    step(world.look)
    step(lambda: delete_grid(Grid.objects.get(), ADA))
    step(world.settle)
    assert reader.told >= 5 * len(ADDRESSES)


def calm(world: World) -> bool:
    world.look()
    world.settle()
    grid = Grid.objects.get()
    return grid.state == "Ready" and grid.observed_generation == grid.generation
