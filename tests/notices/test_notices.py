"""What people are told: each cause once, also after kills and refusals, by real servers; and nothing that is secret."""

import email
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.core.access.notices import Finding, concerns, units_down
from sgportal.core.access.scope import Bounds
from sgportal.core.text import say
from sgportal.models import Delivery, Grid, Node, NodeLabel, Notice, NotificationChannel, Rollout, WorkKey
from sgportal.queries.fleet.findings import findings
from sgportal.reconciler.executor import Executor
from sgportal.reconciler.notices import deliver, turn
from sgportal.reconciler.notices.send import masked, send, service_of
from sgportal.reconciler.poller import Poller

from .servers import Hook, Mail, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def hook():
    with serving(Hook()) as server:
        yield server


def channel(url, **fields):
    bounds = fields.pop("bounds", Bounds())
    row = NotificationChannel(**{"name": "ops", "url": url, "topics": "units rollouts closure queue", **fields})
    row.limit_to(bounds)
    row.save()
    return row


def grid(kind="DeploymentGrid", name="echo", key="site", **fields):
    return Grid.objects.create(kind=kind, namespace="default", name=name, key=key, spec={}, **fields)


def node(name, ready="Ready", **labels):
    row = Node.objects.create(name=name, ready=ready)
    for key, value in labels.items():
        NodeLabel.objects.create(node=row, key=key, value=value)
    return row


def look():
    """A turn in which what was found has lasted long enough."""
    turn.look()
    Notice.objects.update(began_at=timezone.now() - turn.HOLD)
    turn.look()


def rested():
    NotificationChannel.objects.update(sent_at=timezone.now() - timedelta(seconds=deliver.PAUSE_SECONDS))
    Delivery.objects.update(next_at=timezone.now())


def site_down():
    """Forty grids in a site of which both nodes are away, and a healthy site."""
    for number in range(40):
        grid(name=f"g{number}")
    for each in ("n1", "n2"):
        node(each, "Unknown", site="lyo", **{"kubernetes.io/hostname": each})
    node("n3", "Ready", site="ham")


def test_a_site_whose_link_is_down_is_one_message(hook):
    site_down()
    row = channel(hook.url)
    look()
    assert deliver.run(str(row.pk)) == deliver.PAUSE_SECONDS
    (posted,) = hook.posted
    assert posted["message"] == "NodeUnit lyo is down: none of its nodes is ready (2)"
    for _ in range(3):
        look()
        rested()
        deliver.run(str(row.pk))
    assert len(hook.posted) == 1


def test_its_end_is_told_once_in_the_channels_language(hook):
    site_down()
    row = channel(hook.url, language="zh-hans")
    look()
    deliver.run(str(row.pk))
    Node.objects.update(ready="Ready")
    for _ in range(2):
        look()
        rested()
        deliver.run(str(row.pk))
    began, ended = (each["message"] for each in hook.posted)
    assert "NodeUnit lyo" in began
    assert began != "NodeUnit lyo is down: none of its nodes is ready (2)"
    assert ended == f"已恢复：{began}"


def test_who_does_not_want_ends_is_not_told_them(hook):
    site_down()
    row = channel(hook.url, resolved=False)
    look()
    deliver.run(str(row.pk))
    Node.objects.update(ready="Ready")
    look()
    rested()
    assert deliver.run(str(row.pk)) is None
    assert len(hook.posted) == 1


def test_what_is_soon_over_is_told_to_nobody(hook):
    site_down()
    row = channel(hook.url)
    turn.look()
    Node.objects.update(ready="Ready")
    look()
    assert deliver.run(str(row.pk)) is None
    assert not Delivery.objects.exists()


def test_two_keys_of_the_same_nodes_are_one_site():
    found = units_down({("site", "lyo"): ["b", "a"], ("zone", "z1"): ["a", "b"], ("zone", "z2"): ["c"]})
    assert [each.id for each in found] == ["units/site=lyo", "units/zone=z2"]


