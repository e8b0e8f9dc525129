"""The NodeGroups: which label keys there are, what each holds, and which is shown first."""

from typing import Any

from django.db import connection
from django.db.models import Count, Q

from ...core.names import NODE_RESTRICTION
from ...models.cache import NodeLabel
from ...models.intent import Grid
from ...models.scopes.clusters import current
from ...models.scopes.current import reading

_NOISE = (
    Q(key__contains="kubernetes.io/")
    & ~Q(key__startswith="topology.kubernetes.io/")
    & ~Q(key__contains=f"{NODE_RESTRICTION}/")
)
# One step in the index for each key: `SELECT DISTINCT` would read every label of every node.
_KEYS = """
WITH RECURSIVE found(key) AS (
    SELECT (SELECT key FROM sgportal_nodelabel WHERE cluster_id = %(cluster)s AND value <> '' ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (
        SELECT key FROM sgportal_nodelabel WHERE cluster_id = %(cluster)s AND value <> '' AND key > found.key
        ORDER BY key LIMIT 1
    )
    FROM found WHERE found.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL
"""


def _is_noise(key: str) -> bool:
    """`_NOISE`, of one key."""
    topology = key.startswith("topology.kubernetes.io/")
    return "kubernetes.io/" in key and not topology and f"{NODE_RESTRICTION}/" not in key


def group_keys() -> list[str]:
    """The keys of `node_groups()`, in order. Two statements, cheap however many nodes there are."""
    keys = _keys() if reading().is_all else _keys_in_scope()
    bound = set(Grid.objects.order_by().values_list("key", flat=True).distinct())
    return [key for key in keys if key in bound or not _is_noise(key)]


def _keys() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, {"cluster": current()})
        return [key for (key,) in cursor.fetchall()]


def _keys_in_scope() -> list[str]:
    rows = NodeLabel.objects.exclude(value="").order_by("key")
    return list(rows.values_list("key", flat=True).distinct())


def default_key() -> str:
    """The NodeGroup to show first: that of the most grids, else the first key of any node, else ""."""
    counted = Grid.objects.exclude(key="").order_by().values("key").annotate(n=Count("pk")).order_by("-n", "key")
    if found := counted.first():
        return str(found["key"])
    return NodeLabel.objects.exclude(_NOISE).order_by("key").values_list("key", flat=True).first() or ""


def node_groups(everything: bool = False) -> list[dict[str, Any]]:
    """`{key, units, nodes, ready_nodes}` of each NodeGroup. Kubernetes' own keys, which would be noise, are left out
    unless a grid is bound to them or `everything` is asked."""
    rows = NodeLabel.objects.all()
    if not everything:
        rows = rows.filter(~_NOISE | Q(key__in=Grid.objects.values("key")))
    return [dict(each) for each in rows.groups()]
