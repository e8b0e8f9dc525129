"""What the keeper writes: the slices of one Service, in an order that never opens it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...cluster import Cluster, ClusterError
from ...core.traffic.slices.slices import is_built_in
from ...core.traffic.slices.write_order import Write
from ..informer.source import Body

ENDPOINTS_MANAGER = ("endpoints.kubernetes.io/managed-by", "endpoint-controller")


@dataclass
class Job:
    """The writes for one Service. `leftovers` are slices of the cluster's own controllers, to go after ours are in;
    `closes` says that no node may go beyond its unit afterwards, `again` that sentinels wait for another job; `gone`
    and `made` are what was done, `error` why the rest was not."""

    service: str
    writes: Sequence[Write]
    leftovers: Sequence[Body] = ()
    closes: bool = True
    again: bool = False
    since: float = 0.0
    made: list[Body] = field(default_factory=list)
    gone: list[Body] = field(default_factory=list)
    error: ClusterError | None = None

    def run(self, cluster: Cluster) -> "Job":
        """Write one after the other; an error ends it, and what is left is found again by the next look."""
        try:
            for write in self.writes:
                self._write(write, cluster)
            if self.leftovers:
                self._sweep(cluster)
        except ClusterError as error:
            self.error = error
        return self

    def _write(self, write: Write, cluster: Cluster) -> None:
        if write.verb == "create":
            self.made.append(cluster.create(write.body))
        elif write.verb == "update":
            self.made.append(cluster.replace(self._latest(write.body)))
        else:
            self._delete(write.body, cluster)

    def _latest(self, body: Body) -> Body:
        """The body with the version that an earlier write of this job gave its slice."""
        name = body["metadata"]["name"]
        made = next((each for each in reversed(self.made) if each["metadata"]["name"] == name), None)
        if made is None:
            return body
        return {**body, "metadata": {**body["metadata"], "resourceVersion": made["metadata"]["resourceVersion"]}}

    def _delete(self, body: Body, cluster: Cluster) -> None:
        metadata = body["metadata"]
        cluster.delete("EndpointSlice", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        self.gone.append(body)

    def _sweep(self, cluster: Cluster) -> None:
        """Delete what the cluster's own controllers keep no more and would never delete: slices, and the Endpoints
        object, which one of them copies into a slice without hints (it goes with the object)."""
        namespace, _, name = self.service.partition("/")
        endpoints = cluster.get("Endpoints", namespace, name)
        label, manager = ENDPOINTS_MANAGER
        if endpoints and (endpoints["metadata"].get("labels") or {}).get(label) == manager:
            cluster.delete("Endpoints", namespace, name, uid=endpoints["metadata"]["uid"])
        for each in self.leftovers:
            if is_built_in(each):
                self._delete(each, cluster)


def with_versions(writes: Iterable[Write], live: Iterable[Body]) -> list[Write]:
    """The writes, each update with the version of the slice that it was made from."""
    versions = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in live}
    found = []
    for write in writes:
        body = write.body
        if write.verb == "update":
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": versions.get(write.name, "")}}
        found.append(Write(write.verb, body))
    return found
