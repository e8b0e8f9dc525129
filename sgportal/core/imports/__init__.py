"""What others call sites, pools, groups and applications over them, as NodeUnits and grids: pure translation, and a
report that names every field of what was read."""
