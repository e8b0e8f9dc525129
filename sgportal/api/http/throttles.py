"""How often one caller may write, and ask for plans. Reads are not limited."""

from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView


class WriteThrottle(UserRateThrottle):
    """Writes, per user."""

    scope = "write"
    THROTTLE_RATES = {"write": "100/s"}

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether this request may pass."""
        return request.method in permissions.SAFE_METHODS or super().allow_request(request, view)


class DryRunThrottle(UserRateThrottle):
    """Dry runs, which make whole plans, per user."""

    scope = "dry-run"
    THROTTLE_RATES = {"dry-run": "20/s"}

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether this request may pass."""
        return "dryRun" not in request.query_params or super().allow_request(request, view)


THROTTLES = (WriteThrottle, DryRunThrottle)
