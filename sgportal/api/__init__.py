"""The door for machines: JSON and YAML over REST, server-sent events, OpenAPI, health and metrics.

Thin: meaning is decided in `core`, writes are `actions`, reads that pages show too are `queries`. It reaches no cluster
and knows no page. `urls` says which view answers where, `views` what all views share; each noun has its own room.
"""
