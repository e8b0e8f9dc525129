"""sgportal: label nodes, submit a workload once, see one per site. Nothing is imported here, on purpose."""
