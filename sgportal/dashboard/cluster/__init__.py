"""The cluster as a whole: connection, who manages it, what it can do, decisions that wait, the audit log.

May import `page`, and what any page may.
"""
