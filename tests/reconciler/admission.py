"""Something that changes objects at admission: a mutating webhook of a real cluster, or what stands for it in the
embedded one."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_cluster.fields.patches import json_patch
from embedded_cluster.server import writing
from tests.kube.admission import webhook

from .real import RealCluster
from .world import World

Mutation = Callable[[dict[str, Any]], list[dict[str, Any]] | None]


@contextlib.contextmanager
def changing(world: World, folder: Path, mutation: Mutation, plural: str = "deployments") -> Iterator[None]:
    """Have every create and update of a plural changed by the JSON patch that `mutation` makes of it."""
    if isinstance(world.server, RealCluster):
        with webhook(world.server.plane, folder, mutation, kind="Mutating", plural=plural):
            yield
        return
    admit = writing.admit

    def mutating(kind: Any, body: Any, before: Any, store: Any) -> Any:
        body = admit(kind, body, before, store)
        patch = mutation(body) if kind.plural == plural else None
        return json_patch(body, patch) if patch else body

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "admit", mutating)
        yield
