"""Nodes, the NodeGroups and NodeUnits that their labels form, the overview, and changing labels.

It may import `cluster` and `grids`, whose shapes the overview and the impact of labels hold, and what those may.
"""
