"""Asking the checks of a rollout: an address that has to answer, a PromQL query that has to hold.

Whoever writes a grid would otherwise choose what a worker calls within the network: only hosts that the settings name
are called, without credentials, and a redirect is not followed.
"""

import logging
import math
from urllib.parse import urlsplit

from django.conf import settings

from ....core.rollouts.strategy import Gate
from ....core.usage.prometheus import samples_of
from ...process.promql import NoAnswer, ask, instant_query

log = logging.getLogger(__name__)
SECONDS = 5.0  # for each check
MOST_BYTES = 1 << 20  # of an answer


def all_pass(gates: tuple[Gate, ...]) -> bool:
    """Whether every check passes now."""
    return all(_passes(gate) for gate in gates)


def _passes(gate: Gate) -> bool:
    where = urlsplit(gate.url)
    if where.netloc.lower() not in settings.SGPORTAL_GATE_HOSTS:
        log.warning("check %s: host %s is not in SGPORTAL_GATE_HOSTS", gate.name, where.netloc)
        return False
    try:
        if gate.query:
            status, body = instant_query(gate.url, gate.query, SECONDS, MOST_BYTES)
        else:
            status, body = ask("GET", gate.url, SECONDS)
    except NoAnswer as error:
        log.info("check %s: %s", gate.name, error)
        return False
    return status == gate.status and (not gate.query or _holds(body))


def _holds(body: bytes) -> bool:
    """Whether Prometheus' answer to an instant query has a sample, and none that is 0 or no number."""
    try:
        values = [each.value for each in samples_of(body)]
    except ValueError:
        return False
    return bool(values) and all(value != 0 and not math.isnan(value) for value in values)
