"""Editing grids and ServiceGroups: by form or as YAML, checked while one types, previewed, saved.

May import `grids` and `page`, and what any page may.
"""
