"""What a grid runs, as manifests that know nothing of grids."""
