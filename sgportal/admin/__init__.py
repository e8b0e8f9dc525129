"""The administration site, for the role admin: people are managed here, everything else is only shown."""

from . import people, rows

__all__ = ["people", "rows"]
