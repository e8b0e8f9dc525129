"""A small fleet that things happen to: edits, nodes that move, outages, failing answers, workers that die."""

import contextlib

from django.apps import apps
from django.db import connection as database
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from embedded_cluster import EmbeddedCluster
from sgportal.actions import Refused, approve, save_grids, steer_rollout
from sgportal.cluster import connect, upgrade_crds
from sgportal.core.text import Invalid
from sgportal.models import Grid, GridUnit, Node, Rollout, RolloutUnit, WorkKey
from sgportal.reconciler.process import connection
from sgportal.reconciler.worker import run

from ..killed import Countdown, Killed, in_one_thread
from ..world import ADA, World, a_grid, a_template
from .watched import Watched, image_of

LABEL = "site"
UNITS = [f"site-{number:04}" for number in range(4)]
NODES = [f"edge-{number:05}" for number in range(6)]
MOVABLE = NODES[4:]  # the second nodes of the first two units
GRID = "deploymentgrids/default/g"
QUIET_SECONDS = 75
ENDED = ("Complete", "Halted", "RolledBack", "Aborted", "Paused")


@contextlib.contextmanager
def a_fleet(monkeypatch, rollout, kind=None, **how):
    """Four units, six nodes, and a grid (of another `kind` of fleet: what that has) at its first image that is ready
    everywhere; `how` it begins. Nothing is left of others."""
    with transaction.atomic():
        for model in apps.get_app_config("sgportal").get_models():
            model.objects.all().delete()
    with EmbeddedCluster(f"large:{len(NODES)}x{len(UNITS)}") as server, monkeypatch.context() as patched:
        patched.setenv("SGPORTAL_DEMO_KUBECONFIG", str(server.kubeconfig_path))
        in_one_thread(patched)
        connection.disconnect()
        cluster = connect("demo", threads=8)
        try:
            upgrade_crds(cluster, 75, 75)
            fleet = (kind or Fleet)(World(server, cluster), patched)
            fleet.begin(rollout, **how)
            yield fleet
        finally:
            connection.disconnect()
            cluster.close()


