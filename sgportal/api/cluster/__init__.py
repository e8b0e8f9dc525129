"""The cluster as a whole: who writes to it, how fresh what we know of it is, what waits for a person's decision.

It may import `grids`, for the steps of a plan, and what `grids` may import.
"""
