"""The work queue in rows (who is due, who is at it, back-off) and the change log that live pages follow.

May import `models`, and the Celery application to send hints.
"""
