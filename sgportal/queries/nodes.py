"""Nodes by filter, and what takes back a job on them."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..core.selector import parse_selector
from ..models import LabelJob
from ..models.cache import Node, NodeLabel


def select_nodes(
    label_selector: str = "", group: str = "", unit: str = "", ready: str = "", search: str = ""
) -> "QuerySet[Node]":
    """The nodes that meet every given filter. Raises Invalid for a bad selector."""
    nodes = Node.objects.selected(parse_selector(label_selector))
    if group:
        nodes = nodes.carrying(group)
    if group and unit:
        nodes = nodes.filter(pk__in=NodeLabel.objects.filter(key=group, value=unit).values("node"))
    if ready:
        nodes = nodes.filter(ready=ready)
    if search:
        labelled = NodeLabel.objects.filter(Q(key__icontains=search) | Q(value__icontains=search)).values("node")
        nodes = nodes.filter(Q(name__icontains=search) | Q(pk__in=labelled))
    return nodes


def standing_undo(pk: Any) -> LabelJob | None:
    """The job that takes back this one: it is under way, or every node got back what it had, and it was not taken back
    itself. One query."""
    again = LabelJob.objects.filter(undoes=OuterRef("pk")).exclude(state=LabelJob.State.FAILED)
    found = LabelJob.objects.filter(undoes=pk).exclude(state=LabelJob.State.FAILED)
    return found.exclude(Exists(again)).first()
