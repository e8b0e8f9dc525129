"""What is out of scope does not exist: every address, by every method, for people whose role is limited.

Whatever is foreign to them has “foreign” in its name, so that no byte of an answer may hold that word.
"""

import re
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from sgportal.core.access.scope import Bounds, Scope
from sgportal.core.text import say
from sgportal.core.usage.measure import Amount, NodeSample, PodSample
from sgportal.models import ApiToken, AuditEvent, Grant, Grid, GridEvent, LabelJob, Node, Pod, ServiceGroup
from sgportal.models.scopes.rows import RULES, Scoped
from sgportal.models.usage import MEASURED
from sgportal.reconciler.queue import unit_history
from sgportal.reconciler.usage import measuring
from tests import builders
from tests.api.builders import child, manifest
from tests.dashboard.test_every_address import PIECE, patterns

pytestmark = pytest.mark.django_db
OWN = {
    "plural": "deploymentgrids",
    "namespace": "home",
    "name": "echo",
    "key": "site",
    "verb": "pause",
    "unit": "ham",
    "session": "x",
    "token": "x",
    "pk": "00000000-0000-0000-0000-000000000000",
}
PLAIN, CSV = ("", "key=site&unit=ham"), ("format=csv&key=site&unit=ham&at=",)
SEARCHED = ("group=site&by=kubernetes.io/hostname&q=for&search=for",)
SCOPES = {
    "namespace": {"namespaces": "home"},
    "unit": {"key": "site", "units": "ham"},
    "unit of a namespace": {"namespaces": "home", "key": "site", "units": "ham"},
    "kind": {"namespaces": "home", "kinds": "DeploymentGrid"},
    "NodeGroup": {"key": "site"},
}
# What is foreign to whom: another namespace, another site, another NodeGroup.
ELSEWHERE = {"namespace": "n", "unit": "u", "unit of a namespace": "nu", "kind": "n", "NodeGroup": "k"}


def world(elsewhere: str) -> None:
    """A site and a namespace, and what is elsewhere beside them."""
    space = "foreign-space" if "n" in elsewhere else "home"
    key = "foreign-key" if "k" in elsewhere else "site"
    unit = "foreign-unit" if set("uk") & set(elsewhere) else "ham"
    builders.a_node("node0", site="ham", **{"kubernetes.io/hostname": "node0"})
    labels = {key: unit, "kubernetes.io/hostname": "node1"}
    outside = "n" not in elsewhere or "u" in elsewhere
    node = builders.label(builders.a_node("foreign-node" if outside else "node1", ready="Unknown"), labels)
    for name, at, of, its, where in (
        ("echo", "home", "site", "ham", "node0"),
        ("echo" if elsewhere == "u" else "foreign-echo", space, key, unit, node.name),
    ):
        found = Grid.objects.filter(name=name, namespace=at, kind="DeploymentGrid").first()
        if found is None:
            package = ServiceGroup.objects.create(namespace=at, name=f"{name}-pack", key=of)
            found = builders.a_grid(name, of, at, group=package)
            builders.a_service(name, of, at)
        builders.observed(found, {its: "Degraded" if where == "node0" else "Blocked"})
        child(found, its)
        builders.a_pod(found, its, where, ready=False, reason="CrashLoopBackOff")
        for type_ in ("Warning", "Normal"):
            GridEvent.objects.create(
                path=found.path, unit=its, type=type_, reason="Trouble", message=say(f"pods of {its} fail").to_json()
            )
    if elsewhere == "u":
        found.spec = {**found.spec, "templates": {"foreign-unit": "x"}}
        found.save()
    LabelJob.objects.create(changes={"site": "ham"}, results={"foreign-node": {"state": "done"}}, author="ada")
    AuditEvent.objects.create(actor="ada", door="page", verb="change", path="deploymentgrids/foreign-space/x")
    builders.news()
    unit_history.note_all()
    used = Amount(Decimal(1), Decimal(2**20))
    nodes = [NodeSample(each.name, used) for each in Node.objects.all()]
    measuring.keep(nodes, [PodSample(each.namespace, each.name, used) for each in Pod.objects.all()], timezone.now())
    assert all(model.objects.exists() for model in MEASURED)


