"""The task: a key in, one call, nothing decided here."""

from . import executor
from .celery import app
from .queue.broker import RECONCILE
from .worker import run


@app.task(name=RECONCILE, ignore_result=True)
def reconcile(key: str) -> None:
    """Have one key made right, if it is due and nobody is at it: by a thread of this worker that is free."""
    for each in executor.current:
        each.offer(key)
        return
    run(key)
