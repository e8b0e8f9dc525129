"""What a process, or one of its turns, is called: never the same twice, whatever the host is called."""

import os
import socket
import uuid

LONGEST = 100  # of Lease.holder, WorkKey.holder and Heartbeat.name


def host() -> str:
    """The name of this machine, as it stands before the first colon of `new_name`."""
    return socket.gethostname().partition(":")[0][:64]  # Linux has no longer ones


def new_name() -> str:
    """`<host>:<process id>:<random>`, at most LONGEST characters: nothing is cut off."""
    return f"{host()}:{os.getpid()}:{uuid.uuid4().hex[:16]}"
