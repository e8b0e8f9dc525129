"""What this portal allows its users to ask of the cluster, by its settings and by the labels of namespaces."""

from collections.abc import Iterable, Mapping
from typing import cast

from django.conf import settings

from ..core.policy.pod_security import Level
from ..core.policy.rules import Policy, closed_namespace
from ..core.text import Sentence
from ..models.cache import Namespace


def policy() -> Policy:
    """The policy that the settings make."""
    level = cast(Level, settings.SGPORTAL_POD_SECURITY)
    return Policy(settings.SGPORTAL_NAMESPACES, level, settings.SGPORTAL_EXTERNAL_IPS)


def closed(namespace: str) -> Sentence | None:
    """Why nothing may be written in a namespace, or None."""
    return closed_namespace(namespace, policy())


def labels_of(namespaces: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """The labels of those of these namespaces that have been seen. One query."""
    return dict(Namespace.objects.filter(name__in=set(namespaces)).values_list("name", "labels"))
