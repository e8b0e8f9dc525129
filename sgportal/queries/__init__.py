"""The reads that REST and the pages share: overview, plans, endpoints, freshness, the impact of labels.

They read rows and ask the core; they write nothing and never reach the cluster.
"""
