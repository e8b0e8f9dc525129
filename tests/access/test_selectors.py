"""Grants that choose NodeUnits by labels: who comes and who goes while people look."""

import asyncio
import io

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sgportal.access import oidc
from sgportal.api.events import streams
from sgportal.core.access.reading import read_bounds, written
from sgportal.core.access.scope import EVERYTHING, NO_UNIT, Bounds, Scope
from sgportal.core.selector import parse_selector, selector_text
from sgportal.core.units import NodeView, Unit
from sgportal.management import backup
from sgportal.models import ApiToken, AuditEvent, Delivery, Grant, Grid, Journal, Node, NodeLabel, NotificationChannel
from sgportal.models.scopes.current import within
from sgportal.models.scopes.selected import settle
from sgportal.reconciler.queue import change_log
from tests import builders
from tests.notices.test_notices import look

pytestmark = pytest.mark.django_db
NORTH = {"nodeGroup": "site", "unitSelector": "region=north"}


def chosen(selector: str, *, units: tuple[str, ...] = (), key: str = "site") -> Bounds:
    return Bounds(key=key, units=units, selector=parse_selector(selector))


@pytest.fixture
def sites():
    """Two NodeUnits in the north, one in the south, and one whose nodes are in both."""
    for unit, *regions in (
        ("ham", "north", "north"),
        ("kiel", "north"),
        ("rome", "south"),
        ("split", "north", "south"),
    ):
        for number, region in enumerate(regions):
            builders.a_node(f"{unit}-{number}", site=unit, region=region)
    builders.observed(builders.a_grid("echo", "site"), ["ham", "kiel", "rome", "split"])
    builders.news()


def somebody(role: str = "viewer", **grant: str) -> Client:
    person = builders.a_person("sam", "")
    Grant.objects.create(user=person, role=role, **{"key": "site", "selector": "region=north", **grant})
    return browser(person)


def browser(person) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    return client


def seen(client: Client) -> list[str]:
    answer = client.get("/api/v1/nodeunits?group=site")
    return [each["name"] for each in answer.json()["items"]] if answer.status_code == 200 else []


def move(node: str, **labels: str) -> None:
    """What the watch stores of a node whose labels changed, and what it notes."""
    builders.label(Node.objects.get(name=node), labels)
    change_log.record("node", [node])


@pytest.mark.parametrize(
    ("selector", "units"),
    [
        ("region=north", ["ham", "kiel"]),
        ("region in (north,south)", ["ham", "kiel", "rome"]),
        ("region", ["ham", "kiel", "rome"]),
        ("!region", ["split"]),
        ("region!=south", ["ham", "kiel", "split"]),
        ("region=north,site notin (ham)", ["kiel"]),
        ("tier=gold", []),
    ],
)
def test_labels_of_a_node_unit_are_those_of_the_selectors_of_grids(sites, selector, units):
    (bounds,) = settle(Scope((chosen(selector),))).bounds
    assert bounds == Bounds(key="site", units=tuple(units) or NO_UNIT)
    assert seen(somebody(selector=selector)) == units


def test_a_selector_is_written_as_it_is_read():
    for text in ("a", "!a", "a=b", "a!=b", "a in (b,c)", "a notin (b,c)", "a=", "x/y in (b,c),!d"):
        assert selector_text(parse_selector(text)) == text
        bounds, problems = read_bounds({"nodeGroup": "site", "unitSelector": text})
        assert problems == []
        assert written(bounds)["unitSelector"] == text


def test_of_named_node_units_only_those_with_the_labels_are_taken():
    units = [Unit(name, (NodeView(name, {"region": "north"}),)) for name in ("ham", "kiel")]
    both = Bounds(key="site", units=("ham", "rome")).within(chosen("region=north"))
    assert both.settled(units).units == ("ham",)
    assert chosen("region=south").settled(units).units == NO_UNIT
    assert chosen("a").within(chosen("b")) == chosen("b").within(chosen("a")) == chosen("a,b")


