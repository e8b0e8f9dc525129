"""The task: a key in, one call, nothing decided here."""

from typing import Any

from ..logs.request_id import request_named
from . import executor
from .celery import app
from .executor import Origin
from .queue import workqueue
from .queue.broker import RECONCILE, REQUEST, TRACE
from .worker import run


@app.task(name=RECONCILE, ignore_result=True, bind=True)
def reconcile(task: Any, key: str) -> None:
    """Have one key made right, if it is due and nobody is at it: by a thread of this worker that is free. A grid for
    which none is free is found in the rows later, so that no message waits behind it."""
    origin = Origin(task.request.id or "", request_named(task.request.get(REQUEST)), str(task.request.get(TRACE) or ""))
    for each in executor.current:
        if not each.offer(key, 0.0 if workqueue.is_a_grid(key) else None, origin):
            workqueue.leave_to_polling(key)
        return
    with origin.bound_to(key):
        run(key)
