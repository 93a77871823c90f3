"""More buyers than a shop can serve, from a client that costs little: it sends prepared bytes."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

THINKING_S: Final = 0.05  # from an answer to the next request of the same buyer


@dataclass(slots=True)
class Flood:
    """How long each answer took, by status, and what the refusals told about coming again."""

    took_s: dict[int, list[float]] = field(default_factory=dict)
    retry_after: set[bytes] = field(default_factory=set)

    def p99_s(self) -> float:
        """Return the seconds within which nearly all of the admitted requests were answered."""
        ranked = sorted(self.took_s[200])
        return ranked[len(ranked) * 99 // 100]

    def at_once(self, for_s: float) -> float:
        """Return how many admitted requests ran at the same time on average: Little's law."""
        return sum(self.took_s[200]) / for_s

    def note(self, head: bytes, took_s: float) -> None:
        status = int(head[9:12])
        self.took_s.setdefault(status, []).append(took_s)
        if status == 503:
            self.retry_after.add(header(head, b"retry-after"))


def prepared(method: str, path: str, token: str, body: Mapping[str, object]) -> bytes:
    content = json.dumps(body)
    return (
        f"{method} /api/v1{path} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}"
    ).encode()


async def flood(port: int, requests: Sequence[bytes], for_s: float) -> Flood:
    """Let one buyer per request send it, again and again for so long."""
    told = Flood()
    ends_at = time.monotonic() + for_s
    await asyncio.gather(*(_buyer(port, request, ends_at, told) for request in requests))
    return told


async def _buyer(port: int, request: bytes, ends_at: float, told: Flood) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    over = False
    while not over:
        began = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(header(head, b"content-length")))
        told.note(head, time.monotonic() - began)
        await asyncio.sleep(THINKING_S)
        over = time.monotonic() >= ends_at
    writer.close()
    await writer.wait_closed()


def header(head: bytes, name: bytes) -> bytes:
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return lines.get(name, b"")
