"""Who asks, and what they may do: tokens, impersonation, roles and their bindings. May import `requests` and what is
below."""
