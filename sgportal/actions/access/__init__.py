"""Who may do what: giving a role in a scope, and taking it back."""
