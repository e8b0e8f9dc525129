"""`make bench`: figures of the real stack, as ratios measured side by side in one run.

Each benchmark runs in a process of its own with an empty database, an embedded cluster as another process, and the
portal's own watch and worker. Ratios travel from machine to machine; milliseconds do not.
"""
