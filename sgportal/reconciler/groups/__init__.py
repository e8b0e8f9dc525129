"""A ServiceGroup and its custom resource: which follows which, its members as rows, its status, its deletion.

May import `grids`, `fleet`, `queue`, `queries` and below.
"""
