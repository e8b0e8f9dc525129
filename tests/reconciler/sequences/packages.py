"""A small fleet with a ServiceGroup that things happen to, over the portal and over kubectl."""

import copy
from dataclasses import replace
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from sgportal.actions import (
    NotFound,
    Refused,
    approve,
    delete_grid,
    delete_group,
    restore_package,
    save_grids,
    save_group,
    steer_package,
    steer_rollout,
)
from sgportal.cluster import JSON_PATCH, MERGE_PATCH
from sgportal.core.grids.group import KIND, PLURAL
from sgportal.core.text import Invalid
from sgportal.models import Grid, GridUnit, Node, PackageRevision, Rollout, ServiceGroup, WorkKey
from sgportal.reconciler.cache import refresh

from ..world import ADA, a_template
from .fleet import ENDED, LABEL, Fleet
from .watched import WatchedPackage, image_of, is_done
from .wishes import ORDER, Wish, manifest_of, wish_of

NAME = "shop"
CUSTOM = ("deploymentgrids", "statefulsetgrids", PLURAL)
MEMBERS = ("db", "web", "api")
STOPPED = ("Halted", "Paused", "Aborted", "RolledBack")


class PackageFleet(Fleet):
    """The fleet, where the grids are the members of a package; doors are the portal and kubectl."""

    def begin(self, rollout, stateful=(), join="immediate"):
        """`stateful`: the members that are StatefulSetGrids."""
        self.kinds = {name: "StatefulSetGrid" if name in stateful else "DeploymentGrid" for name in MEMBERS}
        self.join = join
        self.rollout, self.watched = rollout, WatchedPackage(LABEL, ORDER)
        self.wish, self.wished, self.refused, self.happened = Wish(None), set(), [], []
        self.world.server.call(lambda: self.world.server.store.listen(self.watched))
        self.world.look()
        self._save(Wish(()).having(db="img:1", web="img:1"), "portal")
        self.quiet()

    @property
    def children(self):
        return sorted({kind.removesuffix("Grid") for kind in self.kinds.values()})

    # What is wanted.

    def _save(self, wish, door):
        manifest = manifest_of(wish, self.rollout, self.kinds, self.join)
        if door == "portal":
            self._take_in()
            save_group(manifest, ADA, ask=False)
        elif (live := self._live()) is None:
            self.world.cluster.apply(manifest, force=True)
        elif self._is_going() or live["metadata"].get("deletionTimestamp"):
            raise Refused("nobody edits what goes")
        else:
            patch = [{"op": "replace", "path": "/spec", "value": manifest["spec"]}]
            self.world.cluster.patch(KIND, "default", NAME, patch, JSON_PATCH)
        self._wished(wish)

    def _wished(self, wish):
        self.wish = wish
        self.wished.add(wish)
        self.watched.want(wish.members)

    def _is_going(self):
        return ServiceGroup.objects.filter(name=NAME).exclude(deleting_since=None).exists()

    def _live(self):
        return self.world.cluster.get(KIND, "default", NAME)

    def _take_in(self):
        """The portal knows what was edited with kubectl, and the cluster what was edited in the portal."""
        for _ in range(20):
            if self._is_taken_in():
                return
            self.work()
        raise AssertionError(self.description())

    def _is_taken_in(self):
        group, live = ServiceGroup.objects.filter(name=NAME).first(), self._live()
        if group is None or live is None:
            return group is None and live is None
        if group.deleting_since or live["metadata"].get("deletionTimestamp"):
            return bool(group.deleting_since)
        known = group.cluster_uid, group.cluster_generation
        pushed = Grid.objects.filter(group=group, generation__gt=F("pushed_generation"))
        return known == (live["metadata"]["uid"], live["metadata"]["generation"]) and not pushed.exists()

    # What may happen.

    def edit(self, names, good, door="portal"):
        """Another image for some members, those that are not there yet are added."""
        self.number += 1
        image = f"{'' if good else 'fail.example/'}img:{self.number}"
        self._try(lambda: self._save(self.wish.having(**dict.fromkeys(names, image)), door))

    def without(self, name, door):
        """The package names a member no more."""
        if len(self.wish.members) > 1:
            self._try(lambda: self._save(self.wish.having(**{name: None}), door))

    def paused(self, paused, door):
        """A person pauses the package, or resumes it."""
        if self.wish.images:
            self._try(lambda: self._save(replace(self.wish, paused=paused), door))

    def happens(self, name, *args):
        """One of the things that may happen."""
        self.happened.append((name, *args))
        getattr(self, name)(*args)

    def _try(self, action, *more):
        try:
            action()
        except (Refused, NotFound, *more) as why:
            self.refused.append(str(why))

    def member(self, name, good, door):
        """A member is edited by itself."""
        if name not in self.wish.members:
            return
        self._take_in()
        grid = Grid.objects.filter(name=name, deleting_since=None).first()
        if grid is None or grid.group is None or grid.group.deleting_since:
            return
        self.number += 1
        image = f"{'' if good else 'fail.example/'}img:{self.number}"
        if door == "portal":
            manifest = copy.deepcopy(grid.source())
            manifest["spec"]["template"] = a_template(image, 2, app=name)
            save_grids([manifest], ADA, ask=False)
        else:
            change = {"spec": {"template": a_template(image, 2, app=name)}}
            self.world.cluster.patch(self.kinds[name], "default", name, change, MERGE_PATCH)
        self._wished(self.wish.having(**{name: image}))
        self._settled(lambda: wish_of(self._live()["spec"]) == self.wish)

    def member_goes(self, name, door):
        """A member is deleted by itself."""
        if name not in self.wish.members or len(self.wish.members) == 1:
            return
        self._take_in()
        grid = Grid.objects.filter(name=name, deleting_since=None).first()
        if grid is None or grid.group is None or grid.group.deleting_since:
            return
        self._wished(self.wish.having(**{name: None}))
        if door == "portal":
            delete_grid(grid, ADA)
            return
        self.world.cluster.delete(self.kinds[name], "default", name, uid=grid.cluster_uid)
        self._settled(lambda: not Grid.objects.filter(pk=grid.pk, deleting_since=None).exists())

    def joins(self):
        """A person approves the units that are new to a member and wait for it."""
        waiting = GridUnit.objects.filter(reason="WaitingForApproval", grid__deleting_since=None)
        for grid in Grid.objects.filter(pk__in=list(waiting.values_list("grid", flat=True))):
            names = list(waiting.filter(grid=grid).values_list("name", flat=True))
            self._take_in()
            self._try(lambda grid=grid, names=names: approve(grid, names, ADA), Invalid)  # it may have gone meanwhile

    def member_verb(self, name, verb):
        """A person asks something of the rollout of one member by itself."""
        grid = Grid.objects.filter(name=name, deleting_since=None).first()
        if grid is None:
            return
        if verb in ("skip", "abort"):
            self._excuse_given()
        self.verbs += 1
        self._try(lambda: steer_rollout(grid, verb, ADA), Invalid)

    def _settled(self, check):
        for _ in range(20):
            if check():
                return
            self.work()
        raise AssertionError(self.description())

    def restore(self, number):
        """All members back to what they were."""
        self._take_in()
        rows = list(PackageRevision.objects.filter(name=NAME).order_by("-created_at"))
        if not rows:
            return
        chosen = rows[number % len(rows)]
        latest = PackageRevision.objects.filter(name=NAME, number=chosen.number).order_by("-created_at")[0]

        def go():
            restore_package("default", NAME, chosen.number, ADA)
            self._wished(wish_of(latest.spec))

        self._try(go)

    def deleted(self, door):
        """The package is deleted as one."""
        group = ServiceGroup.objects.filter(name=NAME).first()
        if group is None or self.wish.images is None:
            return
        if door == "portal":
            self._take_in()
            self._try(lambda: delete_group(group, ADA))
        elif live := self._live():
            self.world.cluster.delete(KIND, "default", NAME, uid=live["metadata"]["uid"])
        else:
            return
        self._wished(Wish(None))

    def verb(self, verb, *tracks):
        """A person asks something of the rollout of all members."""
        if verb in ("skip", "abort"):
            self._excuse_given()
        group = ServiceGroup.objects.filter(name=NAME).first()
        if group is not None and not group.deleting_since:
            self.verbs += 1
            self._try(lambda: steer_package(group, verb, ADA, tracks=tracks), Invalid)  # a track that there is not

    def work(self):
        for resource in CUSTOM:
            refresh.relist(resource, self.world.cluster)
        long_ago = timezone.now() - timedelta(hours=1)
        Grid.objects.exclude(missing_since=None).update(missing_since=long_ago)
        super().work()

    # The end.

    def finish(self):
        """A person resumes what is paused, or makes anew what was deleted."""
        if self.wish.paused:
            self._save(replace(self.wish, paused=False), "portal")
        self.quiet()

    def _is_quiet(self):
        self.work()
        self.joins()
        waiting = Rollout.objects.filter(pk__in=self.rollouts().values(), phase="Progressing")
        if waiting.filter(reason="AwaitingApproval").exists():
            self.verb("approve")
        bad = any(image.startswith("fail.") for image in self.wish.members.values())
        if bad or self._has_misplaced_pods():
            self.late()
        return self._is_there() and self._are_over() and self._is_still()

    def _is_there(self):
        """Whether there are the grids that there should be, or nothing of the package any more."""
        names = set(Grid.objects.values_list("name", flat=True))
        group, live = ServiceGroup.objects.filter(name=NAME).exists(), self._live() is not None
        return names == self.wish.members.keys() and group == live == (self.wish.images is not None)

    def _are_over(self):
        """Whether no rollout goes on: each has ended, or has no unit under way since another member stopped."""
        rows = list(Rollout.objects.filter(pk__in=self.rollouts().values()))
        stopped = any(row.phase in STOPPED for row in rows)
        return all(
            row.phase in ENDED or (stopped and not row.units.filter(turn__in=("given", "back")).exists())
            for row in rows
        )

    def _is_still(self):
        WorkKey.objects.update(requested=F("requested") + 1, next_at=timezone.now())
        self.world.server.reset_counts()
        self.work()
        good = [body for body in self.deployments().values() if not image_of(body).startswith("fail.")]
        return self.world.writes() == 0 and all(is_done(body) for body in good)

    def rollouts(self):
        """The latest rollout of each member, by name."""
        rows = Rollout.objects.exclude(grid=None).order_by("pk").values_list("grid__name", "pk")
        return dict(rows)

    def deployments(self):
        """The Deployments by member and unit, from the API server; those of units with nodes."""
        there = set(Node.objects.filter(label_rows__key=LABEL).values_list("label_rows__value", flat=True))
        found = {}
        for child in self.children:
            for name in self.world.names(child):
                member, _, unit = name.partition("-")
                if unit in there:
                    found[member, unit] = self.world.get(name, child)
        return found

    def description(self):
        cells = GridUnit.objects.exclude(name="")
        columns = ("grid__name", "name", "state", "reason", "assigned", "revision")
        return {
            "wish": self.wish,
            "happened": self.happened,
            "rollouts": [
                (row.grid.name, row.phase, row.reason, row.wave, dict(row.units.values_list("name", "turn")))
                for row in Rollout.objects.filter(pk__in=self.rollouts().values())
            ],
            "grids": list(
                Grid.objects.values_list("name", "generation", "pushed_generation", "deleting_since", "group")
            ),
            "group": list(ServiceGroup.objects.values("name", "cluster_generation", "deleting_since", "held_since")),
            "live": self._live(),
            "cells": list(cells.values_list(*columns)),
            "keys": list(WorkKey.objects.filter(requested__gt=F("done")).values_list("key", "error")),
            "runs": {place: image_of(body) for place, body in self.deployments().items()},
            "writes": dict(self.world.server.requests),
            "refused": self.refused,
        }
