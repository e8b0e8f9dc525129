"""Asking the checks of a rollout: an address that has to answer, a PromQL query that has to hold.

Whoever writes a grid would otherwise choose what a worker calls within the network: only hosts that the settings name
are called, without credentials, and a redirect is not followed.
"""

import logging
import math
from urllib.parse import quote, urlsplit

import orjson
import urllib3
from django.conf import settings

from ....core.rollouts.strategy import Gate

log = logging.getLogger(__name__)
SECONDS = 5.0  # for each check
MOST_BYTES = 1 << 20  # of an answer
_HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=SECONDS))


def all_pass(gates: tuple[Gate, ...]) -> bool:
    """Whether every check passes now."""
    return all(_passes(gate) for gate in gates)


def _passes(gate: Gate) -> bool:
    where = urlsplit(gate.url)
    if where.netloc.lower() not in settings.SGPORTAL_GATE_HOSTS:
        log.warning("check %s: host %s is not in SGPORTAL_GATE_HOSTS", gate.name, where.netloc)
        return False
    address = f"{gate.url.rstrip('/')}/api/v1/query?query={quote(gate.query)}" if gate.query else gate.url
    try:
        answer = _HTTP.request("GET", address, redirect=False, preload_content=False)
        try:
            body = answer.read(MOST_BYTES) if gate.query else b""
        finally:
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        log.info("check %s: %s", gate.name, error)
        return False
    if answer.status != gate.status:
        return False
    return not gate.query or _holds(body)


def _holds(body: bytes) -> bool:
    """Whether Prometheus' answer to an instant query has a sample, and none that is 0 or no number."""
    try:
        data = orjson.loads(body)["data"]
        samples = [data["result"]] if data["resultType"] == "scalar" else [each["value"] for each in data["result"]]
        values = [float(text) for _, text in samples]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return False
    return bool(values) and all(value != 0 and not math.isnan(value) for value in values)
