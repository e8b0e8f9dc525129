"""The resource metrics API (metrics.k8s.io/v1beta1), as metrics-server serves it: get and list, each list whole."""

from datetime import UTC, datetime

from ..nodes.usage import node_metrics, pod_metrics
from ..objects.errors import ApiError, not_found
from ..objects.selectors import label_test
from ..objects.store import Store
from ..requests.request import Request, Response, Target
from .reading import shown


def answer(store: Store, target: Target, request: Request) -> Response:
    """What a node or a pod uses, or all of them. Raises 404 for one that is not measured, 405 for any write."""
    if request.method != "GET" or request.flag("watch") or target.subresource:
        raise ApiError(405, "the server does not allow this method on the requested resource")
    found = (node_metrics if target.kind.kind == "NodeMetrics" else pod_metrics)(store, datetime.now(UTC))
    if target.name:
        bodies = [each for each in found if _place(each["metadata"]) == (target.namespace, target.name)]
        if not bodies:
            raise not_found(target.kind.plural, target.kind.group, target.name)
        return Response.of(shown(target.kind, bodies, request, {}, single=True))
    chosen = label_test(request.query.get("labelSelector", ""))
    inside = [each for each in found if target.namespace in ("", each["metadata"].get("namespace")) and chosen(each)]
    inside.sort(key=lambda each: _place(each["metadata"]))
    return Response.of(shown(target.kind, inside, request, {}, single=False))


def _place(metadata: dict[str, str]) -> tuple[str, str]:
    return metadata.get("namespace", ""), metadata["name"]
