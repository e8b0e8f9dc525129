"""What people look up in the cluster itself, because it is not stored: a pod's containers, Kubernetes' Events, logs.

Every look-up has a time limit.
"""
