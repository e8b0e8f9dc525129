"""What there is for the matrix of addresses, roles and scopes, and who looks: made once."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from sgportal.core.grids.kinds import KINDS
from sgportal.core.text import say
from sgportal.core.usage.measure import Amount, NodeSample, PodSample
from sgportal.models import (
    ApiToken,
    Approval,
    AuditEvent,
    Favourite,
    Grant,
    Grid,
    GridEvent,
    LabelJob,
    Node,
    NotificationChannel,
    Pod,
    SavedView,
    ServiceGroup,
    ServiceToken,
)
from sgportal.reconciler.queue import unit_history
from sgportal.reconciler.usage import measuring
from tests import builders
from tests.api.builders import child

ROLES = ("viewer", "operator", "admin")
# What a role is limited to, and by what that is told from what is out of it.
SCOPES: dict[str, tuple[dict[str, str], str]] = {
    "namespace": ({"namespaces": "home"}, "namespace"),
    "NodeGroup": ({"key": "site"}, "group"),
    "NodeUnit": ({"key": "site", "units": "home-unit"}, "group unit whole"),
    "labels": ({"key": "site", "selector": "region=north"}, "group unit whole"),
    "kind": ({"kinds": "DeploymentGrid"}, "kind package"),
    "all of these": (
        {"namespaces": "home", "kinds": "DeploymentGrid", "key": "site", "units": "home-unit"},
        "namespace unit kind",
    ),
}


@dataclass(frozen=True)
class Thing:
    """The pieces of addresses that lead to something; `pks` are primary keys of rows, by the noun of their address."""

    plural: str = "deploymentgrids"
    namespace: str = "home"
    name: str = "echo"
    package: str = "whole-pack"
    pod: str = "echo-home-unit-0"
    key: str = "site"
    unit: str = "home-unit"
    node: str = "home-node"
    pks: dict[str, Any] = field(default_factory=dict)

    @property
    def pieces(self) -> dict[str, str]:
        """All that a template of an address, or of a body, may have."""
        kinds = {"deploymentgrids": "DeploymentGrid", "statefulsetgrids": "StatefulSetGrid"}
        mine = {name: value for name, value in vars(self).items() if name != "pks"}
        return {**mine, "kind": kinds.get(self.plural, "ServiceGrid")}


OWN = Thing()


def _like(thing: Thing, **other: str) -> Thing:
    return replace(thing, pks={}, **other)


def _named(first: str, **other: str) -> dict[str, str]:
    """The names of what is beside a grid, as they follow from its own."""
    unit = other.get("unit", OWN.unit)
    return {"name": f"{first}-echo", "package": f"{first}-pack", "pod": f"{first}-echo-{unit}-0", **other}


_SPACE = _like(OWN, **_named("secret", namespace="outer-space"))
_GROUP = _like(OWN, **_named("zoned", key="hidden-zone", unit="zoned-unit", node="zoned-node"))
_UNIT = _like(OWN, unit="other-unit", node="other-node", pod="echo-other-unit-0")
_KIND = _like(OWN, plural="statefulsetgrids", name="state-echo", pod="state-echo-home-unit-0")
# By what it is told apart: what is out of scope, and the same of which there is nothing. The two are as long, and come
# at the same place in what is sorted.
OUTSIDE: dict[str, tuple[Thing, Thing]] = {
    "namespace": (_SPACE, _like(OWN, **_named("secreu", namespace="outer-spade"))),
    "group": (_GROUP, _like(OWN, **_named("zonee", key="hidden-zope", unit="zonee-unit", node="zonee-node"))),
    "unit": (_UNIT, _like(_UNIT, unit="othes-unit", node="othes-node", pod="echo-othes-unit-0")),
    "kind": (_KIND, _like(_KIND, name="statf-echo", pod="statf-echo-home-unit-0")),
    # Of whole grids and packages nothing is in a scope of some NodeUnits, and of packages nothing in one of some kinds.
    "whole": (_like(OWN), _like(OWN, name="echp", package="whole-pacl", pod="echo-home-unit-1")),
    "package": (_like(OWN), _like(OWN, package="whole-pacl")),
}
# By what no answer may name them, where they are out of scope.
SECRETS = {
    "namespace": ("outer-space", "secret-"),
    "group": ("hidden-zone", "zoned-"),
    "unit": ("other-unit", "other-node"),
    "kind": ("state-echo",),
    "whole": (),
    "package": ("whole-pack",),
}


def make() -> None:
    """A site and what is beside it: another namespace, another NodeGroup, another NodeUnit, another kind."""
    for node, key, unit, region in (
        ("home-node", "site", "home-unit", "north"),
        ("other-node", "site", "other-unit", "south"),
        ("zoned-node", "hidden-zone", "zoned-unit", "north"),
    ):
        labels = {key: unit, "region": region, "kubernetes.io/hostname": node}
        builders.label(builders.a_node(node, ready="Unknown" if node != "home-node" else "Ready"), labels)
    for thing, units in (
        (OWN, {"home-unit": "home-node", "other-unit": "other-node"}),
        (_SPACE, {"home-unit": "home-node"}),
        (_GROUP, {"zoned-unit": "zoned-node"}),
        (_KIND, {"home-unit": "home-node"}),
    ):
        _grids(thing, units)
    _rows()
    builders.news()
    unit_history.note_all()
    used = Amount(Decimal(1), Decimal(2**20))
    nodes = [NodeSample(each.name, used) for each in Node.objects.all()]
    measuring.keep(nodes, [PodSample(each.namespace, each.name, used) for each in Pod.objects.all()], timezone.now())


def _grids(thing: Thing, units: dict[str, str]) -> None:
    package = None
    if thing is not _KIND:
        package = ServiceGroup.objects.create(namespace=thing.namespace, name=thing.package, key=thing.key)
        builders.a_service(thing.name, thing.key, thing.namespace)
    grid = builders.a_grid(thing.name, thing.key, thing.namespace, group=package)
    if thing is _KIND:
        Grid.objects.filter(pk=grid.pk).update(kind="StatefulSetGrid")
        grid.refresh_from_db()
    builders.observed(grid, dict.fromkeys(units, "Degraded"))
    for unit, node in units.items():
        child(grid, unit)
        pod = builders.a_pod(grid, unit, node, ready=False, reason="CrashLoopBackOff")
        Pod.objects.filter(pk=pod.pk).update(child_kind=KINDS[grid.kind].child_kind)
        sentence = say(f"pods of {unit} fail").to_json()
        GridEvent.objects.create(path=grid.path, unit=unit, type="Warning", reason="Trouble", message=sentence)
    AuditEvent.objects.create(actor="ada", door="page", verb="change", path=grid.path)
    in_a_day = timezone.now() + timedelta(days=1)
    row = Approval.objects.create(
        actor="ada", action="delete", path=grid.path, plan="x", shown={"path": grid.path}, expires_at=in_a_day
    )
    for each in [thing, *(its for its, _ in OUTSIDE.values() if its.name == thing.name)]:
        each.pks.update(approvals=row.pk)


def _rows() -> None:
    """Rows that are other people's, and what is in no limited scope."""
    ada = builders.a_person("ada-else", "admin")
    token, _ = ApiToken.issue(ada, "token-of-ada")
    service, _ = ServiceToken.issue("robot-of-ada", "viewer", 1)
    view = SavedView.objects.create(user=ada, name="view-of-ada", address="/grids/")
    favourite = Favourite.objects.create(user=ada, kind="DeploymentGrid", place="home", name="echo")
    channel = NotificationChannel.objects.create(name="channel-of-ada", url="json://hook.example", topics="units")
    grant = Grant.objects.create(user=ada, role="viewer", namespaces="home")
    job = LabelJob.objects.create(
        changes={"site": "home-unit"}, results={"other-node": {"state": "done"}}, author="ada"
    )
    entry = AuditEvent.objects.order_by("pk").first()
    rows = {
        "tokens": token,
        "service-tokens": service,
        "saved-views": view,
        "saved": view,
        "favourites": favourite,
        "notifications": channel,
        "grants": grant,
        "jobs": job,
        "audit": entry,
    }
    for thing, _ in OUTSIDE.values():
        thing.pks.update({noun: row.pk for noun, row in rows.items() if row is not None})


