"""Lists and the overview that a caller has already: 304 before anything is read, and never where anything changed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import ApiToken, GridUnit, Journal, Node, ResourceSync

from . import builders

ADDRESSES = (
    "overview?group=zone1",
    "nodeunits?group=zone1",
    "nodegroups",
    "nodes",
    "jobs",
    "usage/nodes",
    "usage/nodeunits",
    "usage/grids",
    "usage/cells",
    "usage/pods",
    "deploymentgrids",
    "statefulsetgrids",
    "servicegrids?labelSelector=!x",
)


@pytest.fixture(autouse=True)
def world(db, settings):
    settings.SGPORTAL_STALE_SECONDS = 60
    builders.heard()
    builders.node("node0", zone1="nodeunit1")
    builders.cell(builders.grid(), "nodeunit1")


def hear(at, **fields):
    ResourceSync.objects.update(heard_at=at, synced_at=at, **fields)


def tag(api, path="overview?group=zone1", **headers):
    answer = api.get(path, **headers)
    assert answer.status_code == 200
    assert answer["ETag"].startswith('W/"')
    return answer["ETag"]


def again(api, etag, path="overview?group=zone1", **headers):
    return api.get(path, If_None_Match=etag, **headers)


@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_is_read_nor_sent_twice(api, path, django_assert_max_num_queries):
    first = api.get(path)
    assert first["Cache-Control"] == "private, no-cache"
    with django_assert_max_num_queries(6) as asked:
        answer = again(api, first["ETag"], path)
    assert (answer.status_code, answer.content) == (304, b"")
    assert (answer["ETag"], answer["Cache-Control"]) == (first["ETag"], first["Cache-Control"])
    assert {*answer["Vary"].split(", ")} >= {"Accept", "Accept-Encoding", "Accept-Language"}
    read = " ".join(each["sql"] for each in asked.captured_queries)
    assert not any(f'"sgportal_{table}"' in read for table in ("grid", "gridunit", "node", "nodelabel"))
    for named in (f'"x", {first["ETag"]}', first["ETag"].removeprefix("W/"), "*"):
        assert again(api, named, path).status_code == 304
    for other in ('"x"', "", 'W/""', "nonsense"):
        assert again(api, other, path).status_code == 200


def test_what_changed_is_read(api):
    known = tag(api)
    GridUnit.objects.update(ready=1)
    Journal.objects.create(kind="grid", key="deploymentgrids/default/echo")
    answer = again(api, known)
    assert answer.status_code == 200
    assert answer.json()["cells"][0]["ready"] == 1
    assert answer["ETag"] != known


def test_a_transaction_that_comes_late_is_not_missed(api):
    """It took its number before one that was committed sooner."""
    late = Journal.objects.create(kind="grid", key="a").pk
    Journal.objects.filter(pk=late).delete()
    Journal.objects.create(kind="grid", key="b")
    known = tag(api)
    Journal.objects.create(pk=late, kind="grid", key="a")
    assert again(api, known).status_code == 200


def test_another_reader_is_shown_what_is_theirs(as_, api):
    known = tag(api)
    for other in (as_("vic"), as_("ada")):
        assert again(other, known).status_code == 200
    assert again(api, known, Accept_Language="zh-Hans").status_code == 200
    assert again(api, known, Accept="application/yaml").status_code == 200
    for query in ("&limit=3", "&search=a", "&unhealthy=true"):
        assert again(api, known, f"overview?group=zone1{query}").status_code == 200


def test_who_may_not_read_is_not_told_that_nothing_changed(as_, api, people):
    known = tag(api)
    people["olga"].groups.clear()
    assert again(api, known).status_code in (401, 403)
    ApiToken.objects.all().delete()
    assert again(as_("mallory"), "*").status_code == 403


def test_the_age_of_the_news_is_not_frozen(api, settings):
    """A body that is kept may say when the news was heard a quarter of the time too early in which it grows stale."""
    settings.SGPORTAL_STALE_SECONDS = 800
    now = timezone.now()
    began = now - timedelta(seconds=now.timestamp() % 200)
    hear(began)
    known = tag(api)
    hear(began + timedelta(seconds=199))
    assert again(api, known).status_code == 304
    hear(began + timedelta(seconds=200))
    answer = again(api, known)
    assert answer.status_code == 200
    assert answer.json()["observedAt"] == (began + timedelta(seconds=200)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_news_that_grew_stale_is_told_although_nothing_was_written(api, settings):
    known = tag(api)
    settings.SGPORTAL_STALE_SECONDS = 60
    assert again(api, known).status_code == 304
    old = timezone.now() - timedelta(seconds=59)
    hear(old)
    known = tag(api)
    settings.SGPORTAL_STALE_SECONDS = 58  # as time goes by
    answer = again(api, known)
    assert (answer.status_code, answer.json()["stale"]) == (200, True)


def test_an_unreachable_cluster_is_told_at_once(api):
    known = tag(api, "deploymentgrids")
    ResourceSync.objects.filter(resource="nodes").update(failing_since=timezone.now(), error="no route")
    answer = again(api, known, "deploymentgrids")
    assert answer.status_code == 200
    assert answer.json()["items"][0]["status"]["conditions"][-1]["reason"] == "ClusterUnreachable"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "deploymentgrids", builders.manifest("new")),
        ("DELETE", "deploymentgrids/default/echo", None),
        ("PUT", "deploymentgrids/default/echo", builders.manifest("echo", gridUniqKey="zone2")),
    ],
)
def test_a_writer_reads_what_they_wrote(api, method, path, body):
    known = {each: tag(api, each) for each in ADDRESSES}
    etag = api.get("deploymentgrids/default/echo")["ETag"]
    assert api(method, path, body, If_Match=etag).status_code < 300
    for each, before in known.items():
        assert again(api, before, each).status_code == 200, each


def test_a_node_that_came_is_seen(api):
    known = tag(api, "nodes")
    Node.objects.create(name="node9", uid="u")
    Journal.objects.create(kind="node", key="node9")
    assert len(again(api, known, "nodes").json()["items"]) == 2
