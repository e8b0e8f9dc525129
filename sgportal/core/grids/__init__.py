"""What a grid is: its kinds, its manifest, its ServiceGroup, and their validation.

May import `ownership`, `traffic` and the alphabet of `core`.
"""
