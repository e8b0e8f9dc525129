"""Which children a grid should have, and which writes make the cluster agree.

May import `grids`, `workloads`, `ownership`, `traffic` and the alphabet of `core`.
"""