class Fleet:
    """The fleet, with a verb for each thing that may happen; `child` is the kind of its workloads."""

    child = "Deployment"

    def __init__(self, world, monkeypatch):
        self.world, self.monkeypatch, self.watched = world, monkeypatch, Watched(LABEL)
        self.number, self.images, self.verbs = 1, {}, 0

    def begin(self, rollout, child="Deployment", join="immediate"):
        """The first image, everywhere at once."""
        self.child = self.watched.child = child
        self.world.server.call(lambda: self.world.server.store.listen(self.watched))
        self.world.look()
        self._note("img:1")
        manifest = a_grid("g", LABEL, template=a_template("img:1", replicas=2), rollout=rollout, joinPolicy=join)
        self.grid = self.world.save({**manifest, "kind": f"{child}Grid"})
        self.images[self.grid.generation] = "img:1"
        self.quiet()

    @property
    def children(self):
        """The kinds of its workloads."""
        return [self.child]

    def _note(self, image):
        self.watched.latest, self.watched.excused = image, set(self.watched.away)

    # What may happen.

    def edit(self, good):
        """Another image; one that no node can pull where it is not good."""
        self.number += 1
        image = f"{'' if good else 'fail.example/'}img:{self.number}"
        self._note(image)
        self.grid.refresh_from_db()
        manifest = self.grid.source()
        manifest["spec"]["template"] = a_template(image, replicas=2)
        self.grid = save_grids([manifest], ADA, ask=False)[0].grid
        self.images[self.grid.generation] = image

    def verb(self, verb, *tracks):
        """A person asks something of the rollout, or of these of its tracks."""
        if verb in ("skip", "abort"):
            self._excuse_given()
        with contextlib.suppress(Refused, Invalid):
            steer_rollout(Grid.objects.get(pk=self.grid.pk), verb, ADA, tracks=tracks)
            self.verbs += 1

    def joins(self):
        """A person approves the units that are new and wait for it."""
        if names := list(GridUnit.objects.filter(reason="WaitingForApproval").values_list("name", flat=True)):
            approve(Grid.objects.get(pk=self.grid.pk), names, ADA)
            self.images[Grid.objects.get(pk=self.grid.pk).generation] = self.watched.latest

    def move(self, node, unit):
        """A node is moved to another unit, which may be new."""
        self.watched.away |= {self.world.cluster.get("Node", "", node)["metadata"]["labels"][LABEL], unit}
        self.watched.excused |= self.watched.away
        self.world.label(node, **{LABEL: unit})

    def outage(self, unit):
        """No node of a unit answers any more."""
        self._nodes(unit, None)

    def back(self, unit):
        """The nodes of a unit are Ready again."""
        self._nodes(unit, True)

    def _nodes(self, unit, ready):
        self.watched.away.add(unit)
        self.watched.excused.add(unit)
        for name in Node.objects.filter(label_rows__key=LABEL, label_rows__value=unit).values_list("name", flat=True):
            self.world.server.set_node_ready(name, ready)

    def late(self):
        """The time to become ready is over for what is under way."""
        self._excuse_given()
        RolloutUnit.objects.filter(turn__in=("given", "back")).update(since=0)

    def _excuse_given(self):
        self.watched.excused |= set(RolloutUnit.objects.filter(turn="given").values_list("name", flat=True))

    def fault(self, code, count):
        """Some writes of children fail: with a status, without an answer (0), or with half of one (1)."""
        effect = {0: {"effect": "drop"}, 1: {"effect": "truncate"}}.get(code, {"effect": "status", "code": code})
        for child in self.children:
            self.world.server.faults.add(methods=["PATCH"], path=f"/{child.lower()}s/", count=count, **effect)

    def killed(self, operation):
        """A worker dies at its n-th operation on the database or the wire; another takes its work over."""
        with self.monkeypatch.context() as patched, contextlib.suppress(Killed):
            countdown = Countdown(self.world, patched, operation)
            with database.execute_wrapper(countdown):
                self.work()
        WorkKey.objects.update(lease_until=None)

    def work(self):
        """The watch and a worker go once over everything; what waited for a time is done now."""
        self.world.look()
        WorkKey.objects.update(next_at=timezone.now(), failures=0)
        GridUnit.objects.exclude(next_at=None).update(next_at=None)
        for key in list(WorkKey.objects.due().values_list("key", flat=True)):
            run(key)

    # The end.

    def quiet(self):
        """Nothing happens any more: every node answers, no request fails, and what waits for approval has it."""
        self.world.server.faults.clear()
        for name in NODES:
            self.world.server.set_node_ready(name, True)
        with contextlib.suppress(AssertionError):
            self.world.until(self._is_quiet, QUIET_SECONDS)
            return
        raise AssertionError(self.description())

    def description(self):
        """What is known of a fleet that does not become quiet."""
        rollout = Rollout.objects.order_by("pk").last()
        cells = GridUnit.objects.exclude(name="").values_list("name", "state", "reason", "assigned", "revision")
        keys = WorkKey.objects.filter(requested__gt=F("done")).values_list("key", "error")
        return {
            "rollout": (rollout.phase, rollout.reason),
            "cells": list(cells),
            "keys": list(keys),
            "writes": dict(self.world.server.requests),
            "runs": self.runs(),
            "available": {unit: body.get("status") for unit, body in self.deployments().items()},
        }

    def _is_quiet(self):
        self.work()
        self.joins()
        rollout = Rollout.objects.order_by("pk").last()
        if rollout.phase == "Progressing" and rollout.reason == "AwaitingApproval":
            self.verb("approve")
        if self.watched.latest.startswith("fail.") or self._has_misplaced_pods():
            self.late()
        return rollout.phase in ENDED and self._is_still()

    def _is_still(self):
        """Whether nothing is left to do, and every unit is at the revision that it should have."""
        WorkKey.objects.update(requested=F("requested") + 1, next_at=timezone.now())
        self.world.server.reset_counts()
        self.work()
        return self.world.writes() == 0 and all(map(self.watched.is_available, self.deployments().values()))

    def _has_misplaced_pods(self):
        """Whether pods run on nodes that were moved to another unit, which keeps theirs from being ready."""
        return GridUnit.objects.filter(reason="Misplaced").exists()

    def deployments(self):
        """The workloads by unit, from the API server; those of units with nodes."""
        there = set(Node.objects.filter(label_rows__key=LABEL).values_list("label_rows__value", flat=True))
        found = {name.removeprefix("g-"): self.world.get(name, self.child) for name in self.world.names(self.child)}
        return {unit: body for unit, body in found.items() if unit in there}

    def runs(self):
        """The image of each unit that has nodes."""
        return {unit: image_of(body) for unit, body in self.deployments().items()}

    def units(self):
        """The units that nodes are labelled with, from the API server."""
        items = self.world.cluster.list("Node", "").items
        return {each["metadata"]["labels"][LABEL] for each in items}
