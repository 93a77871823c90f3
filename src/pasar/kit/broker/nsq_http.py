"""The two questions asked over HTTP: who has a topic (nsqlookupd), how deep it is (nsqd)."""

import asyncio
from typing import Final, TypeVar

import msgspec

from pasar.kit.broker.port import Depth

_MAX_ANSWER_BYTES: Final = 1024 * 1024  # some 5,000 nodes; nothing we ask for is longer

_T = TypeVar("_T")


class _Node(msgspec.Struct):
    broadcast_address: str
    tcp_port: int


class _Lookup(msgspec.Struct):
    producers: list[_Node] = []


class _Channel(msgspec.Struct):
    channel_name: str
    depth: int
    in_flight_count: int
    deferred_count: int


class _Topic(msgspec.Struct):
    topic_name: str
    depth: int
    channels: list[_Channel] = []


class _Stats(msgspec.Struct):
    topics: list[_Topic] = []


async def lookup(lookupd: str, topic: str, limit_s: float) -> list[str]:
    """Return `host:port` of each nsqd that has the topic. Raises OSError, for nonsense too."""
    status, body = await _get(lookupd, f"/lookup?topic={topic}", limit_s)
    if status == b"404":  # nobody has declared the topic yet
        return []
    found = _decode(body, _Lookup)
    return [f"{node.broadcast_address}:{node.tcp_port}" for node in found.producers]


async def depth(nsqd_http: str, topic: str, channel: str, limit_s: float) -> Depth:
    """Count one nsqd's messages. Raises OSError."""
    path = f"/stats?format=json&topic={topic}&include_clients=false"
    _, body = await _get(nsqd_http, path, limit_s)
    waiting = ready = in_flight = deferred = 0
    for found in _decode(body, _Stats).topics:
        waiting += found.depth
        for each in [each for each in found.channels if each.channel_name == channel]:
            ready += each.depth
            in_flight += each.in_flight_count
            deferred += each.deferred_count
    return Depth(ready=ready, in_flight=in_flight, deferred=deferred, waiting=waiting)


async def _get(address: str, path: str, limit_s: float) -> tuple[bytes, bytes]:
    """Return status and body; HTTP/1.0, so the answer ends with the connection."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(limit_s):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
            answer = bytearray()
            while chunk := await reader.read(65536):
                answer += chunk
                if len(answer) > _MAX_ANSWER_BYTES:
                    raise ConnectionError(f"{address} answers without end")
        finally:
            writer.transport.abort()
            await writer.wait_closed()
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    status = head[9:12]
    if status not in {b"200", b"404"}:
        raise ConnectionError(f"{address} answers {head[:64]!r}")
    return status, body


def _decode(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ConnectionError(f"no sense in the answer: {error}") from error
