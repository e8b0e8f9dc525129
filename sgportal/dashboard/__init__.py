"""Pages for people: rendered on the server, enhanced by htmx, readable without JavaScript.

A page reads through `queries` and `models` and writes through `actions`; it never reaches for the cluster and never
asks the REST API. May import all of these and `core`.
"""