def test_a_scope_that_was_not_settled_finds_nothing_by_mistake():
    scope = Scope((chosen("region=north"),))
    with pytest.raises(ValueError, match="settled"), within(scope, scope):
        pass


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"unitSelector": "region=north"}, "/nodeGroup"),
        ({**NORTH, "nodeUnits": ["ham"]}, "/unitSelector"),
        ({**NORTH, "unitSelector": "region = = x"}, "/unitSelector"),
        ({**NORTH, "unitSelector": {"matchLabels": {"region": "north"}}}, "/unitSelector"),
        ({**NORTH, "unitSelector": ",".join(f"l{n}" for n in range(33))}, "/unitSelector"),
    ],
)
def test_a_selector_that_makes_no_sense_is_refused_by_every_door(asked, pointer):
    admin = browser(builders.a_person())
    for place, more in (
        ("grants", {"group": "staff", "role": "viewer"}),
        ("tokens", {"name": "ci", "scope": "read"}),
        ("service-tokens", {"name": "ci", "role": "viewer"}),
        ("notifications", {"name": "ops", "url": "json://hook.example"}),
    ):
        answer = admin.post(f"/api/v1/{place}", {**more, **asked}, content_type="application/json")
        assert (place, answer.status_code) == (place, 422)
        assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert not any(model.objects.exists() for model in (Grant, ApiToken, NotificationChannel))


def test_a_grant_by_labels_is_given_shown_and_audited():
    admin = browser(builders.a_person())
    asked = {"group": "north-staff", "role": "viewer", **NORTH, "unitSelector": "region  in ( north, east )"}
    made = admin.post("/api/v1/grants", asked, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["unitSelector"] == "region in (north,east)"
    assert admin.get("/api/v1/grants").json()["items"] == [made.json()]
    assert AuditEvent.objects.get(verb="grant-given").after["unitSelector"] == "region in (north,east)"
    form = {"group": "south-staff", "role": "viewer", "key": "site", "selector": "region=south"}
    assert "is required" in admin.post("/admin/sgportal/grant/add/", {**form, "key": ""}).text
    assert admin.post("/admin/sgportal/grant/add/", form).status_code == 302
    assert "region=south" in admin.get("/admin/sgportal/grant/").text
    assert "region=south" in admin.get("/admin/sgportal/grant/?format=csv").text


def test_a_node_unit_that_joins_later_is_in_scope_and_one_that_leaves_is_not(sites):
    client = somebody()
    assert seen(client) == ["ham", "kiel"]
    builders.a_node("oslo-0", site="oslo", region="north")
    assert seen(client) == ["ham", "kiel", "oslo"]
    move("ham-1", region="south")  # a NodeUnit of which one node went elsewhere has the label no more
    assert seen(client) == ["kiel", "oslo"]
    for place in ("/unit/?key=site&unit={}", "/nodes/{}-0/", "/api/v1/nodes/{}-0"):
        assert client.get(place.format("kiel")).status_code == 200
        gone, nothing = (client.get(place.format(name)) for name in ("ham", "nil"))
        assert gone.status_code == nothing.status_code
        assert ".".join(gone.text.split("ham")).count("region=") == 0
    assert "ham-0" not in client.get("/search/?q=ham").text
    NodeLabel.objects.filter(key="region").delete()
    assert seen(client) == []
    assert client.get("/").status_code == 200


def test_nothing_that_was_kept_shows_a_node_unit_that_left(sites):
    client = somebody()
    live = {"HX-Request": "true", "HX-Target": "live"}
    places = [("/matrix/?group=site", live), ("/nodes/", live), ("/nodes/", {}), ("/api/v1/nodeunits?group=site", {})]
    kept = [client.get(place, headers=headers) for place, headers in places]
    assert all(b"kiel" in each.content for each in kept)
    # The labels are another's before the change log says so: no tag may hang on the change log alone.
    builders.label(Node.objects.get(name="kiel-0"), {"region": "south"})
    for before, (place, headers) in zip(kept, places, strict=True):
        now = client.get(place, headers={**headers, "If-None-Match": before.get("ETag", '"none"')})
        assert "ETag" in before
        assert now.status_code == 200
        assert b"kiel" not in now.content
        assert b"ham" in now.content


def test_a_stream_tells_of_a_node_unit_as_long_as_it_is_in_scope_and_that_others_left(transactional_db, monkeypatch):
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.02)
    builders.a_node("ham-0", site="ham", region="north")
    builders.a_node("kiel-0", site="kiel", region="north")
    change_log.record("node", ["ham-0"])
    granted = Scope((chosen("region=north"),))
    scope = settle(granted)

    async def told(stream, wanted: bytes) -> bytes:
        heard = b""
        while wanted not in heard:
            heard += await anext(stream)
        return heard

    async def listen():
        stream = streams.stream(Journal.newest(), [], False, scope, granted)
        begun = await anext(stream)
        await asyncio.to_thread(change_log.record, "unit", ["site=kiel"])
        mine = await told(stream, b"site=kiel")
        await asyncio.to_thread(move, "kiel-0", region="south")
        left = await told(stream, b"event: resync")
        await asyncio.to_thread(change_log.record, "unit", ["site=kiel", "site=ham"])
        after = await told(stream, b"site=ham")
        await stream.aclose()
        return begun, mine, left, after

    async def all_within():
        return await asyncio.wait_for(listen(), 75)

    # Everything is read before the loop begins: it may not ask the database.
    newest = Journal.newest()
    monkeypatch.setattr(Journal, "newest", lambda: newest)
    begun, mine, left, after = asyncio.run(all_within())
    assert b"resync" not in begun + mine
    assert b"kiel" not in left + after


