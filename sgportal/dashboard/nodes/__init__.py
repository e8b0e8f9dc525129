"""Nodes, the NodeUnits and NodeGroups they form, changes of their labels, and the jobs that carry these out.

May import `page`, and what any page may.
"""
