"""Who may see and change what: roles, and the part of the cluster that each is held for."""
