"""What stands around every page: the reader's rights, theme and language, and how fresh the news is."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ..core.access.scope import Scope, administers
from ..models import ManagedCluster, ManagementMode
from ..queries.held import held_counts
from ..queries.per_unit.pods import may_exec, may_read_logs
from ..version import VERSION
from .fleet.kiosk import kiosk
from .page.access import fresh, may, revision, rights, role
from .people import preferences


def _held(request: HttpRequest) -> Any:
    """What waits for a decision, for those who may read all that it is about."""
    return held_counts() if Scope.of(rights(request), "viewer").is_all else {}


def around(request: HttpRequest) -> dict[str, Any]:
    """Django's context processor; everything that costs a query is asked only when a template needs it."""
    return {
        "role": SimpleLazyObject(lambda: role(request)),
        "may_read": SimpleLazyObject(lambda: may(request, "viewer")),
        "may_write": SimpleLazyObject(lambda: may(request, "operator")),
        "may_audit": SimpleLazyObject(lambda: administers(rights(request))),
        "four_eyes": settings.SGPORTAL_FOUR_EYES,
        "may_logs": SimpleLazyObject(lambda: may_read_logs(rights(request))),
        "may_exec": SimpleLazyObject(lambda: may_exec(rights(request))),
        "theme": preferences.theme(request),
        "freshness": SimpleLazyObject(lambda: fresh(request)),
        "management_mode": SimpleLazyObject(ManagementMode.now),
        "cluster_name": settings.SGPORTAL_CLUSTER_NAME,
        "managed": SimpleLazyObject(ManagedCluster.now),
        "held": SimpleLazyObject(lambda: _held(request)),
        "revision": revision(request),
        "kiosk": SimpleLazyObject(lambda: kiosk(request)),
        "version": VERSION,
    }
