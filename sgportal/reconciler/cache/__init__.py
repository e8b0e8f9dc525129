"""The cluster as last seen, in rows: translate objects, store batches, enqueue the grids concerned.

May import `grids`, `informer`, `queue` and `process`.
"""
