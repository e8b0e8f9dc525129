"""Pages for people: rendered on the server, enhanced by htmx, readable without JavaScript.

A page reads `models.reading` and writes through `actions`; it never reaches for the cluster and never asks our JSON.
"""
