"""The tasks: a key in, one call, nothing decided here."""

from django.conf import settings

from ..access import brake
from ..models import Grid
from .celery import app
from .queue import change_log, workqueue
from .worker import run


@app.task(name=workqueue.RECONCILE, ignore_result=True)
def reconcile(key: str) -> None:
    """Make one key right, if it is due and nobody is at it."""
    run(key)


@app.task(name="sgportal.sweep", ignore_result=True)
def sweep() -> None:
    """Find every key whose message was lost or whose back-off is over; forget what is of no use any more."""
    workqueue.sweep()
    change_log.prune()
    brake.forget_expired()


@app.task(name="sgportal.resync", ignore_result=True)
def resync() -> None:
    """Have a fresh look at every grid, whether or not anything seems to have happened."""
    workqueue.request([grid.path for grid in Grid.objects.only("kind", "namespace", "name")])


app.conf.beat_schedule = {
    # Each expires before the next is due: a worker that was away need not catch up.
    "sweep": {
        "task": "sgportal.sweep",
        "schedule": settings.SGPORTAL_SWEEP_SECONDS,
        "options": {"expires": settings.SGPORTAL_SWEEP_SECONDS},
    },
    "resync": {
        "task": "sgportal.resync",
        "schedule": settings.SGPORTAL_RESYNC_SECONDS,
        "options": {"expires": settings.SGPORTAL_RESYNC_SECONDS},
    },
}
