"""Template tags of pods and their containers."""

from django import template
from django.utils.translation import gettext_lazy

from ...core.containers.view import ContainerState
from ...core.pods import is_trouble
from ...models import Pod

register = template.Library()

_PHASES = {
    "waiting": gettext_lazy("Waiting"),
    "running": gettext_lazy("Running"),
    "terminated": gettext_lazy("Terminated"),
}
_ROLES = {
    "init": gettext_lazy("init container"),
    "sidecar": gettext_lazy("sidecar"),
    "ephemeral": gettext_lazy("ephemeral container"),
}


@register.filter
def role_word(role: str) -> str:
    """What a container is for beside those of the application; "" for one of these."""
    return str(_ROLES.get(role, ""))


@register.filter
def container_word(state: ContainerState) -> str:
    """How a container fares: its reason, as kubectl shows it, else its phase."""
    return state.reason or str(_PHASES[state.phase])


@register.filter
def pod_state(pod: Pod) -> str:
    """A pod's state as the pages word it: on its way is no trouble, a reason to be stuck is."""
    if pod.terminating:
        return "Deleting"
    if pod.ready:
        return "Ready"
    return "Degraded" if is_trouble(pod.reason) else "Progressing"
