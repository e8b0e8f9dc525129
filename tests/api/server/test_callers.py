"""What lasts ends with the rights of who opened it, whoever takes them and however."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.access.callers import caller_of, rights_now
from sgportal.access.scope import granted_for
from sgportal.access.standing import Standing
from sgportal.api.events import streams
from sgportal.core.access.scope import Right
from sgportal.models import ApiToken, AuditEvent, Grant, Journal, ServiceToken
from tests import builders


def by_session(user, proven=False):
    """Somebody who is logged in."""
    client = Client()
    client.force_login(user)
    request = RequestFactory().get("/")
    request.user, request.session = user, client.session
    if proven:
        request.session["sgportal_proven"] = True
    return caller_of(request)


def by_token(user):
    return caller_of(SimpleNamespace(), ApiToken.issue(user, "test")[0])


def by_grant():
    user = builders.a_person("gil", "")
    Grant.objects.create(user=user, role="viewer", namespaces="shop")
    return user


def password(user):
    user.set_password("another one, longer than that")
    user.save()


ENDINGS = {
    "the session": lambda user: Session.objects.all().delete(),
    "the session's time": lambda user: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)),
    "the password": password,
    "the person": lambda user: user.delete(),
    "the person is away": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "the group": lambda user: user.groups.clear(),
    "the group by hand": lambda user: User.groups.through.objects.filter(user=user).delete(),
    "the grant": lambda user: Grant.objects.all().delete(),
    "the grant of a group": lambda user: Group.objects.filter(name="viewer").delete(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("ends", ENDINGS)
@pytest.mark.parametrize("door", [by_session, by_token])
def test_whoever_loses_it_may_nothing_any_more(ends, door):
    user = by_grant() if ends == "the grant" else builders.a_person("vic", "viewer")
    caller, other = door(user), door(builders.a_person("ben", "operator"))
    before = rights_now([caller])[caller]
    assert [each.role for each in before] == ["viewer"]
    if door is by_token and ends == "the password":
        ENDINGS[ends](user)
        assert rights_now([caller])[caller] == ()
        return
    ENDINGS[ends](user)
    of_session = ends.startswith("the session")
    assert rights_now([caller])[caller] == (before if of_session and door is by_token else ())
    assert bool(rights_now([other])[other]) == (door is by_token or not of_session)


@pytest.mark.django_db
def test_tokens_end_when_they_are_revoked_expire_or_their_owner_has_a_lower_role():
    ada = builders.a_person("ada", "operator")
    own, service = ApiToken.issue(ada, "own")[0], ServiceToken.issue("ci", "viewer", 1)[0]
    mine, its = (caller_of(SimpleNamespace(), each) for each in (own, service))
    assert rights_now([mine, its]) == {mine: (Right("operator"),), its: (Right("viewer"),)}
    ServiceToken.objects.update(expires_at=timezone.now())
    User.groups.through.objects.update(group=Group.objects.get_or_create(name="viewer")[0])
    assert rights_now([mine, its]) == {mine: (), its: ()}
    own.delete()
    assert rights_now([mine]) == {mine: ()}


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "who"), [("everyone", "viewer"), ("admins", "admin")])
def test_a_second_factor_asked_for_meanwhile_ends_what_began_without_one(settings, asked, who):
    user = builders.a_person("ada", who)
    short, proven = by_session(user), by_session(user, proven=True)
    assert rights_now([short, proven]) == {short: (Right(who),), proven: (Right(who),)}
    settings.SGPORTAL_SECOND_FACTOR = asked
    assert rights_now([short, proven]) == {short: (), proven: (Right(who),)}


@pytest.mark.django_db
def test_a_crowd_is_asked_about_at_once_and_seldom():
    """As many statements for thirty as for three, and one where nothing was changed."""

    def asked(callers, standing):
        with CaptureQueriesContext(connection) as found:
            standing.look(callers)
        return len(found)

    everyone = [by_session(builders.a_person(f"p{number}", "viewer")) for number in range(30)]
    few, many = asked(everyone[:3], Standing()), asked(everyone, standing := Standing())
    assert few == many <= 8
    assert asked(everyone, standing) == 1
    assert standing.holds(everyone[0], (Right("viewer"),))
    assert not standing.holds(everyone[0], (Right("admin"),))
    assert not standing.holds(by_session(builders.a_person("new", "viewer")), (Right("viewer"),))


@pytest.mark.django_db
def test_whatever_a_door_of_ours_changed_is_noticed_before_its_turn(monkeypatch):
    monkeypatch.setattr("sgportal.access.standing.ANEW_SECONDS", 1e9)
    monkeypatch.setattr("sgportal.access.standing.APART_SECONDS", 0.0)
    user, standing = by_grant(), Standing()
    caller = by_session(user)
    assert standing.look([caller])[caller]
    assert standing.look([caller]) == {}
    admin = Client(headers={"host": "localhost"})
    admin.force_login(builders.a_person())
    assert admin.delete(f"/api/v1/grants/{Grant.objects.get().pk}").status_code == 204
    assert AuditEvent.objects.filter(verb="grant-taken").exists()
    assert standing.look([caller])[caller] == ()


def test_a_stream_ends_with_the_rights_of_who_listens_and_tells_who_has_others_to_read_afresh(
    transactional_db, monkeypatch
):
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.02)
    monkeypatch.setattr("sgportal.access.standing.ANEW_SECONDS", 0.0)
    user, newest = by_grant(), Journal.newest()
    caller = by_session(user)
    rights = rights_now([caller])[caller]

    def narrow():
        Grant.objects.update(namespaces="other")

    async def listen():
        scope = granted_for(rights)
        stream = streams.stream(newest, [], False, scope, scope, caller)
        begun = await anext(stream)
        await asyncio.to_thread(narrow)
        while b"event: resync" not in await anext(stream):
            pass
        await asyncio.to_thread(Grant.objects.all().delete)
        async for _ in stream:
            pass
        return begun

    assert b"resync" not in asyncio.run(asyncio.wait_for(listen(), 75))
