"""What a Service does on each node: topology hints, EndpointSlices, kube-proxy's rule, and the proof of a closed loop.

May import the alphabet of `core`.
"""
