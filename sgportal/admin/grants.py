"""Grants: a role in a scope, for a person or a group. Given and taken back, never changed, so that each is audited."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..actions import check_role, give_role, take_back
from ..admin_site import ForAdmins, actor, is_admin
from ..core.access.scope import ROLES
from ..core.grids.kinds import KINDS
from ..core.text import Invalid
from ..dashboard.page.tags import say
from ..models import Grant

FIELD_OF = {"nodeGroup": "key", "nodeUnits": "units", "unitSelector": "selector"}


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role in a scope. What is left empty is not limited."""

    user = forms.ModelChoiceField(User.objects.order_by("username"), label=_("User"), required=False)
    group = forms.CharField(label=_("Group"), required=False, help_text=_("in the place of a user; made if it is new"))
    role = forms.ChoiceField(label=_("Role"), choices=[(role, role) for role in ROLES])
    namespaces = forms.CharField(label=_("Namespaces"), required=False, help_text=_("separated by blanks; empty: all"))
    kinds = forms.MultipleChoiceField(
        label=_("Kinds"),
        choices=[(kind, kind) for kind in KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("none chosen: all"),
    )
    key = forms.CharField(label="NodeGroup", required=False, help_text=_("its label key; empty: any"))
    units = forms.CharField(label="NodeUnits", required=False, help_text=_("separated by blanks; empty: all"))
    selector = forms.CharField(
        label=_("NodeUnits by labels"),
        required=False,
        help_text=_("of all nodes of a NodeUnit, such as region=north, instead of names; also those that join later"),
    )

    class Meta:
        model = Grant
        fields: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        """What is asked, if it can be given."""
        found = super().clean() or {}
        if not self.errors:
            try:
                check_role(self.asked())
            except Invalid as invalid:
                for problem in invalid.problems:
                    name = problem.pointer.strip("/").partition("/")[0]
                    self.add_error(FIELD_OF.get(name, name) or None, say(problem.sentence))
        return found

    def _post_clean(self) -> None:
        """The row is made, and validated, by the action."""

    def asked(self) -> dict[str, Any]:
        """The grant as REST takes it."""
        found = self.cleaned_data
        return {
            "user": found["user"].get_username() if found.get("user") else "",
            "group": found.get("group", "").strip(),
            "role": found.get("role", ""),
            "namespaces": found.get("namespaces", "").split(),
            "kinds": found.get("kinds", []),
            "nodeGroup": found.get("key", "").strip(),
            "nodeUnits": found.get("units", "").split(),
            "unitSelector": found.get("selector", "").strip(),
        }


@admin.register(Grant)
class GrantAdmin(ForAdmins, admin.ModelAdmin):  # type: ignore[type-arg]
    """Grants."""

    form = GrantForm
    fields = ("user", "group", "role", "namespaces", "kinds", "key", "units", "selector")
    list_display = ("holder", "role", "namespaces", "kinds", "key", "units", "selector", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "group")
    search_fields = ("user__username", "group__name", "namespaces", "units", "selector")
    actions = None

    @admin.display(description=_("Holder"))
    def holder(self, row: Grant) -> str:
        """Whose role it is."""
        return str(row.user or row.group)

    def has_change_permission(self, *_: Any) -> bool:
        """Nobody: take it back and give another."""
        return False

    def has_delete_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Administrators."""
        return is_admin(request)

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, *_: Any) -> None:
        """Give it."""
        obj.__dict__.update(give_role(form.asked(), actor(request)).__dict__)

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        """Take it back."""
        take_back(obj, actor(request))
