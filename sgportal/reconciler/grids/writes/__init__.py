"""How a plan becomes writes: which deletions wait for a person, how each write is made safe, who owns which field.

May import `observation`, and `fleet`, `queue`, `process`, `queries` and below.
"""
