"""Which children a grid should have, which writes make the cluster agree, and what state it is in.

May import the alphabet of `core` (text, names, units, pods, schema), and `traffic`.
"""