def limited(role: str, scope: str, through_group: bool = False) -> Client:
    """A browser of somebody with a role in a scope."""
    person = builders.a_person("sam", "")
    holder = {"user": person}
    if through_group:
        holder = {"group": Group.objects.create(name="site-staff")}
        person.groups.add(holder["group"])
    Grant.objects.create(role=role, **holder, **SCOPES[scope])
    client = Client(raise_request_exception=False, headers={"host": "localhost"})
    client.force_login(person)
    return client


@pytest.fixture(autouse=True)
def _measured(settings):
    settings.SGPORTAL_METRICS_SERVER = True


def addresses(**pieces: str):
    for pattern in patterns(get_resolver()):
        if not pattern.startswith(("logout", "api/v1/events")):
            yield "/" + re.sub(PIECE, lambda found: {**OWN, **pieces}[found[1]], pattern)


def shows_what_is_foreign(answer) -> bool:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return b"foreign" in content or "foreign" in str(answer.headers)


def walked(client: Client, queries: tuple[str, ...], targets: tuple[str, ...]) -> set[str]:
    """Read every address; those that answered. Fails for what names something foreign, or breaks."""
    bad, found = [], set()
    for address in sorted(set(addresses())):
        for asked in queries:
            answer = client.get(f"{address}?{asked}")
            found |= {address} if answer.status_code == 200 else set()
            bad += [(address, asked, answer.status_code)] if is_bad(answer) else []
        for target in targets:
            answer = client.get(address, headers={"HX-Request": "true", "HX-Target": target})
            bad += [(address, target, answer.status_code)] if is_bad(answer) else []
    assert bad == []
    return found


def is_bad(answer) -> bool:
    return shows_what_is_foreign(answer) or (answer.status_code >= 500 and answer.status_code != 503)


FIRST = {"/", "/matrix/", "/nodes/", "/unit/", "/search/", "/events/", "/api/v1/nodes", "/api/v1/overview"}
FIRST |= {f"/api/v1/usage/{each}" for each in ("nodes", "nodeunits", "cells", "pods")}
FIRST |= {"/api/v1/nodeunits/site/ham/history", "/api/v1/nodeunits/site/ham/changes"}
OF_GRIDS = {"/grids/", "/api/v1/deploymentgrids", "/api/v1/deploymentgrids/home/echo"}


@pytest.mark.parametrize("scope", SCOPES)
def test_no_answer_names_what_is_out_of_scope(scope):
    world(ELSEWHERE[scope])
    client = limited("viewer", scope)
    found = walked(client, PLAIN, ())
    assert not is_bad(client.get("/unit/?key=site&unit=ham&at="))
    assert found >= FIRST
    assert (found >= OF_GRIDS) is ("units" not in SCOPES[scope])


@pytest.mark.parametrize("scope", ["namespace", "unit"])
@pytest.mark.parametrize(("role", "asked"), [("operator", CSV), ("admin", SEARCHED)])
def test_no_higher_role_names_what_is_out_of_scope(scope, role, asked):
    world(ELSEWHERE[scope])
    assert walked(limited(role, scope, through_group=True), asked, ("live",)) >= {
        "/",
        "/matrix/",
        "/nodes/",
        "/search/",
        "/events/",
    }


@pytest.mark.parametrize("scope", ["namespace", "unit"])
def test_no_write_names_what_is_out_of_scope(scope):
    world(ELSEWHERE[scope])
    client = limited("operator", scope)
    before = list(AuditEvent.objects.values_list("path", flat=True))
    bad = [
        (address, method, answer.status_code)
        for address in sorted(set(addresses()))
        for method in ("post", "delete")
        if is_bad(answer := getattr(client, method)(address))
    ]
    assert bad == []
    paths = set(AuditEvent.objects.values_list("path", flat=True)) - set(before)
    assert {each.partition("#")[0] for each in paths} <= {
        "deploymentgrids/home/echo",
        "servicegroups/home/echo",
        "users/sam",
    }


PLACES = (
    "/grids/deploymentgrids/{}/echo/",
    "/grids/deploymentgrids/home/{}/",
    "/servicegroups/{}/x/",
    "/nodes/{}/",
    "/unit/?key=site&unit={}",
    "/api/v1/deploymentgrids/home/{}",
    "/api/v1/deploymentgrids/{}/x/revisions",
    "/api/v1/servicegroups/{}/x",
    "/api/v1/servicegroups/{}/x/revisions",
    "/api/v1/servicegroups/{}/x/rollout",
    "/servicegroups/{}/x/revisions/",
    "/api/v1/nodes/{}",
    "/api/v1/nodeunits?group={}",
    "/api/v1/nodeunits/site/{}/history",
    "/api/v1/nodeunits/{}/ham/changes",
    "/unit/?key=site&unit={}&at=",
    "/api/v1/overview?group={}",
    "/api/v1/causes?group=site&unit={}",
    "/api/v1/deploymentgrids?namespace={}",
)


