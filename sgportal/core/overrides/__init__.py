"""How children of one template differ from NodeUnit to NodeUnit: overrides, variables, which units, how many replicas.

Pure; may import what is below `ownership` in the core.
"""
