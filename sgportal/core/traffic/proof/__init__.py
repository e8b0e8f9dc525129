"""What each node's proxy does with the EndpointSlices that are there, and whether that is what was promised.

May import `traffic.slices`, the modules of `traffic` and the alphabet of `core`.
"""
