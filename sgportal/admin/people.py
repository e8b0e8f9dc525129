"""People: making them, giving them a role, resetting a password, ending their access. All of it is audited."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from ..access import second_factor
from ..actions import note_access, reset_second_factor
from ..admin_site import ForAdmins, actor, is_admin
from ..models.people import ROLES, role_everywhere
from ..models.scopes.grants import held_by, highest

NO_ROLE = ""


def _role_field() -> forms.ChoiceField:
    choices = [(NO_ROLE, _("none: may log in and see nothing")), *((role, role) for role in ROLES)]
    return forms.ChoiceField(label=_("Role"), choices=choices, required=False)


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    """A person, with the role as one choice; `own` is the person who fills it in, whose role and account stay."""

    role = _role_field()
    reset_second_factor = forms.BooleanField(
        label=_("Reset the second factor"),
        help_text=_("For somebody who lost phone and recovery codes. Their sessions end."),
        required=False,
    )
    own = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = role_everywhere(self.instance) or _group_of(self.instance)
        fixed = {"role", "is_active", "reset_second_factor"} if self.own else set()
        for name in fixed if second_factor.has(self.instance) else fixed | {"reset_second_factor"}:
            self.fields[name].disabled = True


class NewPersonForm(AdminUserCreationForm):
    """A new person, with the role as one choice."""

    role = _role_field()


def _group_of(user: User) -> str:
    """The role that somebody has, or would have if they were active."""
    names = {group.name for group in user.groups.all()} if user.pk else set()
    return next((role for role in reversed(ROLES) if role in names), NO_ROLE)


def _shown(user: User) -> dict[str, Any]:
    """What the audit trail tells of a person: never a password."""
    return {"username": user.username, "role": role_everywhere(user), "active": user.is_active, "email": user.email}


admin.site.unregister((User, Group))  # Django's own, which give every permission there is


@admin.register(User)
class PersonAdmin(ForAdmins, UserAdmin):  # type: ignore[type-arg]
    """People. Administrators cannot take their own role or account away: so there is always one."""

    form = PersonForm
    add_form = NewPersonForm
    list_display = ("username", "role", "is_active", "two_steps", "email", "last_login")
    list_filter = ("is_active", "groups")
    actions = None
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Access"), {"fields": ("role", "is_active", "reset_second_factor")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2", "role")}),
    )
    filter_horizontal = ()

    @admin.display(description=_("Role"))
    def role(self, user: User) -> str:
        """The role a person has now."""
        return highest(held_by(user)) or "–"

    @admin.display(description=_("Second factor"), boolean=True)
    def two_steps(self, user: User) -> bool:
        """Whether a person has a second factor here."""
        return hasattr(user, "second_factor")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A provider's user keeps the name it came with, which holds what no form takes."""
        return (*super().get_readonly_fields(request, obj), *(["username"] if hasattr(obj, "oidc") else []))

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        """With the roles, in one query."""
        return (
            super().get_queryset(request).select_related("second_factor").prefetch_related("groups__grants", "grants")
        )

    def has_change_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Administrators."""
        return is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators, but nobody themselves."""
        return is_admin(request) and obj is not None and obj.pk != request.user.pk

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """One's own role and account stay."""
        form = super().get_form(request, obj, **kwargs)
        own = obj is not None and obj.pk == request.user.pk
        return type("OwnForm", (form,), {"own": True}) if own else form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store a person; a role given here is all they have."""
        request._person = _shown(User.objects.get(pk=obj.pk)) if change else None  # type: ignore[attr-defined]
        if "role" in form.changed_data:
            obj.is_superuser = False
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the role, and leave the other groups alone."""
        super().save_related(request, form, formsets, change)
        if "role" in form.changed_data:
            role, others = form.cleaned_data["role"], form.instance.groups.exclude(name__in=ROLES)
            given = [Group.objects.get_or_create(name=role)[0]] if role else []
            form.instance.groups.set([*others, *given])
        verb, before = "user-changed" if change else "user-created", request._person  # type: ignore[attr-defined]
        fresh = User.objects.get(pk=form.instance.pk)
        note_access(actor(request), verb, f"users/{fresh.username}", before, _shown(fresh))
        if form.cleaned_data.get("reset_second_factor"):
            reset_second_factor(fresh, actor(request))

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Remove a person; their sessions and tokens go with them."""
        note_access(actor(request), "user-deleted", f"users/{obj.username}", _shown(obj), None)
        super().delete_model(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Set somebody's password, which ends their sessions and tokens. One's own has a page that asks for the old."""
        before = self.get_object(request, unquote(id))
        if before is not None and before.pk == request.user.pk:
            return redirect("password")
        answer = super().user_change_password(request, id, form_url)
        after = User.objects.filter(pk=before.pk).first() if before else None
        if before and after and before.password != after.password:
            note_access(actor(request), "password-reset", f"users/{after.username}")
        return answer
