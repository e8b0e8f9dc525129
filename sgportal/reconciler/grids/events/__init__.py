"""What happened to a grid and why: as rows, which pages and REST show, and as Events in the cluster.

May import `writes`, and `models`, `cluster` and below.
"""