def said(client: Client, place: str, name: str) -> tuple[int, str]:
    answer = client.get(place.format(name))
    return answer.status_code, re.sub(r"\w{64}|[0-9a-f]{32}|\d+", "", answer.text.replace(name, "NAME"))


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_out_of_scope_answers_as_what_is_not_there(scope):
    world(ELSEWHERE[scope])
    client = limited("viewer", scope)
    names = "foreign-space", "foreign-unit", "foreign-node", "foreign-echo", "foreign-key"
    differing = [
        (place, name)
        for place in PLACES
        for name in names
        if said(client, place, name) != said(client, place, "nothing-x")
    ]
    assert differing == []


@pytest.mark.parametrize("scope", SCOPES)
def test_everything_is_foreign_to_nobody_without_a_limit(scope):
    """The walk would see a leak: who may read everything is shown what is foreign to others."""
    world(ELSEWHERE[scope])
    client = Client(headers={"host": "localhost"})
    client.force_login(builders.a_person("vic", "viewer"))
    assert sum(shows_what_is_foreign(client.get(each)) for each in ("/", "/matrix/?group=foreign-key", "/nodes/")) >= 1


def caller(user, **bounds: str) -> Client:
    """A caller of the REST API with a token of somebody's, limited to some bounds."""
    limits = Bounds(*(tuple(bounds.get(each, "").split()) for each in ("namespaces", "kinds")))
    _, text = ApiToken.issue(user, "t", "write", bounds=limits)
    return Client(headers={"host": "localhost", "Authorization": f"Bearer {text}"})


def test_a_viewer_of_everything_operates_in_a_scope_only():
    world("n")
    person = builders.a_person("sam", "viewer")
    Grant.objects.create(user=person, role="operator", namespaces="home", kinds="DeploymentGrid")
    client = caller(person)
    where = "/api/v1/deploymentgrids/{}/restart?dryRun=All"
    assert client.get("/api/v1/deploymentgrids/foreign-space/foreign-echo").status_code == 200
    own = client.post(where.format("home/echo"), {}, content_type="application/json")
    foreign = client.post(where.format("foreign-space/foreign-echo"), {}, content_type="application/json")
    assert (own.status_code, foreign.status_code) == (200, 403)
    assert "foreign-space" in foreign.json()["detail"]
    labels = {"nodes": ["node0"], "labels": {"site": "ham"}}
    assert client.post("/api/v1/nodes/label", labels, content_type="application/json").status_code == 403


@pytest.mark.parametrize(
    ("manifest", "status"),
    [
        (manifest("new", namespace="home", gridUniqKey="site"), 201),
        (manifest("new", namespace="foreign-space", gridUniqKey="site"), 403),
        (manifest("new", "ServiceGrid", "home", gridUniqKey="site"), 403),
        (manifest("echo", namespace="home", gridUniqKey="site"), 409),
    ],
    ids=["own", "namespace", "kind", "exists"],
)
def test_a_write_out_of_scope_is_refused(manifest, status):
    world("n")
    person = builders.a_person("sam", "")
    Grant.objects.create(user=person, role="operator", namespaces="home", kinds="DeploymentGrid")
    before = Grid.objects.count()
    plural = f"{manifest['kind'].lower()}s"
    asked = {"data": manifest, "content_type": "application/json"}
    assert caller(person).post(f"/api/v1/{plural}", **asked).status_code == status
    assert Grid.objects.count() == before + (status == 201)
    if status == 403:
        assert caller(person).post("/api/v1/apply", **asked).status_code == status
        assert caller(person).post("/api/v1/apply?dryRun=All", **asked).status_code == status


