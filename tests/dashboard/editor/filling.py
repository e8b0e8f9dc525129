"""A form that is filled in, with nothing changed beside it."""

from sgportal.core.text import Invalid
from sgportal.dashboard.editor.merge import merged


def filled(manifest, values):
    """The manifest with these texts in its fields. Raises Invalid for those that cannot be read."""
    found = merged(manifest, manifest, values)
    if found.problems:
        raise Invalid(*found.problems)
    return found.manifest
