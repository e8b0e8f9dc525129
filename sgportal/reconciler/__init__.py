"""Makes the cluster agree with what people want, again and again. Celery wakes; rows decide.

`reconcile(key)` is level-triggered: killing it anywhere, running it twice, losing or doubling its message does no harm.
"""
