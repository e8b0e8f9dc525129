"""Random sequences of what happens to a fleet, against the real reconciler."""
