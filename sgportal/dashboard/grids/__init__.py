"""Grids and ServiceGroups: lists, one grid and its sections, deletion, recreation, and where a grid's pages are.

May import `page`, and what any page may.
"""
