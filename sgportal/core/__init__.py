"""What is right. Pure functions and frozen values: no I/O, no clock, no framework; arguments are never mutated.

Kubernetes objects are plain dicts (they carry fields we never heard of); our own ideas are frozen dataclasses.
"""
