"""How a process learns that it is to end. A signal may come while its thread holds the lock of an event, and to set
that event would then wait for ever; nothing waits to append to a list."""

import signal
import threading
import time

LOOK_SECONDS = 0.2  # between two looks at whether the end was asked for


def asked() -> list[int]:
    """Is filled once SIGTERM or SIGINT comes. Called from the main thread."""
    found: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: found.append(number))
    return found


def asked_event() -> threading.Event:
    """Is set soon after. Called from the main thread, in a process that is not forked afterwards."""
    found, event = asked(), threading.Event()

    def follow() -> None:
        while not found:
            time.sleep(LOOK_SECONDS)
        event.set()

    threading.Thread(target=follow, name="ending", daemon=True).start()
    return event
