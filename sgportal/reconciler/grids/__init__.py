"""Reconcile one grid: bring its custom resource and its row together, observe, plan, write, record the status.

`observation` reads; `writes` carries out a plan; `events` notes what happened; `resource` follows the custom resource;
`status` records what was observed; `reconcile` and `cell_batch` put them in order. May import `queue`, `process`,
`fleet`, `queries` and below.
"""
