"""Whether SuperEdge's own controller runs, who may write then, and what its definitions drop.

May import `core.grids` and the alphabet of `core`.
"""
