"""Which address a request comes from, where proxies stand before us."""

import pytest

from sgportal.core.addresses import client_of, counted_as, is_trusted, read_networks

PROXIES = read_networks(["10.0.0.1", "172.16.0.0/12", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 172.16.0.5", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 172.16.0.5", "203.0.113.9"),  # what the client itself sent first
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),  # no proxy of ours
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, garbage, 172.16.0.5", "172.16.0.5"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("fd00::1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9,", "10.0.0.1"),
        ("", "203.0.113.9", ""),
        ("testserver", "203.0.113.9", "testserver"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(peer, forwarded, client):
    assert client_of(peer, forwarded, PROXIES) == client


def test_without_trusted_proxies_nobody_is_believed():
    assert client_of("127.0.0.1", "203.0.113.9", ()) == "127.0.0.1"
    assert not is_trusted("127.0.0.1", ())
    assert is_trusted("172.31.255.255", PROXIES)


@pytest.mark.parametrize("text", ["", "proxy", "10.0.0.0/33", "10.0.0.1/8", "::1/129"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        read_networks([text])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:bbbb::2", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("testserver", ""),
    ],
)
def test_a_subscriber_counts_once(address, counted):
    assert counted_as(address) == counted
