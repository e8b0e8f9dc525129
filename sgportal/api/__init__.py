"""The door for machines: JSON and YAML over REST, server-sent events, OpenAPI, health and metrics.

Thin: meaning is decided in `core`, writes are `actions`, shared reads are `models.reading`. No cluster, no pages.
"""
