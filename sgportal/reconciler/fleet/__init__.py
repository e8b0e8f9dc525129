"""What keeps a fleet from being lost by a mistake: everything stops where the cluster is not the one that is meant."""