@pytest.mark.parametrize(("phase", "told"), [("Halted", 1), ("RolledBack", 1), ("Paused", 0), ("Complete", 0)])
def test_a_rollout_that_halts_or_fails_is_told(phase, told):
    row = grid()
    Rollout.objects.create(grid=row, target=1, generation=1, seed=1, phase="Halted")
    Rollout.objects.create(grid=row, target=2, generation=2, seed=1, phase=phase)
    assert [each.topic for each in findings()] == ["rollouts"] * told


def test_a_loop_that_leaks_and_old_work_are_told():
    grid("ServiceGrid", status={"nodes": {"leaking": 2, "closed": 1}})
    grid("ServiceGrid", name="whole", status={"nodes": {"closed": 3}})
    WorkKey.objects.create(
        key="deploymentgrids/a/b",
        requested=1,
        since=timezone.now() - timedelta(minutes=6),
        next_at=timezone.now() - timedelta(minutes=6),
    )
    assert [each.id for each in findings()] == ["closure/servicegrids/default/echo", "queue"]


def test_however_many_there_are_the_statements_are_as_many(django_assert_num_queries):
    site_down()
    with django_assert_num_queries(5):
        findings()


def test_without_a_channel_nothing_is_looked_for(django_assert_num_queries):
    site_down()
    with django_assert_num_queries(2):  # the channels; what was noted before there were none
        turn.look()
    assert not Notice.objects.exists()


UNIT = Finding("u", "units", say("x"), "site", "lyo")
GRID = Finding("g", "rollouts", say("x"), "site", "", "DeploymentGrid", "shop")
QUEUE = Finding("q", "queue", say("x"))


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (Bounds(), (True, True, True)),
        (Bounds(key="site"), (True, True, False)),
        (Bounds(key="zone"), (False, False, False)),
        (Bounds(key="site", units=("lyo",)), (True, False, False)),
        (Bounds(key="site", units=("ham",)), (False, False, False)),
        (Bounds(namespaces=("shop",)), (True, True, False)),
        (Bounds(namespaces=("other",)), (True, False, False)),
        (Bounds(kinds=("ServiceGrid",)), (True, False, False)),
        (Bounds(void=True), (False, False, False)),
    ],
)
def test_who_is_told_of_what(bounds, told):
    assert tuple(concerns(bounds, each) for each in (UNIT, GRID, QUEUE)) == told


def test_a_channel_of_another_site_is_not_told(hook):
    site_down()
    row = channel(hook.url, bounds=Bounds(key="site", units=("ham",)))
    look()
    assert deliver.run(str(row.pk)) is None
    assert hook.posted == []


def test_a_storm_is_one_message(hook):
    grid()
    for number in range(60):
        node(f"n{number}", "Unknown", site=f"s{number:02}")
    row = channel(hook.url)
    look()
    deliver.run(str(row.pk))
    (posted,) = hook.posted
    assert posted["title"] == "60 news from sgportal"
    assert len(posted["message"].splitlines()) == deliver.SHOWN + 1
    assert posted["message"].endswith("and 40 more")


def test_nothing_is_over_because_more_has_come_than_is_told_of(hook, monkeypatch):
    monkeypatch.setattr(turn, "MOST", 2)
    grid()
    for site in ("mos", "lyo", "ham"):
        node(site, "Unknown", site=site)
    row = channel(hook.url)
    look()
    told = set(Notice.objects.values_list("finding", flat=True))
    assert len(told) == 2
    node("ams", "Unknown", site="ams")
    look()
    assert set(Notice.objects.filter(ended_at=None).values_list("finding", flat=True)) == told
    deliver.run(str(row.pk))
    assert "Resolved" not in hook.posted[0]["message"]
    over = sorted(told)[0].partition("=")[2]
    Node.objects.filter(name=over).update(ready="Ready")
    look()
    assert Notice.objects.filter(ended_at=None).count() == 2
    assert Notice.objects.exclude(ended_at=None).get().finding == f"units/site={over}"


def test_a_channel_gets_no_more_than_one_message_in_a_while(hook):
    site_down()
    row = channel(hook.url)
    look()
    deliver.run(str(row.pk))
    node("n9", "Unknown", site="par")
    look()
    assert 0 < deliver.run(str(row.pk)) <= deliver.PAUSE_SECONDS
    assert len(hook.posted) == 1