def test_a_refused_write_does_not_say_of_which_node_group_a_grid_is_that_is_out_of_scope():
    builders.a_grid("web", "hidden-key", "home")
    person = builders.a_person("sam", "")
    Grant.objects.create(user=person, role="operator", namespaces="home", key="site")
    body = manifest("web", namespace="home", gridUniqKey="site")
    for address in ("/api/v1/deploymentgrids", "/api/v1/apply"):
        answer = caller(person).post(address, body, content_type="application/json")
        assert answer.status_code == 403
        assert "hidden-key" not in answer.text
        assert "site" in answer.json()["detail"]


@pytest.mark.parametrize("verb", ["restore", "revisions"])
def test_revisions_do_not_say_that_a_grid_is_there_that_is_out_of_scope(verb):
    builders.a_grid("web", "hidden-key", "home")
    person = builders.a_person("sam", "")
    Grant.objects.create(user=person, role="operator", namespaces="home", key="site")
    for query in ("", "?dryRun=All") if verb == "restore" else ("",):
        told = []
        for name in ("web", "none"):
            address = f"/api/v1/deploymentgrids/home/{name}/{verb}{query}"
            body = {"data": {"revision": 1}, "content_type": "application/json"}
            answer = caller(person).post(address, **body) if verb == "restore" else caller(person).get(address)
            told.append((answer.status_code, {**answer.json(), "instance": "", "requestId": ""}))
        assert told[0][0] == 404
        assert str(told[0]).replace("/web", "/none") == str(told[1])


def test_who_is_limited_to_a_kind_does_not_learn_of_which_package_a_grid_is():
    package = ServiceGroup.objects.create(namespace="home", name="secret-pack", key="site")
    builders.a_grid("echo", "site", "home", group=package)
    builders.news()
    every = Client(headers={"host": "localhost"})
    every.force_login(builders.a_person("vic", "viewer"))
    of_kind = limited("viewer", "kind")
    for address in ("/grids/", "/grids/deploymentgrids/home/echo/", "/grids/?search=secret"):
        assert "secret-pack" in every.get(address).text
        assert "secret-pack" not in of_kind.get(address).text
    assert "home/echo" not in of_kind.get("/grids/?search=secret-p").text


def test_a_token_may_be_narrower_than_its_owner_and_never_wider():
    world("n")
    operator = builders.a_person("olga", "operator")
    assert caller(operator, namespaces="home").get("/api/v1/deploymentgrids/home/echo").status_code == 200
    assert caller(operator, namespaces="home").get("/api/v1/deploymentgrids/foreign-space/x").status_code == 404
    person = builders.a_person("sam", "")
    Grant.objects.create(user=person, role="operator", namespaces="home")
    for bounds in ("foreign-space", "foreign-space home"):
        answer = caller(person, namespaces=bounds).get("/api/v1/deploymentgrids/foreign-space/foreign-echo")
        assert answer.status_code in (403, 404)
        assert not answer.text.replace("foreign-space/foreign-echo", "").count("foreign")


def test_sums_are_of_what_is_in_scope():
    world("u")
    page = limited("viewer", "unit").get("/api/v1/overview?group=site").json()
    assert (page["totals"]["units"], page["totals"]["podsDesired"], page["totals"]["nodes"]) == (1, 2, 1)
    row = next(each for each in page["grids"] if each["name"] == "echo")
    everything = Client(headers={"host": "localhost"})
    everything.force_login(builders.a_person("vic", "viewer"))
    whole = everything.get("/api/v1/overview?group=site").json()
    assert whole["totals"]["units"] == 2
    assert row["state"] == "Degraded"
    assert next(each["state"] for each in whole["grids"] if each["name"] == "echo") == "Blocked"


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "live"}])
def test_a_list_that_one_person_has_is_sent_anew_to_another_and_after_the_scope_changed(headers):
    world("u")
    everything = Client(headers={"host": "localhost"})
    everything.force_login(builders.a_person("vic", "viewer"))
    everything.get("/")  # the cookie of its forms
    whole = everything.get("/nodes/", headers=headers)
    assert b"foreign-node" in whole.content
    again = {**headers, "If-None-Match": whole["ETag"]}
    assert everything.get("/nodes/", headers=again).status_code == 304
    mine = limited("viewer", "unit").get("/nodes/", headers=again)
    assert mine.status_code == 200
    assert b"foreign" not in mine.content
    client = Client(headers={"host": "localhost"})
    client.force_login(sam := User.objects.get(username="sam"))
    client.get("/")
    again = {**headers, "If-None-Match": client.get("/nodes/", headers=headers)["ETag"]}
    assert client.get("/nodes/", headers=again).status_code == 304
    Grant.objects.create(user=sam, role="viewer")
    answer = client.get("/nodes/", headers=again)
    assert (answer.status_code, b"foreign-node" in answer.content) == (200, True)


