"""Whose request is it, behind proxies and liars (contract D30, reliability H51)."""

import pytest

from pasar.store_service.web.address import UNKNOWN, Clients, bucket_address, networks

PROXIES = "10.0.0.0/8, 2001:db8:1::/48"


def address(peer: str | None, *headers: tuple[str, str], trusted: str = PROXIES) -> str:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"client": (peer, 1) if peer else None, "headers": raw}
    return Clients(networks(trusted)).address(scope)


def test_the_peer_is_the_client() -> None:
    assert address("192.0.2.1", trusted="") == "192.0.2.1"
    assert address("2001:db8::1", trusted="") == "2001:db8::1"
    assert address("::ffff:192.0.2.1", trusted="") == "192.0.2.1"
    assert address(None) == UNKNOWN


def test_a_peer_that_is_no_trusted_proxy_is_not_believed() -> None:
    forged = ("x-forwarded-for", "203.0.113.9")

    assert address("192.0.2.1", forged) == "192.0.2.1"
    assert address("10.0.0.1", forged, trusted="") == "10.0.0.1"


def test_d30_a_trusted_proxy_is_believed_from_the_right_to_the_first_untrusted_hop() -> None:
    chain = ("x-forwarded-for", "198.51.100.7, 203.0.113.9, 10.0.0.2")

    assert address("10.0.0.1", chain) == "203.0.113.9"


def test_several_headers_are_one_chain() -> None:
    first = ("x-forwarded-for", "198.51.100.7")
    second = ("x-forwarded-for", "203.0.113.9, 10.0.0.2")

    assert address("10.0.0.1", first, second) == "203.0.113.9"


def test_a_chain_of_trusted_hops_ends_at_its_leftmost() -> None:
    assert address("10.0.0.1", ("x-forwarded-for", "10.0.0.3, 10.0.0.2")) == "10.0.0.3"


@pytest.mark.parametrize("garbage", ["", "nonsense", "1.2.3.4.5", "unknown", "[", '"'])
def test_garbage_in_the_chain_is_as_far_as_it_goes(garbage: str) -> None:
    chain = ("x-forwarded-for", f"203.0.113.9, {garbage}, 10.0.0.2")

    assert address("10.0.0.1", chain) == "10.0.0.2"


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_a_hop_may_bear_a_port(hop: str, expected: str) -> None:
    assert address("2001:db8:1::1", ("x-forwarded-for", hop)) == expected


def test_forwarded_is_read_when_there_is_no_x_forwarded_for() -> None:
    standard = ("forwarded", 'for=198.51.100.7, for="[2001:db8::9]:80";proto=http, For=10.0.0.2')

    assert address("10.0.0.1", standard) == "2001:db8::9"
    assert address("10.0.0.1", standard, ("x-forwarded-for", "203.0.113.9")) == "203.0.113.9"
    assert address("10.0.0.1", ("forwarded", "for=203.0.113.9, proto=http")) == "10.0.0.1"


def test_ipv6_is_counted_per_64_bits() -> None:
    assert bucket_address("192.0.2.1") == "192.0.2.1"
    assert bucket_address("2001:db8:0:7:1::1") == "2001:db8:0:7::/64"
    assert bucket_address("2001:db8:0:7:2::2") == bucket_address("2001:db8:0:7:1::1")
    assert bucket_address("fe80::1%eth0") == "fe80::/64"


def test_a_wrong_list_of_proxies_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.300"):
        networks("10.0.0.300")
