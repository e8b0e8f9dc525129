"""Rollouts of grids in waves.

May import `grids` and below.
"""
