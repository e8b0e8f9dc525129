"""What a Service does on each node: how it is kept within NodeUnits, what its nodes do with that, and the proof.

May import the alphabet of `core`.
"""
