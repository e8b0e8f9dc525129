"""Whose an object is, and whose each of its fields: owner references, `metadata.managedFields`, what is left to others.

May import the alphabet of `core` (text, names, schema).
"""
