"""Django's check of user name and password, behind the brake: whatever form asks, and whatever form will."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from . import brake


class BrakedBackend(ModelBackend):
    """Counts each attempt that comes with a request. Where there were too many it sets `request.braked` and does not
    look at the password."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """The user with this name and password, or None. Raises PermissionDenied, which ends Django's search."""
        name = username if username is not None else kwargs.get(get_user_model().USERNAME_FIELD)
        if request is None or name is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        try:
            attempt = brake.begin(request, name)
        except brake.Braked as braked:
            request.braked = braked  # type: ignore[attr-defined]
            raise PermissionDenied from braked
        user = super().authenticate(request, name, password)
        if user is not None:
            attempt.passed()
        return user

    async def aauthenticate(self, request: HttpRequest | None, *args: Any, **kwargs: Any) -> Any:
        """The same, for asynchronous callers."""
        return await sync_to_async(self.authenticate)(request, *args, **kwargs)
