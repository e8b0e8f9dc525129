"""The columns of lists about nodes as CSV."""

from ..page.export import Columns

NODES: Columns = {
    "name": lambda node: node.name,
    "ready": lambda node: node.ready,
    "since": lambda node: node.ready_since and node.ready_since.isoformat(),
    "cordoned": lambda node: node.unschedulable,
    "labels": lambda node: ",".join(f"{key}={value}" for key, value in sorted(node.labels.items())),
}
