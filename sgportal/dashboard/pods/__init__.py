"""Pages of pods, their logs, and what Kubernetes says of pods, workloads and nodes.

It may import `grids` and `page`.
"""
