"""Who owns which field, and what a patch changes. May import `objects`, `kinds`."""
