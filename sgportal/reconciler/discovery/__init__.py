"""What kind of cluster this is: SuperEdge's controller, the data plane, our definitions.

May import `cache` and below.
"""
