"""Addresses of clients: which one a request comes from where proxies stand before us, and which count as one."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
SUBSCRIBER = 64  # bits of an IPv6 address; the rest each client chooses for itself


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.1`, `10.0.0.0/8`, `fd00::/8`). Raises ValueError for anything else."""
    return tuple(ip_network(text) for text in texts)


def client_of(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The client's address, where `peer` is who connects and `forwarded` the header X-Forwarded-For. Each proxy adds at
    its end whom it heard the request from, so its end is believed as far as trusted proxies wrote it."""
    found = _read(peer)
    for hop in reversed(forwarded.split(",")):
        before = _read(hop)
        if found is None or before is None or not _within(found, trusted):
            break
        found = before
    return peer if found is None else str(found)


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is that of a trusted proxy."""
    found = _read(peer)
    return found is not None and _within(found, trusted)


def counted_as(address: str) -> str:
    """What all addresses of one subscriber have in common: an IPv4 address, an IPv6 network; "" for no address."""
    found = _read(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, SUBSCRIBER), strict=False))
    return "" if found is None else str(found)


def _read(text: str) -> Address | None:
    """An address as proxies write it: perhaps with a port, in brackets, or an IPv4 address within IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
