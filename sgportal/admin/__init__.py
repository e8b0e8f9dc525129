"""The administration site, for the role admin: people are managed here, everything else is only shown."""

from . import grants, people, rows

__all__ = ["grants", "people", "rows"]
