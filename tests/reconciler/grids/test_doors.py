"""Every door tells one state of a grid and of its units: REST, the pages, the overview, what `kubectl wait` reads, and
/metrics."""

import re

import pytest
from django.test import Client

from sgportal.core.health import WORKLOAD_STATES, is_settled, is_unhealthy, worst
from tests import builders
from tests.builders import one_line

from ..lost_fleets.test_everything_gone import add_node
from ..world import World, a_grid, a_template
from .test_rollouts import NAMESPACE, a_set, image, limited, settles

METRIC = re.compile(r'^(sgportal_grids|sgportal_grid_units)\{kind="(\w+)",state="(\w+)"\} (\d+)', re.MULTILINE)
STATE = re.compile(r"<dt>(?:State|状态)</dt><dd>(?:<small>)?<span class=\"state s-(\w+)")


class Doors:
    """Somebody who reads at every door."""

    def __init__(self, site: World) -> None:
        self.site = site
        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(builders.a_person("vic", "viewer"))

    def read(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, path
        text: str = answer.content.decode()
        return text if path == "/metrics" else one_line(text)

    def api(self, path: str) -> dict:
        return self.client.get(f"/api/v1/{path}").json()

    def wait(self, kind: str, name: str) -> bool:
        """Whether `kubectl wait --for=condition=Ready` succeeds (kubectl, pkg/cmd/wait: isConditionMet)."""
        body = self.site.cluster.get(kind, NAMESPACE, name)
        status = body["status"]
        ready = next(each["status"] for each in status["conditions"] if each["type"] == "Ready")
        return status["observedGeneration"] >= body["metadata"]["generation"] and ready == "True"

    def agree(self, grid, state: str, whole: str | None = None) -> dict[str, str]:
        """That all doors say the same, that unit a is in `state` and the grid in `whole`; the states by unit."""
        whole = whole or state
        path = f"{grid.grid_kind.plural}/{NAMESPACE}/{grid.name}"
        shown = self.api(path)["status"]
        units = {each["name"]: each["state"] for each in shown["units"]}
        assert units["a"] == state
        resource = self.site.cluster.get(grid.kind, NAMESPACE, grid.name)["status"]
        assert {each["name"]: each["state"] for each in resource["units"]} == units
        ready = next(each["status"] for each in shown["conditions"] if each["type"] == "Ready")
        assert self.wait(grid.kind, grid.name) == (ready == "True") == is_settled(whole)
        degraded = next(each["status"] for each in shown["conditions"] if each["type"] == "Degraded")
        assert (degraded == "True") == is_unhealthy(whole)
        self.agree_pages(path, units, whole)
        self.agree_overview(path, units)
        self.agree_metrics(grid.kind, list(units.values()), whole)
        return units

    def agree_pages(self, path: str, units: dict[str, str], whole: str) -> None:
        assert STATE.findall(self.read(f"/grids/{path}/"))[:1] == [whole]
        assert re.findall(r'<tr>.*?class="state s-(\w+)', self.read("/grids/"))[:1] == [whole]
        for unit, state in units.items():
            assert STATE.findall(self.read(f"/grids/{path}/units/{unit}/"))[-1:] == [state]

    def agree_overview(self, path: str, units: dict[str, str]) -> None:
        seen = self.api("overview?group=zone")
        assert {each["unit"]: each["state"] for each in seen["cells"] if each["grid"] == path} == units
        rows = self.api("nodeunits?group=zone")["items"]
        assert {each["name"]: each["state"] for each in seen["units"]} == {each["name"]: each["state"] for each in rows}
        for each in rows:
            assert each["state"] == worst([each["nodeState"], units[each["name"]]])
            assert each["unhealthy"] == is_unhealthy(each["state"])
            assert STATE.findall(self.read(f"/unit/?key=zone&unit={each['name']}"))[:1] == [each["state"]]
        bad = [each["name"] for each in seen["units"] if is_unhealthy(each["state"])]
        assert seen["totals"]["unhealthy"] == len(bad)
        assert [each["name"] for each in seen["units"]][: len(bad)] == bad  # the order: they come first
        assert sorted(bad) == sorted(each["name"] for each in self.api("nodeunits?group=zone&unhealthy=true")["items"])
        page = self.read("/matrix/?group=zone&unhealthy=1")
        assert {name for name in units if f"unit={name}" in page} == set(bad)
        for unit, state in units.items():
            assert re.search(rf's-{state}[ "][^>]*href="/grids/{path}/units/{unit}/"', self.read("/matrix/?group=zone"))

    def agree_metrics(self, kind: str, states: list[str], whole: str) -> None:
        found = {
            (name, each, state): int(number) for name, each, state, number in METRIC.findall(self.read("/metrics"))
        }
        for state in WORKLOAD_STATES:
            assert found["sgportal_grids", kind, state] == (state == whole)
            assert found["sgportal_grid_units", kind, state] == states.count(state)


@pytest.fixture
def doors(world: World) -> Doors:
    world.label("node0", zone="a")
    return Doors(world)


def rolled(doors: Doors, manifest: dict, change=None):
    """A grid that was Ready and then changed."""
    grid = doors.site.save(manifest)
    settles(doors.site, grid, "Ready")
    if change:
        doors.site.change(grid, change)
    return grid


def spec(**fields):
    return lambda manifest: manifest["spec"]["template"].update(fields)


def both(*changes):
    return lambda manifest: [each(manifest) for each in changes]


def in_no_room(manifest):
    manifest["spec"]["template"]["template"]["spec"]["nodeSelector"] = {"disk": "none-has-it"}


BAD = "fail.sgportal.test/x:2"
PARTITION = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
WORLDS = [
    ("Ready", "", a_grid("w", template=a_template("img:1", 2)), None),
    ("Degraded", "", a_grid("w", template=a_template("img:1", 1)), image(BAD)),
    ("Paused", "Paused", a_grid("w", template=a_template("img:1", 2)), both(spec(paused=True), image("img:2"))),
    ("Partitioned", "", a_set("w", 3, updateStrategy=PARTITION), image("img:2")),
    ("OnDelete", "", a_set("w", 2, updateStrategy={"type": "OnDelete"}), image("img:2")),
    ("Degraded", "Unschedulable", a_grid("w", template=a_template("img:1", 1)), in_no_room),
]
NAMES = ["ready", "bad image", "paused", "partitioned", "on delete", "unschedulable"]


@pytest.mark.parametrize(("state", "reason", "manifest", "change"), WORLDS, ids=NAMES)
def test_rollouts(doors, state, reason, manifest, change):
    grid = rolled(doors, manifest, change)
    settles(doors.site, grid, state, reason)
    doors.agree(grid, state)


def test_a_quota(doors):
    grid = rolled(doors, a_grid("w", template=a_template("img:1", 1)))
    with limited(doors.site, pods="1"):
        doors.site.change(grid, image("img:2"))
        settles(doors.site, grid, "Degraded", "FailedCreate")
        doors.agree(grid, "Degraded")


def test_a_pod_on_a_node_of_another_unit(doors):
    doors.site.label("node1", zone="a")
    grid = rolled(doors, a_grid("w", template=a_template("img:1", 2)))
    node = sorted(pod["spec"]["nodeName"] for pod in doors.site.cluster.list("Pod", NAMESPACE).items)[-1]
    doors.site.label(node, zone="b")
    settles(doors.site, grid, "Degraded", "Misplaced")
    doors.site.until(lambda: (doors.site.resync(), grid.units.get(name="b").state == "Ready")[1])
    assert doors.agree(grid, "Degraded") == {"a": "Degraded", "b": "Ready"}


@pytest.mark.embedded_only
def test_one_site_of_eleven_is_offline(doors):
    """The grid is not: its sentence says how many are."""
    site = doors.site
    for number in range(10):
        add_node(site, number + 10)
        site.label(f"n{number + 10}", zone=f"site{number}")
    grid = rolled(doors, a_grid("w", template=a_template("img:1", 1)))
    site.until(lambda: (site.resync(), grid.units.filter(state="Ready").count() == 11)[1])
    site.server.set_node_ready("node0", None)
    settles(site, grid, "Offline")
    units = doors.agree(grid, "Offline", "Degraded")
    assert sorted(units.values()) == ["Offline", *["Ready"] * 10]
    grid.refresh_from_db()
    assert "1 of 11 units" in next(each["message"] for each in grid.status["conditions"] if each["type"] == "Degraded")


def test_what_is_wrong_is_said_in_the_readers_language(doors):
    grid = rolled(doors, a_grid("w", template=a_template("img:1", 1)), image(BAD))
    settles(doors.site, grid, "Degraded")
    path = f"/grids/deploymentgrids/{NAMESPACE}/w/"
    english = causes_on(doors.read(path))
    assert "pod w-a-" in english
    doors.client.cookies.load({"django_language": "zh-hans"})
    chinese = causes_on(doors.read(path))
    assert "1 个" in chinese
    assert "unit" not in chinese
    assert "fail.sgportal.test" in chinese


def causes_on(page):
    """What the list of causes on a page says."""
    found = re.findall(r'<ul class="causes">(.*?)</ul>', page, re.DOTALL)
    assert len(found) == 1
    return " ".join(re.sub(r"<[^>]*>", " ", found[0]).split())
