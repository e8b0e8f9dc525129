"""What a process needs to act: the connection to the cluster, and the lease of the one that acts.

May import `cluster` and `models`.
"""
