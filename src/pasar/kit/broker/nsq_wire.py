"""
The bytes of NSQ's TCP protocol V2 (https://nsq.io/clients/tcp_protocol_spec.html), without I/O.

Commands we send and frames we receive; which reply belongs to what is the connection's affair.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pasar.kit.broker.limits import MAX_BODY_BYTES

MAGIC: Final = b"  V2"
NOP: Final = b"NOP\n"
CLS: Final = b"CLS\n"

RESPONSE: Final = 0
ERROR: Final = 1
MESSAGE: Final = 2

_SIZE: Final = struct.Struct(">I")
_FRAME_HEAD: Final = struct.Struct(">II")  # size of what follows it, kind
_MESSAGE_HEAD: Final = struct.Struct(">qH16s")  # published at in ns, attempts, id
# A message of the largest body fits; every other frame of nsqd is far smaller.
_MAX_FRAME_BYTES: Final = MAX_BODY_BYTES + 1024


class BadFrame(ConnectionError):
    """The peer does not speak the protocol; nothing after it can be trusted."""


class WireMessage(NamedTuple):
    published_ns: int
    attempts: int
    id: bytes
    body: bytes


class Frames:
    """Cuts a byte stream into frames, however it arrives."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """
        Return the frames completed by `data`, as kind and payload.

        Raises:
            BadFrame: a length no frame has, judged before memory is taken for it.
        """
        self._buffer += data
        frames: list[tuple[int, bytes]] = []
        start = 0
        with memoryview(self._buffer) as view:
            while len(view) - start >= _FRAME_HEAD.size:
                size, kind = _FRAME_HEAD.unpack_from(view, start)
                if not _SIZE.size <= size <= _MAX_FRAME_BYTES:
                    raise BadFrame(f"frame of {size} bytes")
                end = start + _SIZE.size + size
                if end > len(view):
                    break
                frames.append((kind, bytes(view[start + _FRAME_HEAD.size : end])))
                start = end
        del self._buffer[:start]
        return frames


def message(payload: bytes) -> WireMessage:
    """Read a MESSAGE frame. Raises BadFrame when it is too short for one."""
    if len(payload) <= _MESSAGE_HEAD.size:
        raise BadFrame(f"message of {len(payload)} bytes")
    published_ns, attempts, message_id = _MESSAGE_HEAD.unpack_from(payload)
    return WireMessage(published_ns, attempts, message_id, payload[_MESSAGE_HEAD.size :])


def identify(features: Mapping[str, str | int | bool]) -> bytes:
    return b"IDENTIFY\n" + _sized(json.dumps(features).encode())


def auth(secret: str) -> bytes:
    return b"AUTH\n" + _sized(secret.encode())


def sub(topic: str, channel: str) -> bytes:
    return f"SUB {topic} {channel}\n".encode()


def pub(topic: str, bodies: Sequence[bytes]) -> bytes:
    """Return PUB for one body, MPUB for several."""
    if len(bodies) == 1:
        return f"PUB {topic}\n".encode() + _sized(bodies[0])
    batch = _SIZE.pack(len(bodies)) + b"".join([_sized(body) for body in bodies])
    return f"MPUB {topic}\n".encode() + _sized(batch)


def rdy(count: int) -> bytes:
    return b"RDY %d\n" % count


def fin(message_id: bytes) -> bytes:
    return b"FIN %b\n" % message_id


def req(message_id: bytes, delay_ms: int) -> bytes:
    return b"REQ %b %d\n" % (message_id, delay_ms)


def touch(message_id: bytes) -> bytes:
    return b"TOUCH %b\n" % message_id


def _sized(data: bytes) -> bytes:
    return _SIZE.pack(len(data)) + data
