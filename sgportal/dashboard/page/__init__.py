"""What every page shares: access, rendering, template tags, what is gone, differences, the age of the data.

May import `actions`, `models`, `core`; no other package of the pages.
"""