def test_what_is_kept_for_all_browsers_is_kept_apart_by_scope():
    world("n")
    everything = Client(headers={"host": "localhost"})
    everything.force_login(builders.a_person("vic", "viewer"))
    live = {"HX-Request": "true", "HX-Target": "live"}
    whole = everything.get("/grids/", headers=live)
    mine = limited("viewer", "namespace").get("/grids/", headers={**live, "If-None-Match": whole["ETag"]})
    assert b"foreign-echo" in whole.content
    assert mine.status_code == 200
    assert b"foreign" not in mine.content
    assert b"echo" in mine.content


@pytest.mark.parametrize(
    ("bounds", "line", "told"),
    [
        (Bounds(), ("job", "1"), ("job", "1")),
        (Bounds(("home",)), ("job", "1"), None),
        (Bounds(("home",)), ("grid", "deploymentgrids/home/echo"), ("grid", "deploymentgrids/home/echo")),
        (Bounds(("home",)), ("grid", "deploymentgrids/other/echo"), None),
        (Bounds((), ("ServiceGrid",)), ("grid", "deploymentgrids/home/echo"), None),
        (Bounds((), (), "site"), ("grid", "deploymentgrids/home/echo"), ("grid", "")),
        (Bounds((), (), "site", ("ham",)), ("unit", "site=lyo"), None),
        (Bounds((), (), "site", ("ham",)), ("unit", "site=ham"), ("unit", "site=ham")),
        (Bounds((), (), "site", ("ham",)), ("node", "node0"), ("node", "")),
        (Bounds(("home",)), ("cluster", "halt"), ("cluster", "halt")),
    ],
)
def test_live_updates_tell_of_what_is_in_scope(bounds, line, told):
    assert Scope((bounds,)).told(*line) == told


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Bounds(), Bounds(("a",)), Bounds(("a",))),
        (Bounds(("a", "b")), Bounds(("b", "c")), Bounds(("b",))),
        (Bounds(("a",)), Bounds(("b",)), Bounds(void=True)),
        (Bounds((), (), "site"), Bounds((), (), "zone"), Bounds(void=True)),
        (Bounds((), (), "site", ("x",)), Bounds((), (), "site"), Bounds((), (), "site", ("x",))),
        (Bounds((), (), "site", ("x",)), Bounds((), (), "site", ("y",)), Bounds(void=True)),
        (Bounds(void=True), Bounds(), Bounds(void=True)),
    ],
)
def test_bounds_within_bounds(one, other, both):
    assert one.within(other) == other.within(one) == both


def test_every_model_that_names_things_of_a_cluster_keeps_to_scopes():
    """A model without the rule would show everything in every view: say here why it may be so."""
    unlimited = {each.__name__ for each in apps.get_app_config("sgportal").get_models()} - RULES.keys()
    of_the_portal = {
        "ApiToken",
        "Favourite",
        "Grant",
        "LogInCount",
        "SavedView",
        "SecondFactor",
        "ServiceToken",
        "NotificationChannel",
        "Notice",
        "Delivery",
        "OidcIdentity",
        "Preference",
        "Lease",
        "Heartbeat",
        "DueCell",
        "WorkKey",
    }
    of_the_cluster = {"DataPlane", "ManagedCluster", "ManagementMode", "ResourceSync", "UsageSource"}
    filtered_line_by_line = {"Journal"}
    assert unlimited == of_the_portal | of_the_cluster | filtered_line_by_line
    assert all(isinstance(apps.get_model("sgportal", each).objects, Scoped) for each in RULES)


def test_an_admin_of_a_scope_is_no_admin_of_the_portal():
    world("n")
    client = limited("admin", "namespace")
    assert client.get("/admin/auth/user/").status_code in (302, 403)
    assert client.get("/audit/").status_code == 404
    assert client.get("/api/v1/grants").status_code == 404
    assert client.post("/api/v1/grants", {"group": "x", "role": "admin"}, "application/json").status_code in (403, 404)
    ApiToken.issue(builders.a_person("ada"), "foreign-token")
    assert client.get("/api/v1/tokens").json()["items"] == []