def test_what_is_refused_is_tried_again_ever_later(hook):
    site_down()
    row = channel(hook.url)
    look()
    hook.status = 503
    waits = []
    for _ in range(4):
        waits.append(deliver.run(str(row.pk)))
        Delivery.objects.update(next_at=timezone.now())
    assert waits == [15.0, 30.0, 60.0, 120.0]
    row.refresh_from_db()
    assert "503" in row.error
    hook.status = 200
    deliver.run(str(row.pk))
    row.refresh_from_db()
    assert row.error == ""
    assert deliver.run(str(row.pk)) is None


class PowerCut(BaseException):
    """What a process that is killed leaves: nothing after this line has happened."""


def test_who_is_killed_after_sending_sends_again_and_who_is_not_does_not(hook, monkeypatch):
    site_down()
    row = channel(hook.url)
    look()

    def cut(*args, **kwargs):
        send(*args, **kwargs)
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(deliver, "send", cut)
        with pytest.raises(PowerCut):
            deliver.run(str(row.pk))
    deliver.run(str(row.pk))
    rested()
    assert deliver.run(str(row.pk)) is None
    assert len(hook.posted) == 2


def test_a_redirect_is_not_followed_whatever_the_url_asks_for(hook):
    with serving(Hook()) as inside:
        hook.status, hook.location = 302, f"http://127.0.0.1:{inside.server_port}/latest/meta-data"
        assert send(f"{hook.url}?redirect=yes", "t", "b")
        assert inside.paths == []
        assert len(hook.paths) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "file:///etc/passwd",
        "syslog://",
        "dbus://",
        "http://127.0.0.1/",
        "json://",
        "windows://",
        "json://h/\n",
        "x" * 3000,
    ],
)
def test_what_is_no_url_of_a_service_of_ours(url):
    assert service_of(url) == ""


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("jsons://hooks.example/x", "JSON"),
        ("mailtos://user:pass@smtp.example/?to=a@example.org", "E-Mail"),
        ("wecombot://6e7c0a0e-0000-4000-8000-000000000000", "WeCom Bot"),
        ("dingtalk://" + "a" * 64 + "/", "DingTalk"),
        ("feishu://abcdefgh", "Feishu"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "Slack"),
    ],
)
def test_the_services(url, service):
    assert service_of(url) == service


def test_a_failure_names_no_part_of_the_url(hook, caplog):
    hook.status = 500
    error = send(hook.url, "t", "b")
    assert "500" in error
    assert "THEsecretPATH" not in error + caplog.text
    url = "dingtalk://THEkeyTHE@THEtokenTHE/"
    assert masked("failed: https://x/send?access_token=THEtokenTHE&sign=THEkeyTHE", url).count("THE") == 0


def test_mail_goes_to_a_mail_server():
    with serving(Mail()) as server:
        assert send(server.url, "NodeUnit lyo is down", "one <b>line</b>\nanother") == ""
        (mail,) = map(email.message_from_string, server.mails)
    assert mail["Subject"] == "NodeUnit lyo is down"
    assert mail["To"].strip("<>") == "ops@example.org"
    texts = [each.get_payload(decode=True).decode() for each in mail.walk() if not each.is_multipart()]
    assert all("<b>" not in each for each in texts if "<html" in each.lower())
    assert any("another" in each for each in texts)


def test_a_channel_that_hangs_keeps_nobody_from_working(hook):
    """Notifications have a thread of their own, also in a worker with a single one."""
    hook.hold.clear()
    begun, done = threading.Event(), threading.Event()

    def work(key):
        if key.startswith(turn.KIND):
            begun.set()
            send(hook.url, "t", "b")
        else:
            done.set()

    hands = Executor(1, work)
    try:
        assert hands.offer(turn.key_of(1))
        assert begun.wait(75)
        assert not hands.offer(turn.key_of(2), 75)  # at once: nobody waits for that thread
        assert not Poller(hands)._hand_out([turn.key_of(2)])  # and nobody asks again and again whether it is free
        assert hands.offer("deploymentgrids/a/b", 75)
        assert done.wait(75)
    finally:
        hook.hold.set()
        assert hands.stop(75)
