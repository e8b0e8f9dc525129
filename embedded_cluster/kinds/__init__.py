"""Which kinds are served, built-in ones and those of definitions, and what their fields are. May import `objects`."""
