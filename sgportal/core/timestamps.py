"""Times as Kubernetes writes them. Imports nothing of ours."""

from typing import Protocol


class _Time(Protocol):
    def strftime(self, layout: str, /) -> str: ...


def rfc3339(when: _Time) -> str:
    """A time in UTC as a Kubernetes object holds it: RFC 3339, to the second (apimachinery's metav1.Time)."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