def test_who_listens_since_before_a_change_that_was_missed_is_told(transactional_db, monkeypatch):
    """Between the answer to whom a stream is for and its first look nothing is lost."""
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.02)
    builders.a_node("kiel-0", site="kiel", region="south")
    before = Scope((Bounds(key="site", units=("kiel",)),))

    async def listen():
        stream = streams.stream(0, [], False, before, Scope((chosen("region=north"),)))
        while b"resync" not in await anext(stream):
            pass
        await stream.aclose()

    asyncio.run(asyncio.wait_for(listen(), 75))


def test_a_token_by_labels_is_narrower_than_its_owner_and_never_wider(sites):
    owner = builders.a_person("vic", "viewer")
    _, text = ApiToken.issue(owner, "north", bounds=chosen("region=north"))
    theirs = Client(headers={"host": "localhost", "Authorization": f"Bearer {text}"})
    assert seen(theirs) == ["ham", "kiel"]
    owner.groups.clear()
    Grant.objects.create(user=owner, role="viewer", key="site", units="ham rome")
    assert seen(theirs) == ["ham"]
    Grant.objects.all().delete()
    Grant.objects.create(user=owner, role="viewer", key="zone")
    assert theirs.get("/api/v1/nodeunits?group=site").status_code == 404


def test_a_group_of_the_provider_has_a_role_where_the_labels_are(sites):
    group = Group.objects.create(name="oidc:north-staff")
    Grant.objects.create(group=group, role="operator", key="site", selector="region=north")
    person = oidc.take_in(
        {"iss": "https://sso.example", "sub": "1", "preferred_username": "sam", "groups": ["north-staff"]}
    )
    client = browser(person)
    assert seen(client) == ["ham", "kiel"]
    assert "rome-0" not in client.get("/unit/?key=site&unit=rome").text
    nothing = client.get("/api/v1/deploymentgrids/default/none")
    assert client.get("/api/v1/deploymentgrids/default/echo").status_code == nothing.status_code == 404
    label = {"nodes": ["ham-0"], "labels": {"region": "south"}}
    assert client.post("/api/v1/nodes/label", label, content_type="application/json").status_code in (403, 404)
    assert Node.objects.get(name="ham-0").labels["region"] == "north"


def test_a_channel_is_told_of_the_node_units_with_the_labels(sites):
    NotificationChannel.objects.create(
        name="north", url="json://hook.example", topics="units", key="site", selector="region=north"
    )
    NotificationChannel.objects.create(name="all", url="json://hook.example", topics="units")
    Node.objects.update(ready="NotReady")
    look()
    told = {name: set() for name in ("north", "all")}
    for row in Delivery.objects.filter(event="began").select_related("channel", "notice"):
        told[row.channel.name].add(row.notice.unit)
    assert told["north"] == {"ham", "kiel"}
    assert {"ham", "kiel", "rome", "split"} <= told["all"]


def test_a_backup_brings_selectors_back(sites):
    client = somebody()
    file = io.BytesIO()
    backup.write(file)
    Grant.objects.all().delete()
    assert client.get("/api/v1/nodeunits?group=site").status_code in (401, 403, 404)
    assert b"region=north" in backup.gzip.decompress(file.getvalue())


def statements(client: Client, place: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(place).status_code == 200
    return len(asked)


def test_labels_cost_one_statement_however_many_nodes_there_are(sites):
    client = somebody()
    places = ("/api/v1/nodeunits?group=site", "/nodes/", "/matrix/?group=site", "/api/v1/overview?group=site")
    few = [statements(client, place) for place in places]
    builders.nodes(300, "site", 60)
    NodeLabel.objects.bulk_create(
        NodeLabel(node=each, key="region", value="north") for each in Node.objects.filter(name__startswith="node-")
    )
    assert len(seen(client)) == 62
    Grid.objects.update(units_by_state={})
    assert [statements(client, place) for place in places] == few
    Grant.objects.update(selector="", units="ham kiel")
    assert [statements(client, place) + 1 for place in places] == few


def test_who_has_everything_asks_for_no_labels(sites, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert settle(EVERYTHING) == EVERYTHING
