"""One keeper, or several that share, while all closed Services need other slices again and again."""

import contextlib
import json
import os
import time
from typing import Any

from .. import stage
from ..pods.watch import seconds_of

ROUNDS, SECONDS = 5, 900


def run(world: str = "large:200x20", services: str = "500", shards: str = "1") -> dict[str, Any]:
    """`{slices, rate, cpu, a_core, memory}`: slices that were written, how many a second, the CPU of the keepers, one
    for each shard, in per cent of a core, how many slices a second come to one core, and their memory in MiB (PSS)."""
    os.environ["SGPORTAL_SHARDS"] = shards
    with stage.stage(world), contextlib.ExitStack() as stack:
        for number in range(int(services)):
            _close(f"web-{number:04}")
        _pod()
        pids = [stack.enter_context(stage.process(stage.command("keeper"))) for _ in range(int(shards))]
        _until_all_name("zone-0", int(services))
        before, since = sum(map(seconds_of, pids)), time.monotonic()
        for number in range(1, ROUNDS + 1):
            _until_all_name(f"zone-{number}", int(services))
        lasted, cpu = time.monotonic() - since, sum(map(seconds_of, pids)) - before
        slices = ROUNDS * int(services)
        rates = {"rate": slices / lasted, "cpu": 100 * cpu / lasted, "a_core": slices / cpu}
        return {"slices": slices, **rates, "memory": sum(map(stage.memory, pids))}


def _close(name: str) -> None:
    from sgportal.core.names import CLOSURE, SELECTOR
    from sgportal.core.traffic.closure import Closure, write_closure
    from sgportal.reconciler.process.connection import writable

    annotations = {CLOSURE: write_closure(Closure("strict"), "site"), SELECTOR: json.dumps({"app": name})}
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    spec = {"ports": [{"port": 80}]}
    writable().create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def _pod() -> None:
    """Without a single pod in the cluster a keeper would not believe what it lists."""
    from sgportal.reconciler.process.connection import writable

    spec = {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False}
    writable().create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "any", "namespace": "default"}, "spec": spec}
    )


def _until_all_name(zone: str, services: int) -> None:
    """A node is in another zone; until a sentinel of each Service names it."""
    from sgportal.cluster import MERGE_PATCH
    from sgportal.core.names import ZONE
    from sgportal.reconciler.process.connection import cluster, writable

    node = cluster().list("Node").items[0]["metadata"]["name"]
    writable().patch("Node", "", node, {"metadata": {"labels": {ZONE: zone}}}, MERGE_PATCH)

    def named() -> bool:
        listed = cluster().list("EndpointSlice", "default").items
        return sum(json.dumps(each).count(f'"{zone}"') > 0 for each in listed) >= services

    stage.wait(named, SECONDS, f"sentinels name {zone}", pause=0.2)
