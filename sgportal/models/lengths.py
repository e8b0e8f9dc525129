"""Lengths that several tables share."""

KEY = 512  # the longest "<plural>/<namespace>/<name>"
