"""The buttons beside a sentence that says what is wrong: what each does, and where it leads."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from ...core.names import ZONE
from ...core.status.remedies import Remedy


@dataclass(frozen=True, slots=True)
class Button:
    """A link that does, or begins, what a sentence asks for."""

    label: str
    href: str
    danger: bool = False


def buttons(remedies: Iterable[Remedy]) -> list[Button]:
    """A button for each remedy, in the reader's language."""
    return [_button(each) for each in remedies]


def _button(remedy: Remedy) -> Button:
    if remedy.action == "label":
        return Button(gettext("Change node labels"), _nodes(remedy, remedy.key))
    if remedy.action == "zone":
        return Button(gettext("Set a zone"), _nodes(remedy, ZONE))
    plural, namespace, name = remedy.path.split("/")
    if remedy.action == "recreate" and remedy.unit:
        label = gettext("Recreate the workload in %(unit)s") % {"unit": remedy.unit}
        return Button(label, reverse("grid-recreate", args=[plural, namespace, name, remedy.unit]), True)
    if remedy.action == "recreate":
        href = reverse("service-recreate", args=[plural, namespace, name])
        return Button(gettext("Recreate the Service"), href, True)
    if remedy.action == "image":
        href = reverse("grid-operate", args=[plural, namespace, name, "image"])
        return Button(
            gettext("Set image in %(unit)s") % {"unit": remedy.unit}, f"{href}?{urlencode({'unit': remedy.unit})}"
        )
    if remedy.action == "replicas":
        href = reverse("grid-operate", args=[plural, namespace, name, "scale"])
        return Button(gettext("Scale %(name)s") % {"name": name}, href)
    return Button(gettext("Edit %(name)s") % {"name": name}, reverse("grid-edit", args=[plural, namespace, name]))


def _nodes(remedy: Remedy, key: str) -> str:
    """The nodes of the unit to choose from, or, for those in none, all; then the form for a value of the key."""
    group = {"group": remedy.key, "unit": remedy.unit} if remedy.unit else {}
    return f"{reverse('nodes')}?{urlencode({**group, 'key': key})}"
