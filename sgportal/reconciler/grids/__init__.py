"""Reconcile one grid: observe, plan, apply, update the status, follow its custom resource.

May import `queue`, `process`, `queries` and below.
"""
