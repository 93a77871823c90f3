"""
The client's address: the peer's, or behind trusted proxies the one they vouch for (contract D30).

`X-Forwarded-For` is read when there is one, else `Forwarded` (RFC 7239): a proxy must set or remove
the one that it does not maintain itself.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from starlette.types import Scope

from pasar.store_service.web.envelope import Header

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN: Final = "unknown"
"""The address of a peer without one, such as a Unix socket: they all share its buckets."""

_HOP: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+|(.+)")
_FOR: Final = re.compile(r"(?:^|;)\s*for=([^;]*)", re.IGNORECASE)


def networks(text: str) -> tuple[Network, ...]:
    """Read a comma list such as `10.0.0.0/8, ::1`. Raises ValueError, naming the culprit."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class Clients:
    """
    Tells who sent a request; only proxies in `trusted` are believed about others.

    The chain is read from the right to the first hop that is not trusted: what stands further left
    is the client's own invention (reliability H51).
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def address(self, scope: Scope) -> str:
        """Return the address without port, or UNKNOWN."""
        host: str = scope["client"][0] if scope["client"] else UNKNOWN
        if not self._trusted and ":" not in host:
            return host
        address = _parsed(host)
        if address is None:
            return host
        for hop in reversed(_hops(scope["headers"]) if self._trusts(address) else ()):
            nearer = _parsed(hop)
            if nearer is None:
                break
            address = nearer
            if not self._trusts(address):
                break
        return str(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def bucket_address(address: str) -> str:
    """Return what the limiter counts by: one IPv6 client owns a whole /64."""
    if ":" not in address:
        return address
    return f"{IPv6Address(int(IPv6Address(address)) >> 64 << 64)}/64"


def _hops(headers: Iterable[Header]) -> Sequence[str]:
    values: dict[bytes, list[str]] = {b"x-forwarded-for": [], b"forwarded": []}
    for name, value in headers:
        if name in values:
            values[name] += value.decode("latin-1").split(",")
    if values[b"x-forwarded-for"]:
        return values[b"x-forwarded-for"]
    named = [_FOR.search(element) for element in values[b"forwarded"]]
    return [match[1] if match else UNKNOWN for match in named]


def _parsed(text: str) -> Address | None:
    """Read an address with or without port, brackets and quotes; IPv4 inside IPv6 comes out."""
    match = _HOP.fullmatch(text.strip().strip('"'))
    if match is None:
        return None
    try:
        address = ip_address(match[1] or match[2] or match[3])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
