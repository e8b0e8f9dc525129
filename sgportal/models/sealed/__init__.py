"""Secrets that have to be read again, as second factors and the URLs of channels: kept encrypted in rows and backups.

The keys are made of `SECRET_KEY`, another for each purpose. Whatever was sealed with one of `SECRET_KEY_FALLBACKS` is
still read, and is sealed with the new one by `manage.py resealsecrets`.
"""

from base64 import urlsafe_b64encode
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac

PREFIX = "sealed:"  # of a text that is sealed; rows of versions that sealed nothing have none


def box(purpose: str) -> MultiFernet:
    """What encrypts with the first key for a purpose and decrypts with each."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    made = (salted_hmac(purpose, "", secret=key, algorithm="sha256") for key in keys)
    return MultiFernet([Fernet(urlsafe_b64encode(each.digest())) for each in made])


def is_sealed(text: str) -> bool:
    """Whether a text is one that could not be opened: it was sealed with a key that is no longer known."""
    return text.startswith(PREFIX)


class SealedText(models.TextField):  # type: ignore[type-arg]
    """A text that is plain in the program and sealed in the database, and in what Django serializes. What cannot be
    opened stays as it is."""

    def __init__(self, *args: Any, purpose: str, **kwargs: Any) -> None:
        self.purpose = purpose
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """The field as migrations write it."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "purpose": self.purpose}

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """The text, of what the database has."""
        return value if value is None else self._opened(value)

    def to_python(self, value: Any) -> Any:
        """The text, of what a backup has."""
        found = super().to_python(value)
        return found if found is None else self._opened(found)

    def get_prep_value(self, value: Any) -> Any:
        """What the database keeps."""
        text = super().get_prep_value(value)
        return text if text is None or is_sealed(text) else self._sealed(text)

    def value_to_string(self, obj: models.Model) -> str:
        """What a backup keeps."""
        return str(self.get_prep_value(self.value_from_object(obj)))

    def _sealed(self, text: str) -> str:
        return PREFIX + box(self.purpose).encrypt(text.encode()).decode()

    def _opened(self, text: str) -> str:
        if not is_sealed(text):
            return text
        try:
            return box(self.purpose).decrypt(text.removeprefix(PREFIX).encode()).decode()
        except InvalidToken:
            return text
