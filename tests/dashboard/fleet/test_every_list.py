"""No list without its CSV: every page whose template has a table or a pager, found from the addresses themselves."""

import csv
import re
from pathlib import Path

from django.conf import settings
from django.contrib import admin as site
from django.test import Client
from django.urls import resolve, reverse

from sgportal.dashboard.urls import urlpatterns
from sgportal.models import Pod

from ..addresses import AUDIT, GRID, READABLE, WRITABLE, more
from ..test_every_address import PIECE, PIECES

TABLE = re.compile(r"<table|components/pager\.html")
LINK = re.compile(r"format=.?csv")
TEMPLATES = Path(settings.TEMPLATES[0]["DIRS"][0])
INCLUDED = re.compile(r"""\{%\s*(?:include|extends)\s+["']([\w/.]+)["']""")
# Pages with a table that is no list of things, and what it is.
NOT_LISTS = {
    "assign": "a form with a field in each row",
    "cluster": "facts about one cluster",
    "grid-effective": "the layers of one spec",
    "import": "a report on what was pasted, which is not kept",
    "pod": "the containers of one pod",
}
LIVE = {"pod-events", "node-events", "cell-events"}  # read from a cluster, which this test does not have


def source(name: str, seen: set[str]) -> str:
    """A template with all that it includes or extends, but for the frame of every page."""
    path = TEMPLATES / name
    if name in seen or name == "base.html" or not path.is_file():
        return ""
    seen.add(name)
    text = path.read_text()
    return text + "".join(source(each, seen) for each in INCLUDED.findall(text))


def opened() -> list[str]:
    """Addresses of all pages: those that other tests walk, and each pattern with names that exist."""
    pod = Pod.objects.exclude(child="").first()
    own = [f"/pods/{pod.namespace}/{pod.name}/", f"/pods/{pod.namespace}/{pod.name}/events/"]
    known = [*READABLE, *WRITABLE, *AUDIT, *more(), *own, "/nodes/node0/events/", GRID + "units/lyo/events/"]
    names = {each: values[0] for each, values in PIECES.items()} | {"unit": "lyo"}
    unnumbered = (str(each.pattern) for each in urlpatterns if "pk>" not in str(each.pattern))
    every = (re.sub(PIECE, lambda found: names[found[1]], each) for each in unnumbered)
    return [*known, *(f"/{each}" for each in every if not each.startswith(("logout", "oidc")))]


def with_csv(address: str) -> str:
    return address + ("&" if "?" in address else "?") + "format=csv"


def test_every_page_with_a_list_gives_it_as_csv_and_links_it(admin: Client, fleet) -> None:
    lists, without = set(), []
    for address in opened():
        name, page = resolve(address.partition("?")[0]).url_name, admin.get(address)
        used = [each.name for each in page.templates or () if each.name]
        text = source(used[0].partition("#")[0], set()) if used and page.status_code == 200 else ""
        if not TABLE.search(text) or name in NOT_LISTS:
            continue
        lists.add(name)
        answer = admin.get(with_csv(address))
        is_csv = answer["Content-Type"].startswith("text/csv") or (name in LIVE and answer.status_code == 503)
        if not is_csv or not LINK.search(text):
            without.append(address)
    assert without == []
    assert {"nodes", "grids", "unit", "node", "grid-unit", "job", "decisions", "profile", "service-tokens"} <= lists


def test_every_list_of_the_administration_is_there_as_csv(admin: Client, fleet) -> None:
    more()
    asked = [reverse(f"admin:{of.app_label}_{of.model_name}_changelist") for of in _models()]
    for address in (*asked, reverse("admin:node_units")):
        answer = admin.get(with_csv(address))
        assert answer["Content-Type"].startswith("text/csv"), address
        shown, rows = admin.get(address).content.decode(), answer.text.splitlines()[1:]
        assert ("format=csv" in shown) == bool(rows), address


def test_people_are_listed_with_the_filters_of_the_page(admin: Client, fleet) -> None:
    address = reverse("admin:auth_user_changelist")
    (row,) = csv.DictReader(admin.get(with_csv(f"{address}?q=some-admin")).text.lstrip("\ufeff").splitlines())
    assert (row["username"], row["role"], row["is_active"]) == ("some-admin", "admin", "True")
    assert len(admin.get(with_csv(f"{address}?q=nobody")).text.splitlines()) == 1


def _models() -> list:
    site.autodiscover()  # as the addresses do, which no test may have asked for yet
    return [model._meta for model in site.site._registry]
