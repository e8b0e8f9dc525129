"""How a Deployment or StatefulSet fares: whether it is rolled out, and what keeps its pods from becoming ready.

May import the alphabet of `core`.
"""
