"""A grid and its custom resource: which of the two follows the other, and what it means that one is gone.

May import `events`, and `fleet`, `queue`, `queries` and below.
"""
