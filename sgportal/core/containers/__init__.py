"""Containers of pods: how each fares, and what is shown of its log.

May import the alphabet of `core`.
"""
