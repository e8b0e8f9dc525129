"""What changes, as it changes: server-sent events from the journal, and how many streams a process keeps open.

It may import `views`, `description` and `http`.
"""
