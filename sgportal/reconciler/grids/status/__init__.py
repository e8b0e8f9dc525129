"""What was observed after the writes: in the rows of grid and cells, and on the custom resource.

May import `events`, `writes`, `observation`, and `queue`, `process`, `queries` and below.
"""
