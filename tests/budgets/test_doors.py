"""What each page and each list costs: as many statements in a large fleet as in a small one."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from sgportal.core.grids.kinds import BY_PLURAL
from sgportal.models import ApiToken, AuditEvent, LabelJob
from tests import builders

from . import fleet
from .conftest import SMALL
from .counting import listed, statements

PIECE = r"<(?:\w+:)?(\w+)>"
REST = "/api/v1/"
ENDLESS = "/api/v1/events"
PAGEFUL = 120  # more than a page or an answer shows at once
MOST = 18  # statements of whatever is read, but for
FIRST = f"/?group={fleet.KEY}&by=area&search=unit"
HISTORY = f"/unit/?key={fleet.KEY}&unit=unit-000&at="
# Which count everything, plan for three grids, and read what a NodeUnit was with all that changed in it.
DEAR = {"/", FIRST, "/metrics", "/servicegroups/default/echo/delete/", HISTORY}
# What an address needs to show anything, or shows besides.
QUERIES = {
    "/": ("", FIRST.removeprefix("/")),
    "/matrix/": ("", f"?group={fleet.KEY}&unhealthy=1&search=unit"),
    "/fleet/card/": (f"?key={fleet.KEY}&unit=unit-000",),
    "/events/": ("?search=unit",),
    "/search/": ("?q=unit",),
    "/group/": (f"?key={fleet.KEY}",),
    "/unit/": (f"?key={fleet.KEY}&unit={fleet.unit_name(0)}", f"?key={fleet.KEY}&unit={fleet.unit_name(0)}&at="),
    "/activity/": ("", f"?group={fleet.KEY}&unit={fleet.unit_name(0)}"),
    "/nodes/": ("", f"?search=node&selector={fleet.KEY}&group={fleet.KEY}&unit={fleet.unit_name(0)}"),
    "/groups/": ("", "?everything=1"),
    "/grids/": ("", f"?kind=ServiceGrid&state=Ready&namespace=default&key={fleet.KEY}&search=e"),
    "/grids/new/": ("", "?kind=StatefulSetGrid&mode=yaml", "?kind=ServiceGroup"),
    "/audit/": ("", "?verb=change&search=a", "?kind=access"),
    "/api/v1/nodes": ("", f"?group={fleet.KEY}&labelSelector={fleet.KEY}&search=node"),
    "/api/v1/nodeunits": (f"?group={fleet.KEY}",),
    "/api/v1/causes": ("", f"?group={fleet.KEY}&grid=deploymentgrids/default/echo&unit=unit-000"),
    "/api/v1/overview": (f"?group={fleet.KEY}",),
    "/api/v1/deploymentgrids": ("", "?labelSelector=!x"),
}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every pattern of ours as text."""
    for each in resolver.url_patterns:
        text = prefix + str(each.pattern).lstrip("^").rstrip("$")
        if isinstance(each, URLPattern):
            yield "/" + text
        elif text != "admin/":
            yield from patterns(each, text)


def addresses() -> Iterator[tuple[str, str]]:
    """Each address, and its name in the file: rows without a name of their own are numbered there."""
    job, entry, token = (model.objects.order_by("pk").first().pk for model in (LabelJob, AuditEvent, ApiToken))
    for pattern in patterns(get_resolver()):
        if pattern == ENDLESS or pattern.startswith("/logout"):
            continue
        rows = {"jobs": job, "audit": entry, "tokens": token}
        pk = next((each for part, each in rows.items() if f"/{part}/" in pattern), "")
        name = "node-000" if "nodes/<" in pattern else fleet.NAME
        for plural in BY_PLURAL if "<str:plural>" in pattern else ("",):
            known = {"plural": plural, "namespace": "default", "name": name, "unit": fleet.unit_name(0), "token": "x"}
            told = re.sub(PIECE, lambda piece, known=known: known.get(piece[1], f"<{piece[1]}>"), pattern)
            for query in QUERIES.get(told, ("",)):
                yield told.replace("<pk>", str(pk)) + query, told + query


def costs(caller: Client, readable: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """The number of statements of each address, and what they were. The first visit of each warms what is kept in
    memory and is not counted."""
    found, evidence = {}, {}
    for address, name in readable.items():
        caller.get(address)
        with statements() as sql:
            answer = caller.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        found[name], evidence[name] = len(sql), listed(sql)
    return found, evidence


@pytest.fixture
def root(db) -> User:
    return builders.a_person("root", "admin")


@pytest.fixture
def callers(root) -> dict[str, Client]:
    """Somebody who may do everything, with a browser and with a token. When a token was used is noted once a minute:
    not while we count."""
    browser = Client(headers={"host": "localhost"})
    browser.force_login(root)
    token, text = ApiToken.issue(root, "budgets", "write")
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now() + timedelta(days=1))
    machine = Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})
    return {"pages": browser, "rest": machine}


@pytest.mark.timeout(300)
def test_what_is_read_costs_what_the_file_says_however_large_the_fleet(root, callers, budgets):
    fleet.found(root)
    fleet.grow(root, 0, SMALL)
    every = dict(addresses())
    doors = {"pages": {}, "rest": {}}
    for address, name in every.items():
        door = "rest" if address.startswith(REST) else "pages"
        if callers[door].get(address).status_code == 200:
            doors[door][address] = name
    small = {door: costs(callers[door], readable) for door, readable in doors.items()}
    fleet.grow(root, SMALL, PAGEFUL)
    for door, readable in doors.items():
        few, (many, evidence) = small[door][0], costs(callers[door], readable)
        grown = {name: f"{few[name]} → {many[name]}\n{evidence[name]}" for name in few if many[name] > few[name]}
        assert not grown, "\n".join(f"{name}: {text}" for name, text in grown.items())
        assert {name for name, count in many.items() if count > MOST} <= DEAR, many
        budgets.hold(door, {name: [few[name], many[name]] for name in few}, evidence)
