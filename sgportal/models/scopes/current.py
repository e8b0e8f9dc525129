"""What whoever asks now may read and change. Without anybody (a worker, the shell) it is everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ...core.access.scope import EVERYTHING, Scope

_reading: ContextVar[Scope] = ContextVar("reading", default=EVERYTHING)
_writing: ContextVar[Scope] = ContextVar("writing", default=EVERYTHING)


def reading() -> Scope:
    """What queries find."""
    return _reading.get()


def writing() -> Scope:
    """What actions may change."""
    return _writing.get()


@contextmanager
def within(read: Scope, write: Scope) -> Iterator[None]:
    """Within this, queries find only what is in `read`, and actions change only what is in `write`; settled ones."""
    _check(read, write)
    before, could = _reading.set(read), _writing.set(write)
    try:
        yield
    finally:
        _writing.reset(could)
        _reading.reset(before)


def narrow(read: Scope, write: Scope) -> None:
    """From here on, to the end of the `within` around it, other scopes hold."""
    _check(read, write)
    _reading.set(read)
    _writing.set(write)


def _check(*scopes: Scope) -> None:
    """No rule of a query reads selectors: one that was not settled would let through what it does not take."""
    if not all(each.is_settled for each in scopes):
        raise ValueError("a scope is used whose selectors were not settled")


@contextmanager
def everything() -> Iterator[None]:
    """Within this, queries find everything: for what is worked out from the whole cluster, such as a plan or what
    kube-proxy does, of which the caller shows only what is in scope."""
    before = _reading.set(EVERYTHING)
    try:
        yield
    finally:
        _reading.reset(before)
