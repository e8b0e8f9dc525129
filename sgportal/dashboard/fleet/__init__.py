"""The first page (causes, heat map, the last 24 hours), the matrix behind it, and the incidents.

May import `queries`, `models`, `core`, and of the pages `page` and `grids`.
"""
