"""What a save would have leave the limits that Kubernetes is known to bear."""

from collections import Counter
from collections.abc import Sequence

from ..core.plans.plan import Plan
from ..core.plans.preview import envelope
from ..core.text import Problem
from ..queries.plans import present_in


def beyond_limits(plans: Sequence[tuple[str, Plan]]) -> list[list[Problem]]:
    """Warnings for each of these plans, each with its namespace: of large objects, and of a namespace that all of them
    together make crowded. Two queries for each namespace in which something is added."""
    growths = [envelope.growth(planned.steps) for _, planned in plans]
    more: dict[str, Counter[str]] = {}
    for (namespace, _), growth in zip(plans, growths, strict=True):
        more.setdefault(namespace, Counter()).update(growth)
    crowded = {
        namespace: [Problem("/metadata/namespace", each) for each in envelope.crowded(namespace, present, added)]
        for namespace, added in more.items()
        if +added and (present := present_in(namespace))
    }
    return [
        [
            *(crowded.get(namespace, ()) if +growth else ()),
            *(Problem("/spec/template", each) for each in envelope.large(planned.steps)),
        ]
        for (namespace, planned), growth in zip(plans, growths, strict=True)
    ]