OF_NOBODY = "-of-ada"  # in the names of rows that are another's


@dataclass(frozen=True)
class Caller:
    """Somebody who looks: a role, and what it is limited to ("": nothing)."""

    role: str
    scope: str

    def __str__(self) -> str:
        return f"{self.role or 'anonymous'} {self.scope}".strip()

    @property
    def outside(self) -> list[str]:
        """By what is told apart what is out of their scope."""
        return SCOPES[self.scope][1].split() if self.scope else []

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no answer may name to them."""
        return tuple(secret for each in self.outside for secret in SECRETS[each])

    def browser(self) -> Client:
        """A browser in which they are logged in."""
        client = Client(raise_request_exception=False, headers={"host": "localhost", "accept-language": "en"})
        if self.role:
            client.force_login(self._person())
        return client

    def _person(self) -> User:
        name = f"sam-{self.role}-{list(SCOPES).index(self.scope) if self.scope else 'all'}"
        person = builders.a_person(name, "" if self.scope else self.role)
        if self.scope:
            Grant.objects.create(user=person, role=self.role, **SCOPES[self.scope][0])
        return person


ANONYMOUS = Caller("", "")
EVERYWHERE = [Caller(role, "") for role in ROLES]
LIMITED = [Caller(role, scope) for role in ROLES for scope in SCOPES]
