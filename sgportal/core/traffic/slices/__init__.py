"""Which EndpointSlices a Service in the closed loop should have, and in which order they are written.

May import the modules of `traffic` and the alphabet of `core`.
"""
