"""What the processes write to their log: lines for people or JSON for machines, each with what it belongs to.

Any floor may log; this package knows the web framework's requests and nothing else of ours.
"""

from .context import bound, carried, name_process, request_of_this_work
from .setup import configure

__all__ = ["bound", "carried", "configure", "name_process", "request_of_this_work"]
