"""A worker that dies at a numbered operation of the database or of the wire, within the test's own process."""

import threading


class Killed(BaseException):
    """The process died here."""


class Countdown:
    """Dies at the n-th operation, of the database or of the wire, and counts those before. 0: never."""

    def __init__(self, world, monkeypatch, fatal):
        self.count, self.fatal = 0, fatal
        transport = type(world.cluster._transport)
        original = transport.open

        def open_(*args, **options):
            self.tick()
            return original(*args, **options)

        monkeypatch.setattr(transport, "open", open_)

    def tick(self):
        if threading.current_thread() is threading.main_thread() or not self.fatal:
            self.count += 1
        if self.fatal and self.count == self.fatal:
            self.count += 1
            raise Killed

    def __call__(self, execute, sql, params, many, context):
        self.tick()
        return execute(sql, params, many, context)


def in_one_thread(monkeypatch):
    """Requests to the cluster run in the reconciler's own thread, so that every step is numbered."""
    for module in ("writes.apply", "observation.children"):
        monkeypatch.setattr(f"sgportal.reconciler.grids.{module}.map_parallel", _one_by_one)


def _one_by_one(function, items, first=False):
    return [function(item) for item in items]
