"""What nodes and pods use: one list of each kind every so often, kept as rows."""
