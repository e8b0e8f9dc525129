"""The task: a key in, one call, nothing decided here."""

from . import executor
from .celery import app
from .queue import workqueue
from .queue.broker import RECONCILE
from .worker import run


@app.task(name=RECONCILE, ignore_result=True)
def reconcile(key: str) -> None:
    """Have one key made right, if it is due and nobody is at it: by a thread of this worker that is free. A grid for
    which none is free is found in the rows later, so that no message waits behind it."""
    for each in executor.current:
        if not each.offer(key, 0.0 if workqueue.is_a_grid(key) else None):
            workqueue.leave_to_polling(key)
        return
    run(key)
