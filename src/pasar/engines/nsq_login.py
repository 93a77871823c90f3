"""
What the launcher says to nsqd and nsqlookupd: who are you, and nothing else.

The client of the shop lives in `kit/broker/`.
"""

import asyncio
import json
import struct
from typing import Final

GREET_LIMIT_S: Final = 2.0
_FRAME_TYPE_BYTES: Final = 4
_ANSWER_LIMIT_BYTES: Final = 64 * 1024  # IDENTIFY's answer has some 500; a stranger may send more


async def greet_nsqd(host: str, port: int) -> str:
    """IDENTIFY over TCP; return the version. Raises OSError if nobody answers as nsqd in 2 s."""
    question = json.dumps({"client_id": "pasar", "feature_negotiation": True}).encode()
    async with asyncio.timeout(GREET_LIMIT_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"  V2IDENTIFY\n" + struct.pack(">i", len(question)) + question)
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            if not _FRAME_TYPE_BYTES <= size <= _ANSWER_LIMIT_BYTES:
                raise ConnectionError("does not answer as nsqd")
            return _version((await reader.readexactly(size))[_FRAME_TYPE_BYTES:])
        except asyncio.IncompleteReadError as fault:
            raise ConnectionError(str(fault)) from None
        finally:
            writer.close()


async def greet_nsqlookupd(host: str, port: int) -> str:
    """GET /info; return the version. Raises OSError if nobody answers as nsqlookupd in 2 s."""
    async with asyncio.timeout(GREET_LIMIT_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"GET /info HTTP/1.0\r\n\r\n")
            answer = await reader.read(_ANSWER_LIMIT_BYTES)
        finally:
            writer.close()
    return _version(answer.partition(b"\r\n\r\n")[2])


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["version"])
    except (ValueError, LookupError, TypeError):
        raise ConnectionError("does not answer as NSQ") from None
