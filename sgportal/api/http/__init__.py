"""What every call shares, whatever it is about: who calls, how often, which media types, pages of lists, problems.

It knows Django REST framework and no noun of ours; it may import `core`, `models`, `access` and `actions`' errors, and
nothing of `api` beside it.
"""
