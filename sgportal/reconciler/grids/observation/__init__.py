"""What is known of a grid at the start of a reconcile, read once and handed on: rows and live children.

Writes nothing. May import `process`, `queries` and below.
"""
