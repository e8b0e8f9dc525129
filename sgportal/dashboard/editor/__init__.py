"""Writing grids and ServiceGroups: by form or as YAML, checked while one types, previewed, saved.

May import what any page may.
"""
